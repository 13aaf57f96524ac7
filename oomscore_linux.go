//go:build amd64 || arm64

package sprog

import (
	"strconv"

	"golang.org/x/sys/unix"
)

const oomField = "Attr.OOMScoreAdj"

func (r *request) checkOOMScoreAdj() *StartError {
	if n := r.attr.OOMScoreAdj; n != nil && (*n < -1000 || *n > 1000) {
		return invalidf(oomField, strconv.Itoa(*n), "is not from -1000 to 1000")
	}
	return nil
}

// openProc opens /proc as this process has it: the child may have a mount
// namespace in which there is none, or a root of somebody else's.
func (s *starter) openProc() *StartError {
	name := s.needsProc()
	s.procFD = -1
	if name == "" {
		return nil
	}
	var err error
	s.procFD, err = s.makeFile(name, func() (int, error) {
		return unix.Open("/proc", unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	})
	if err != nil && name != initField {
		return &StartError{Path: s.path, Step: "open", Object: "/proc", Field: name, Err: err}
	}
	return nil
}

// oomScoreAdj writes the value. The kernel gives it to every process that
// shares the memory.
func (b *builder) oomScoreAdj() {
	if b.attr.OOMScoreAdj == nil {
		return
	}
	b.writeProc(oomField, "self/oom_score_adj", strconv.Itoa(*b.attr.OOMScoreAdj))
}
