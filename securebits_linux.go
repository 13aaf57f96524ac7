//go:build amd64 || arm64

package sprog

import (
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/program"
)

const (
	allSecurebits = 1<<12 - 1
	keepCapsBit   = 1 << 4
	execBits      = 0xf00 // those about scripts, which take no privileges since Linux 6.14
)

// unprivileged reports whether secure bits change only as anybody may.
func (e edit) unprivileged() bool { return (e.clear|e.set)&allSecurebits&^execBits == 0 }

func (r *request) checkSecurebits() *StartError {
	s := r.attr.Securebits
	if s == nil {
		return nil
	}
	var dropped, added uint64
	var err *StartError
	if r.secure.clear, dropped, err = secureBits("Attr.Securebits.Drop", s.Drop); err != nil {
		return err
	}
	if r.secure.set, added, err = secureBits("Attr.Securebits.Add", s.Add); err != nil {
		return err
	}
	if both := dropped & added; both != 0 {
		return invalidf("Attr.Securebits", program.SecurebitNames(both), "is both added and dropped")
	}
	return nil
}

// secureBits turns names into bits: all of them, and those named one by one.
func secureBits(field string, names []string) (set, named uint64, err *StartError) {
	for i, name := range names {
		if name == "all" {
			set |= allSecurebits
			continue
		}
		bit, ok := program.Securebit(name)
		if !ok {
			return 0, 0, invalidf(index(field, i), strconv.Quote(name), "is no secure-bits flag")
		}
		named |= bit
	}
	return set | named, named, nil
}

// securebits changes the flags. That capabilities are being kept over a change
// of the user is one of them, which is not to stay.
func (b *builder) securebits() {
	const name = "Attr.Securebits"
	e, p := b.ask.secure, b.p
	if b.ask.keepsCaps() {
		e.clear |= keepCapsBit
	}
	if e.clear&allSecurebits == allSecurebits {
		b.add(name, program.Prctl, num(unix.PR_SET_SECUREBITS), num(e.set))
		return
	}
	now := p.Words(0)
	b.add(name, program.Prctl, num(unix.PR_GET_SECUREBITS)).Into(now)
	p.Add(name, program.Move, now, num(0), num(e.set), num(e.clear)).Quiet = true
	b.add(name, program.Prctl, num(unix.PR_SET_SECUREBITS), p.Result())
}
