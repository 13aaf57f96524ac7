//go:build amd64 || arm64

package spec

import (
	"slices"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/listing"
	"github.com/sprog-dev/sprog/internal/terms"
)

// What the kernel has of signals.
const (
	LastSignal  = 64 // SIGRTMAX
	SigsetSize  = 8  // bytes of a sigset_t
	SigactWords = 4  // of struct sigaction
)

func (r *Start) checkSignals() *Error {
	s := r.Attr.Signals
	if s == nil {
		return nil
	}
	for _, list := range []struct {
		name    string
		signals []syscall.Signal
		reason  terms.Text
	}{
		{"Attr.Signals.Mask", s.Mask, "cannot be blocked"},
		{"Attr.Signals.Ignore", s.Ignore, "cannot be ignored"},
		{"Attr.Signals.Default", s.Default, "has its default action always"},
	} {
		for i, sig := range list.signals {
			switch {
			case sig < 1 || sig > LastSignal:
				return Invalid(Index(list.name, i), strconv.Itoa(int(sig)), "is no signal")
			case sig == unix.SIGKILL || sig == unix.SIGSTOP:
				return Invalid(Index(list.name, i), listing.SignalName(int(sig)), list.reason)
			}
		}
	}
	for i, sig := range s.Default {
		if slices.Contains(s.Ignore, sig) {
			return Invalid(Index("Attr.Signals.Default", i), listing.SignalName(int(sig)), "is in {Ignore|Attr.Signals.Ignore} too")
		}
	}
	return nil
}
