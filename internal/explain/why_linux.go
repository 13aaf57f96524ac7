//go:build amd64 || arm64

package explain

import (
	"time"

	"github.com/sprog-dev/sprog/internal/plain"
	"github.com/sprog-dev/sprog/internal/spec"
	"github.com/sprog-dev/sprog/internal/terms"
)

// Why is the hint, or "".
func (f Failure) Why() terms.Text {
	for i := range reasons {
		if r := &reasons[i]; r.origin == f.E.Origin && (r.step == "" || r.step == f.E.Step) {
			if why := r.find(f); why != "" {
				return why
			}
		}
	}
	for _, find := range ofAnyStep {
		if why := find(f); why != "" {
			return why
		}
	}
	return ""
}

// WhyInTime is Why, or "" where that takes long: in a root that somebody else has prepared, a
// file system's server may never answer, and no call that waits for it can be taken back.
func (f Failure) WhyInTime() terms.Text {
	if f.Ask.Sys.Chroot == "" && !f.joins(spec.MountNamespace) {
		return f.Why()
	}
	answer := make(chan terms.Text, 1)
	go func() { answer <- f.Why() }()
	for enough := plain.In(time.Second); !enough.Over(); plain.Sleep(100 * time.Microsecond) {
		select {
		case why := <-answer:
			return why
		default:
		}
	}
	return ""
}

// ofAnyStep is asked at last: what can be behind a call, whoever makes it.
var ofAnyStep = [...]func(Failure) terms.Text{
	Failure.restrictedHint,
	Failure.dupHint,
	Failure.missingCallHint,
	Failure.filterHint,
}
