//go:build amd64 || arm64

package machine

import (
	"os"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/program"
	"github.com/sprog-dev/sprog/internal/stage2"
)

// A Second is a second stage: the steps that must not run while memory is
// shared, in a process image of their own. The first stage ends by executing
// the image, a static ELF file of the machine's code and the program, which is
// in a sealed memfd: no file is needed, and nobody can write to it.
//
// It tells through a pipe how it went: its state if a step failed, all of its
// instructions if its child died before it executed the program, or a single
// byte if that has been executed. A second stage that is killed says nothing,
// nor does one that executes the program itself. For those there is the state:
// the first step maps that from a file which the parent has too, so that the
// parent sees which step it has come to.
type Second struct {
	Program *program.Program
	// Report is the number of the pipe's write end in the child.
	Report int
	// Forks says that the second stage is an init, with a child that executes
	// the program. Otherwise it executes the program itself.
	Forks bool
	// GoesOn says that the init keeps its end of the pipe, to tell more than
	// that the program has been executed.
	GoesOn bool
	// Child is the index of the first step that the second stage's own child
	// runs, which shares its memory until it executes.
	Child int
	// Clone is the index of the step that makes that child, whose word is at LeftAt, and Settled that
	// of the first step after it which is run only if the program has been executed.
	Clone, Settled int
	// Meets says that the second stage tells when it has entered its user
	// namespace, and waits until Rendezvous has been called and has given it
	// a byte.
	Meets      bool
	Rendezvous func(pid int) error
	// MakesSibling says that its first process may make another one, which goes on,
	// and puts its number at SiblingAt.
	MakesSibling bool
	// WaitsForRest says that it is to wait for the rest of its program: see GoOn.
	WaitsForRest bool
	// Moments, if not nil, receives when Rendezvous has returned.
	Moments *Times

	hasWaited bool // it has got the rest of its program

	image   imageFile
	state   int // the file that the state is in
	read    int // the pipe
	write   int
	wait    int // the pipe that it waits for the parent at, or -1
	answer  int
	program layout
}

// Open makes the pipe and an empty image, whose descriptors the first stage
// hands on.
func (s *Second) Open() (err error) {
	s.image, s.state, s.read, s.write, s.wait, s.answer = noImage, -1, -1, -1, -1, -1
	s.image, err = newImage()
	if err == nil {
		s.state, err = newState()
	}
	if err != nil {
		s.Close()
		return err
	}
	if s.read, s.write, err = pipe(); err == nil && s.Meets {
		s.wait, s.answer, err = pipe()
	}
	if err != nil {
		s.Close()
	}
	return err
}

// pipe makes a pipe, of sockets where there are any. The child has an end open
// while it follows paths that an earlier program may have prepared: a pipe could
// be opened once more by its name in /proc, and would have no end then.
func pipe() (read, write int, err error) {
	if ends, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0); err == nil {
		return ends[0], ends[1], nil
	}
	var ends [2]int
	if err := unix.Pipe2(ends[:], unix.O_CLOEXEC); err != nil {
		return -1, -1, os.NewSyscallError("pipe2", err)
	}
	return ends[0], ends[1], nil
}

// Image is the descriptor of the image.
func (s *Second) Image() int { return s.image.fd }

// State is that of the file with the state.
func (s *Second) State() int { return s.state }

// Pipe is that of the pipe's write end.
func (s *Second) Pipe() int { return s.write }

// Wait is that of the pipe that the second stage waits at, or -1.
func (s *Second) Wait() int { return s.wait }

// TakeReports hands the pipe's read end over to the caller.
func (s *Second) TakeReports() int {
	fd := s.read
	s.read = -1
	return fd
}

// TakeState hands the file with the state over to the caller.
func (s *Second) TakeState() int {
	fd := s.state
	s.state = -1
	return fd
}

// Close closes what Open made.
func (s *Second) Close() {
	s.image.close()
	for _, fd := range []*int{&s.state, &s.read, &s.write, &s.wait, &s.answer} {
		if *fd >= 0 {
			unix.Close(*fd)
			*fd = -1
		}
	}
}

