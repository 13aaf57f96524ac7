//go:build amd64 || arm64

package sprog

import (
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/ownproc"
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
	name, lists := s.needsProc(), s.listsChildren()
	s.procFD, s.childList = -1, false
	if name == "" || name == initField && !lists {
		return nil
	}
	var foreign, err error
	s.procFD, err = s.makeFile(name, func() (int, error) {
		fd, err := unix.Open("/proc", unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
		if err != nil || !lists {
			return fd, err
		}
		if foreign = ownproc.Check(fd); foreign != nil && name == initField {
			unix.Close(fd)
			return -1, foreign
		}
		return fd, nil
	})
	s.childList = lists && err == nil && foreign == nil
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
