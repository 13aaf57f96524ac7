//go:build amd64 || arm64

package compile

import (
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/program"
	"github.com/sprog-dev/sprog/internal/spec"
)

// dispositions sets what signals do. The child has no handlers, so that what it
// does not ignore has its default action.
func (b *builder) dispositions() {
	s := b.ask.Attr.Signals
	if s == nil {
		return
	}
	if s.AllDefault {
		b.allDefault()
	}
	for i, sig := range s.Default {
		if !s.AllDefault {
			b.sigaction(spec.Index("Attr.Signals.Default", i), sig, 0)
		}
	}
	for i, sig := range s.Ignore {
		b.sigaction(spec.Index("Attr.Signals.Ignore", i), sig, 1)
	}
}

func (b *builder) sigaction(name string, sig syscall.Signal, handler uint64) {
	act := b.p.Words(handler, 0, 0, 0)
	b.add(name, program.RtSigaction, Num(int(sig)), act, Num(0), Num(spec.SigsetSize))
}

// allDefault goes through all signals. The kernel answers EINVAL for the two
// whose action cannot be changed.
func (b *builder) allDefault() {
	p := b.p
	sig, dfl := p.Words(1), p.Buffer(8*spec.SigactWords)
	again := p.Here()
	b.add("Attr.Signals.AllDefault", program.RtSigaction, Num(1), dfl, Num(0), Num(spec.SigsetSize)).Ignore(uint32(unix.EINVAL))
	p.CountUp(sig, Num(spec.LastSignal+1), &again, p.Slot(0))
}

// signalMask gives the child its signal mask: the one asked for, or the one
// that the cloning thread had. All signals were blocked around the clone.
func (b *builder) signalMask() {
	s := b.ask.Attr.Signals
	if s == nil || s.Mask == nil {
		b.restoreMask()
		return
	}
	var set uint64
	for _, sig := range s.Mask {
		set |= 1 << (sig - 1)
	}
	b.add("Attr.Signals.Mask", program.RtSigprocmask, Num(unix.SIG_SETMASK), b.p.Words(set), Num(0), Num(spec.SigsetSize))
}

func (b *builder) restoreMask() {
	b.add("", program.RtSigprocmask, Num(unix.SIG_SETMASK), b.mask, Num(0), Num(spec.SigsetSize))
}
