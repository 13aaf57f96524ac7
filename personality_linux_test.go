//go:build amd64 || arm64

package sprog

import (
	"fmt"
	"strings"
	"testing"
)

func TestPersonality(t *testing.T) {
	for _, want := range []Personality{0, AddrNoRandomize, AddrNoRandomize | Linux32} {
		for _, init := range []*Init{nil, {}} {
			out := printed(t, nil, &Attr{Personality: &want, Init: init}, "cat", "/proc/self/personality")
			if got := strings.TrimSpace(out); got != fmt.Sprintf("%08x", uint32(want)) {
				t.Errorf("personality = %s; want %08x", got, uint32(want))
			}
		}
	}
	maps := func() string {
		return printed(t, nil, &Attr{Personality: persona(AddrNoRandomize)}, "grep", "stack", "/proc/self/maps")
	}
	if a, b := maps(), maps(); a != b {
		t.Errorf("the stack is at %s, then at %s; want it at the same place", a, b)
	}
}
