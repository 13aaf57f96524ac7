//go:build amd64 || arm64

package compile

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
		b.add(name, program.Prctl, Num(unix.PR_SET_SECUREBITS), Num(e.Set))
		return
	}
	now := p.Words(0)
	b.add(name, program.Prctl, Num(unix.PR_GET_SECUREBITS)).Into(now)
	p.Add(name, program.Move, now, Num(0), Num(e.Set), Num(e.Clear)).Quiet = true
	b.add(name, program.Prctl, Num(unix.PR_SET_SECUREBITS), p.Result())
}
