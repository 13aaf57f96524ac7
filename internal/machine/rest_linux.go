//go:build amd64 || arm64

package machine

import (
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/program"
	"github.com/sprog-dev/sprog/internal/stage2"
)

// GoOn gives a second stage that waits the rest of its program and the files that it needs,
// which come to have the lowest numbers there. It completes the result as Outcome does. The
// rest, and what has to be known of it, are in the fields of s as otherwise the whole program is.
func (s *Second) GoOn(res Result, stop *Stop, socket int, files []int) Result {
	res.stop = stop
	stop.has(res)
	s.WaitsForRest, s.hasWaited = false, true
	s.program = layout{insns: stage2.RestAt, state: s.program.state, exit: s.program.exit}
	if err := s.send(socket, files); err != nil {
		res.Err = err
		res.kill()
		return s.giveUp(res)
	}
	res.OK = false
	report := s.listen(&res)
	if res.stop.IsAsked() {
		return s.stopped(res)
	}
	return s.judge(res, report)
}

// FitsRest reports whether there is room for a program as the rest of another.
func FitsRest(p *program.Program) bool { return len(p.Steps)*StepSize+len(p.Data) <= stage2.MostOfRest }

// send sends the rest, linked for where it comes to be.
func (s *Second) send(socket int, files []int) error {
	l := &s.program
	l.data = l.insns + uint64(len(s.Program.Steps))*uint64(insnSize)
	insns := l.link(s.Program, make([]insn, 0, len(s.Program.Steps)))
	defer l.unlink(s.Program)
	parts := [][]byte{unsafe.Slice((*byte)(unsafe.Pointer(&insns[0])), len(insns)*StepSize), s.Program.Data}
	if len(s.Program.Data) == 0 {
		parts = parts[:1]
	}
	var with []byte
	if len(files) > 0 {
		with = unix.UnixRights(files...)
	}
	_, err := unix.SendmsgBuffers(socket, parts, with, nil, unix.MSG_NOSIGNAL)
	return err
}
