//go:build amd64 || arm64

package sprog

import (
	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/program"
	"github.com/sprog-dev/sprog/internal/spec"
)

// securebits changes the flags. That capabilities are being kept over a change
// of the user is one of them, which is not to stay.
func (b *builder) securebits() {
	const name = "Attr.Securebits"
	e, p := b.ask.Secure, b.p
	if b.ask.KeepsCaps() {
		e.Clear |= spec.KeepCapsBit
	}
	if e.Clear&spec.AllSecurebits == spec.AllSecurebits {
		b.add(name, program.Prctl, num(unix.PR_SET_SECUREBITS), num(e.Set))
		return
	}
	now := p.Words(0)
	b.add(name, program.Prctl, num(unix.PR_GET_SECUREBITS)).Into(now)
	p.Add(name, program.Move, now, num(0), num(e.Set), num(e.Clear)).Quiet = true
	b.add(name, program.Prctl, num(unix.PR_SET_SECUREBITS), p.Result())
}