// Seal writes the program to the image and seals it.
func (s *Second) Seal() error {
	s.program = layout{logs: s.Program.Log.Entries > 0, exit: 1}
	tell := func(l layout) []insn { return []insn{s.tell(l.state), exitInsn(), crashInsn()} }
	handler := len(s.Program.Steps)
	if s.Program.Handler > 0 {
		handler = s.Program.Handler
	}
	image := s.program.image(s.Program, handler, 3, tell)
	page := make([]byte, stage2.StatePageSize)
	copy(page, image[:stateEnd])
	page[stage2.LeftAt-stage2.StatePage] = 1
	if _, err := unix.Pwrite(s.state, page, 0); err != nil {
		return os.NewSyscallError("pwrite", err)
	}
	if size := stage2.StateSize(s.Program.Log.Size()); size > stage2.StatePageSize {
		if err := unix.Ftruncate(s.state, int64(size)); err != nil {
			return os.NewSyscallError("ftruncate", err)
		}
	}
	return s.image.seal(image)
}

// Outcome completes the result of a launch that has executed the image: it
// reads what the second stage has to tell, until it waits for the rest of its program
// if it is to. No other descriptor of the pipe's
// write end may be left in this process, or it would never end.
func (s *Second) Outcome(res Result) Result {
	unix.Close(s.write)
	s.write = -1
	res.OK = false
	report := s.listen(&res)
	s.follow(&res)
	switch {
	case res.stop.IsAsked():
		return s.stopped(res)
	case res.Err != nil:
		return s.giveUp(res)
	case s.WaitsForRest && string(report) == stage2.Waits:
		s.image.close()
		res.OK = true
		return res
	}
	return s.judge(res, report)
}

// judge tells by the report how the second stage went.
func (s *Second) judge(res Result, report []byte) Result {
	const stateSize = int(unsafe.Sizeof(state{}))
	switch {
	case len(report) == 0 && s.atExecve() && executedSecond(res.Pid):
		res.OK = true
		return res
	case len(report) == 0 && s.Forks && s.ranProgram():
		res.OK = true
		return res
	case len(report) == 0: // killed without a word
		return s.killed(res)
	case len(report) == 1 || len(report) == 1+stateSize: // the word that the program has been executed
		res.OK = true // what the init reports after that is its own end
		return res
	case len(report)%StepSize == stateSize, stateSize <= len(report) && len(report) < StepSize: // the state comes first, or alone, if twice
		st := (*state)(unsafe.Pointer(&report[0]))
		res.Step = s.stepOf(st.failed)
		res.Errno = syscall.Errno(st.errno)
		res = res.reap(InSecond)
		res.Signal = 0 // its exit may have been denied
		return res
	}
	step, errno := s.lastStep(report)
	res.Step = step
	res = res.reap(InSecond)
	if res.Errno = errno; errno == 0 {
		res.Signal = syscall.Signal(res.code) // of the child, which the init exits with
	}
	return res
}

// shown is the state as it is in the file.
func (s *Second) shown() (st state) {
	b := make([]byte, stateEnd)
	if n, err := unix.Pread(s.state, b, 0); err == nil && n == len(b) {
		st = *(*state)(unsafe.Pointer(&b[headersSize]))
	}
	return st
}

// Times returns when the second stage began, and what it has put into its log.
// Neither is there without one, or before the state is mapped.
func (s *Second) Times() (begin time.Duration, log []program.Entry) {
	if s.Program == nil || s.Program.Log.Entries == 0 {
		return 0, nil
	}
	page := make([]byte, stage2.StatePageSize)
	unix.Pread(s.state, page, 0)
	st := (*state)(unsafe.Pointer(&page[headersSize]))
	used := make([]byte, min(max(int64(st.log)-stage2.LogAt, 0), stage2.LogSize))
	unix.Pread(s.state, used, stage2.StatePageSize)
	return program.ReadTime(page[stage2.BornAt-stage2.StatePage:]), s.Program.ReadLog(used)
}

