package verified

import (
	"encoding/binary"
	"fmt"
	"hash/maphash"
	"sync"
	"unsafe"

	"github.com/sprog-dev/sprog/internal/program"
)

// A seen is the starts that have been found to be good: tests make the same one very often.
type seen struct {
	mu    sync.Mutex
	known map[uint64]bool
}

func (s *seen) has(print uint64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.known[print]
}

func (s *seen) add(print uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.known == nil {
		s.known = map[uint64]bool{}
	}
	s.known[print] = true
}

var seed = maphash.MakeSeed()

// fingerprint is equal for starts that are equal in everything that the verifier looks at.
func fingerprint(s *program.Start) uint64 {
	var h maphash.Hash
	h.SetSeed(seed)
	number := func(n int) { h.Write(binary.NativeEndian.AppendUint64(nil, uint64(n))) }
	for _, p := range []*program.Program{s.First, s.Second} {
		if p == nil {
			number(-1)
			continue
		}
		number(len(p.Steps))
		for _, step := range p.Steps {
			h.WriteString(step.Field + "\x00" + string(step.Origin) + "\x00")
			step.Field, step.Origin = "", "" // the rest has no pointers
			h.Write((*[unsafe.Sizeof(step)]byte)(unsafe.Pointer(&step))[:])
		}
		number(len(p.Data))
		h.Write(p.Data)
		number(p.Handler)
		fmt.Fprint(&h, p.Relocs, p.Variables, p.JumpsNowhere())
	}
	fmt.Fprint(&h, s.Open, s.Shared, s.Highest, s.Given)
	return h.Sum64()
}
