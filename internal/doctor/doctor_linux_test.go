//go:build amd64 || arm64

package doctor

import (
	"regexp"
	"testing"
	"time"

	"github.com/sprog-dev/sprog/internal/spec"
)

// What a kernel may lack, or refuse to a process, is asked by a probe.
func TestFacilitiesHaveProbes(t *testing.T) {
	for _, f := range spec.Facilities {
		found := false
		name := regexp.MustCompile(`(Attr\.|, )` + f.Field + `\b`)
		for _, p := range Features() {
			found = found || name.MatchString(string(p.For))
		}
		if found == f.Everywhere {
			t.Errorf("Attr.%s: everywhere %v, and is probed %v", f.Field, f.Everywhere, found)
		}
	}
}

// A probe that does not come back is not waited for.
func TestProbeGivesUp(t *testing.T) {
	never := make(chan struct{})
	defer close(never)
	f := featureProbe{ask: func() Support { <-never; return Support{} }}
	if s := f.within(time.Millisecond); s.Answer != Unknown || s.Reason != "no answer within 1ms" {
		t.Errorf("within(1ms) = %+v; want no answer", s)
	}
}
