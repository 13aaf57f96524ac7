//go:build amd64 || arm64

package machine

import (
	"encoding/binary"
	"unsafe"

	"github.com/sprog-dev/sprog/internal/stage2"
	"golang.org/x/sys/unix"
)

// listen reads the pipe to its end, or to the word that the program has been
// executed, and does the parent's part meanwhile.
func (s *Second) listen(res *Result) []byte {
	report := make([]byte, 0, unsafe.Sizeof(state{}))
	most := 1 + int(unsafe.Sizeof(state{})) + len(s.Program.Steps)*s.program.perStep()*StepSize
	size := 4096
	if s.GoesOn || s.WaitsForRest {
		size = 1 // what comes after the word may be there already, and is the caller's
	}
	for len(report) <= most && !s.isGone(*res) {
		buf := make([]byte, size)
		n, err := unix.Read(s.read, buf)
		if err == unix.EINTR {
			continue
		}
		if n <= 0 {
			break
		}
		buf = buf[:n]
		if s.Meets && len(report) == 0 && s.heard(res, string(buf[:1])) {
			buf = buf[1:] // it may not have waited, but failed
		}
		report = append(report, buf...)
		if s.WaitsForRest && string(report) == stage2.Waits {
			return report
		}
		if s.GoesOn && string(report) == stage2.Executed {
			return report
		}
		if len(report) > 0 {
			size = 4096
		}
	}
	if len(report) > most { // it is none of ours any more
		res.kill()
	}
	return report
}

// heard answers what the second stage tells before it is at its end. If the
// parent's part fails, the child is killed.
func (s *Second) heard(res *Result, word string) bool {
	switch word {
	default:
		return false
	case stage2.SiblingMade:
		s.follow(res)
	case stage2.Entered:
		s.follow(res)
		res.Err = s.Rendezvous(res.Pid)
		if s.Moments != nil {
			s.Moments.At[Met] = s.Moments.Now()
		}
		if res.Err != nil {
			res.ended = isDead(res.Pid)
			res.kill()
			return true
		}
	}
	unix.Write(s.answer, []byte{1})
	return true
}

// follow has the result be about the process that goes on, if the first one
// has made another and ended. It is done once, before anybody may have the
// right to change the number.
func (s *Second) follow(res *Result) {
	if !s.MakesSibling {
		return
	}
	var word [4]byte
	unix.Pread(s.state, word[:], stage2.SiblingAt-stage2.StatePage)
	pid := int(binary.NativeEndian.Uint32(word[:]))
	if pid == 0 {
		return
	}
	s.MakesSibling = false
	res.reap(InSecond)
	res.Pid, res.PidFD = pid, -1
	if fd, err := unix.PidfdOpen(pid, 0); err == nil {
		res.PidFD = fd
	}
	res.stop.has(*res)
}

// isGone waits for there to be something to read, and reports whether there will be nothing. The start was
// stopped, and the second stage is dead, or does not die; a child of
// its own may hold the pipe open, in a call that no signal interrupts. Or it is an init that the program
// has stopped before it could tell.
func (s *Second) isGone(res Result) bool {
	if res.stop == nil && !s.Forks && !s.hasWaited {
		return false
	}
	const nap = 50 // milliseconds
	for {
		ready := []unix.PollFd{{Fd: int32(s.read), Events: unix.POLLIN}}
		if n, _ := unix.Poll(ready, nap); n > 0 {
			return false
		}
		if res.stop.IsAsked() && (isDead(res.Pid) || res.stop.inVain()) {
			return true
		}
		if res.stop.IsAsked() || !isStopped(res.Pid) {
			continue
		}
		if s.Forks && s.ranProgram() {
			return true
		}
		// Whoever has stopped it while it waited may never let it go on.
		if n, _ := unix.Poll(ready, 0); s.hasWaited && n == 0 {
			res.kill()
		}
	}
}

// isStopped reports whether a child is stopped.
func isStopped(pid int) bool {
	var info waitInfo
	errno := waitid(unix.P_PID, pid, &info, unix.WSTOPPED|unix.WNOHANG|unix.WNOWAIT|unix.WALL)
	return errno == 0 && info.pid != 0
}

// stopped is the end of a second stage that was to end, and how far it had come.
func (s *Second) stopped(res Result) Result {
	step, known := s.reached()
	res = res.End()
	if res.Place = SecondItself; known {
		res.Place, res.Step = InSecond, step
	}
	return res
}

// giveUp ends a launch in which the parent's part has failed, by the child's
// doing maybe: see run.giveUp.
func (s *Second) giveUp(res Result) Result {
	err, ended := res.Err, res.ended
	res.Err = nil
	res = s.killed(res)
	if !ended && res.Errno == 0 && (res.Signal == 0 || res.Signal == unix.SIGKILL) {
		res.Place, res.Err, res.Signal = AtMeeting, err, 0
	}
	return res
}
