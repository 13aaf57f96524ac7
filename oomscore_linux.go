//go:build amd64 || arm64

package sprog

import (
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/program"
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
	if s.attr.OOMScoreAdj == nil {
		return nil
	}
	var err error
	s.procFD, err = s.makeFile(oomField, func() (int, error) {
		return unix.Open("/proc", unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	})
	if err != nil {
		return &StartError{Path: s.path, Step: "open", Object: "/proc", Field: oomField, Err: err}
	}
	return nil
}

// oomScoreAdj writes the value. The kernel gives it to every process that
// shares the memory.
func (b *builder) oomScoreAdj() {
	if b.attr.OOMScoreAdj == nil {
		return
	}
	p, text := b.p, strconv.Itoa(*b.attr.OOMScoreAdj)
	open := p.Len()
	b.add(oomField, program.Openat, num(b.table.at(b.procFD)), p.Str("self/oom_score_adj"), num(unix.O_WRONLY), num(0))
	b.add(oomField, program.Write, num(0), p.Str(text), num(len(text)))
	p.FeedArg(open, open+1, 0)
	b.add(oomField, program.Close, num(0)).Quiet = true
	p.FeedArg(open, open+2, 0)
}