// Shared returns what the program has left in the room at SharedAt.
func (s *Second) Shared() []byte {
	b := make([]byte, stage2.SharedSize)
	unix.Pread(s.state, b, stage2.SharedAt-stage2.StatePage)
	return b
}

// View returns what it has left in the room at ViewAt.
func (s *Second) View() []byte {
	b := make([]byte, stage2.ViewSize)
	unix.Pread(s.state, b, stage2.ViewAt-stage2.StatePage)
	return b
}

// reached returns the step that the second stage has come to, and false if that
// is not known: it has not mapped its state, or is one that a child shares.
func (s *Second) reached() (step int, known bool) {
	st := s.shown()
	step = s.program.step(st.cur)
	if step < 0 {
		return 0, false
	}
	ofChild := s.Forks && step >= s.Child
	return step, st.cur != 0 && step < len(s.Program.Steps) && !ofChild
}

// stepOf is the step that failed. The state is the second stage's, whom the
// owner of its user namespace may trace: an address that is none of its steps'
// is taken for the last.
func (s *Second) stepOf(insn uint64) int {
	if step := s.program.step(insn); step >= 0 && step < len(s.Program.Steps) {
		return step
	}
	return len(s.Program.Steps) - 1
}

// atExecve reports whether it has come to the execution of the program.
func (s *Second) atExecve() bool {
	step, known := s.reached()
	if !known || s.Forks {
		return false
	}
	call := s.Program.Steps[step].Call
	return call == program.Execve || call == program.Execveat
}

// ranProgram reports whether the program has been executed though the init was killed before it could
// tell: the program may do that as the first thing. The child has left the init's memory
// without a failure, and came to its execve, or the init has gone on and was not about to tell of a death.
// A child that somebody kills in its execve, together with the init, is told to be a program that he has killed.
func (s *Second) ranProgram() bool {
	var left [4]byte
	st := s.shown()
	if n, err := unix.Pread(s.state, left[:], stage2.LeftAt-stage2.StatePage); n < len(left) || err != nil || left != [4]byte{} || st.failed != 0 {
		return false
	}
	step := s.program.step(st.cur)
	if step <= s.Clone || step >= len(s.Program.Steps) {
		return false
	}
	switch call := s.Program.Steps[step].Call; {
	case step >= s.Child:
		return call == program.Execve || call == program.Execveat
	case step >= s.Settled:
		return true
	default:
		return call == program.Test || call == program.Move || call == program.Waitid
	}
}

// killed is the result of a second stage that has said nothing, because it was
// killed, or because a filter of system calls keeps it from saying it.
func (s *Second) killed(res Result) Result {
	res = res.reap(SecondItself)
	if st := s.shown(); st.failed != 0 {
		res.Place, res.Step, res.Errno, res.Signal = InSecond, s.stepOf(st.failed), syscall.Errno(st.errno), 0
	} else if step, known := s.reached(); known {
		res.Place, res.Step = InSecond, step
	}
	return res
}

// lastStep finds the step at which the second stage's child died, by going the
// way that it went: to a step that it did not finish, or back to one in a loop,
// or to one that failed, in a child that could not tell of it.
func (s *Second) lastStep(report []byte) (int, syscall.Errno) {
	insns := unsafe.Slice((*insn)(unsafe.Pointer(&report[0])), len(report)/int(insnSize))
	perStep := s.program.perStep()
	step := s.Child
	for range insns {
		if step*perStep >= len(insns) { // it is no report of ours
			break
		}
		in := &insns[step*perStep]
		if in.ret == notRun {
			break
		}
		if errno := in.failure(); errno != 0 {
			return step, errno
		}
		next := s.program.step(s.program.insn(step) + uint64(in.after()))
		if next < s.Child || next*perStep >= len(insns) {
			break
		}
		step = next
	}
	return step, 0
}

// tell writes the state to the pipe.
func (s *Second) tell(state_ uint64) insn {
	return insn{
		nr:     unix.SYS_WRITE,
		arg:    [6]uint64{uint64(s.Report), state_, uint64(unsafe.Sizeof(state{}))},
		next:   uint64(insnSize),
		errno0: anyErrno, to0: uint64(insnSize),
		ret: notRun,
	}
}
