//go:build amd64 || arm64

package sprog

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/program"
)

// Every step of every program is made to fail, and to kill the child. Start
// says each time which step it was, and nothing is left of the start.
func TestFaults(t *testing.T) {
	adoptOrphans(t)
	boundedUse(t)
	for _, s := range drawn(t, startCases()) {
		t.Run(s.name, func(t *testing.T) {
			requires(t, s.needs...)
			everyFault(t, s, false)
		})
	}
}

// The same while each start is traced.
func TestFaultsTraced(t *testing.T) {
	adoptOrphans(t)
	for _, s := range drawn(t, startCases()) {
		t.Run(s.name, func(t *testing.T) {
			requires(t, s.needs...)
			everyFault(t, s, true)
		})
	}
}

func TestFaultsAtATerminal(t *testing.T) {
	requires(t, terminals)
	_, tty := newTerminal(t)
	if !ownProcess(t, func(c *exec.Cmd) {
		c.Stdin, c.SysProcAttr = tty, &syscall.SysProcAttr{Setsid: true, Setctty: true}
	}) {
		return
	}
	adoptOrphans(t)
	for _, s := range casesOfTerminal {
		t.Run(s.name, func(t *testing.T) { everyFault(t, s, false) })
	}
}

// adoptOrphans makes what is left of an init a child of the test's.
func adoptOrphans(t *testing.T) {
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0) })
}

// boundedUse checks that the test does not leave threads or memory behind.
func boundedUse(t *testing.T) {
	threads, heap := used()
	t.Cleanup(func() {
		moreThreads, moreHeap := used()
		if moreThreads > threads+16 {
			t.Errorf("%d threads after %d before", moreThreads, threads)
		}
		if moreHeap > heap+16<<20 {
			t.Errorf("%d bytes of heap after %d before", moreHeap, heap)
		}
	})
}

// used is the number of threads, and the size of what the heap holds.
func used() (threads int, heap uint64) {
	tasks, _ := os.ReadDir("/proc/self/task")
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return len(tasks), m.HeapAlloc
}

// A faulty is a start one step of which is going to misbehave.
type faulty struct {
	cmd    *Cmd
	second bool // the stage
	fault  program.Fault

	steps []program.Step // of that stage
}

// start starts it. It returns the step that misbehaves.
func (f *faulty) start() (step program.Step, err error) {
	f.cmd.inspect = func(first, second *program.Program) {
		p := first
		if f.second {
			p = second
		}
		step = p.Steps[f.fault.Step]
		p.Fault = &f.fault
	}
	return step, f.cmd.Start()
}

func (f *faulty) String() string {
	how := "fails"
	if f.fault.Die {
		how = "dies"
	}
	stage := "first"
	if f.second {
		stage = "second"
	}
	return fmt.Sprintf("step %d of the %s stage, %v, %s", f.fault.Step, stage, f.steps[f.fault.Step].Call, how)
}

// everyFault injects all faults into one case.
func everyFault(t *testing.T, s startCase, traced bool) {
	runtime.LockOSThread() // for ptrace, and for the thread's own state
	defer runtime.UnlockOSThread()
	cmd := s.cmd(t)
	if traced {
		cmd.Trace = new(Trace)
	}
	first, second := stepsOf(t, cmd)
	before := heldNow(t)
	for _, die := range []bool{false, true} {
		for i := range first {
			oneFault(t, before, faulty{cmd: again(cmd), fault: program.Fault{Step: i, Die: die}, steps: first})
		}
		for i := range second {
			oneFault(t, before, faulty{cmd: again(cmd), second: true, fault: program.Fault{Step: i, Die: die}, steps: second})
		}
	}
}

// again returns a command like c that has not been started.
func again(c *Cmd) *Cmd {
	fresh := *c
	if c.Trace != nil {
		fresh.Trace = new(Trace)
	}
	return &fresh
}

// stepsOf starts a command without a fault, and returns the steps of its
// programs.
func stepsOf(t *testing.T, c *Cmd) (first, second []program.Step) {
	t.Helper()
	c = again(c)
	c.inspect = func(p, q *program.Program) {
		first = slices.Clone(p.Steps)
		if q != nil {
			second = slices.Clone(q.Steps)
		}
	}
	before := heldNow(t)
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	end(t, c)
	before.compare(t, "a start without a fault")
	return first, second
}

// End ends a command that was started, and takes the terminal back.
func end(t *testing.T, c *Cmd) {
	t.Helper()
	if sys := c.SysProcAttr; sys != nil && sys.Foreground {
		defer backToForeground(sys.Ctty)
	}
	if c.SysProcAttr == nil || !c.SysProcAttr.Ptrace {
		if err := c.Wait(); err != nil {
			t.Errorf("Wait: %v", err)
		}
	} else {
		c.Process.Kill()
		c.Wait()
	}
	closePidFD(c)
}

// backToForeground makes this process's group the terminal's foreground again. In the
// background it would be sent SIGTTOU for that.
func backToForeground(tty int) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var old unix.Sigset_t
	block := unix.Sigset_t{Val: [16]uint64{1 << (unix.SIGTTOU - 1)}}
	must(unix.PthreadSigmask(unix.SIG_BLOCK, &block, &old))
	must(unix.IoctlSetPointerInt(tty, unix.TIOCSPGRP, syscall.Getpgrp()))
	must(unix.PthreadSigmask(unix.SIG_SETMASK, &old, nil))
}

func closePidFD(c *Cmd) {
	if c.Birth.SeccompListener != nil {
		c.Birth.SeccompListener.Close()
		c.Birth.SeccompListener = nil
	}
	if c.Birth.Stops != nil {
		c.Birth.Stops.Close()
		c.Birth.Stops = nil
	}
	if sys := c.SysProcAttr; sys != nil && sys.PidFD != nil {
		unix.Close(*sys.PidFD)
		*sys.PidFD = -1
	}
}

func oneFault(t *testing.T, before held, f faulty) {
	t.Helper()
	if t.Failed() {
		return // what is left of one start would be found after all others
	}
	call := f.steps[f.fault.Step].Call
	if !f.fault.Die && call.IsOperation() {
		return // they cannot fail
	}
	step, err := f.start()
	switch {
	case f.second:
		f.checkSecond(t, step, err)
	case err == nil && mustPass(f.steps, 0, f.fault.Step):
		t.Errorf("%v: the start succeeds", &f)
		end(t, f.cmd)
	case err == nil: // nobody came by
		end(t, f.cmd)
	default:
		f.check(t, err, step.Call.String(), step.Field)
	}
	before.compare(t, f.String())
}

// check looks whether the error says what went wrong.
func (f *faulty) check(t *testing.T, err error, step, field string) {
	t.Helper()
	var e *StartError
	if !errors.As(err, &e) {
		t.Errorf("%v: error %v (%T); want a StartError", f, err, err)
		return
	}
	if f.cmd.Trace != nil {
		checkFailedTrace(t, f.cmd.Trace, e)
	}
	if e.Step != step || e.Field != field {
		t.Errorf("%v: error %v, with step %q and field %q; want %q and %q", f, e, e.Step, e.Field, step, field)
	}
	switch {
	case f.fault.Die && e.Signal != syscall.SIGSEGV:
		t.Errorf("%v: error %v, with signal %v; want %v", f, e, e.Signal, syscall.SIGSEGV)
	case !f.fault.Die && (e.Signal != 0 || !errors.Is(e, syscall.Errno(program.FaultErrno))):
		t.Errorf("%v: error %v, with signal %v; want %v", f, e, e.Signal, syscall.Errno(program.FaultErrno))
	}
}

// checkSecond is for faults in the second stage. It shares its state with the
// parent from the first step on. After the program has been executed, the start is over, and what
// goes wrong then is the end of the init.
func (f *faulty) checkSecond(t *testing.T, step program.Step, err error) {
	t.Helper()
	i := f.fault.Step
	clone := slices.IndexFunc(f.steps, func(s program.Step) bool { return s.Call == program.Clone })
	if clone < 0 {
		f.checkSecondWithoutInit(t, step, err)
		return
	}
	child := clone + 1 + int(f.steps[clone+1].Args[2].Value)
	switch {
	case i <= clone && err == nil && !mustPass(f.steps, 0, i): // nobody came by
		end(t, f.cmd)
	case i <= clone && f.fault.Die:
		f.checkKilled(t, step, err)
	case i <= clone:
		f.check(t, err, step.Call.String(), step.Field)
	case i >= child && (err != nil || mustPass(f.steps, child, i)):
		f.check(t, err, step.Call.String(), step.Field)
	case err == nil:
		f.checkInitsEnd(t)
	default:
		var e *StartError
		if !errors.As(err, &e) || e.Field != "Attr.Init" {
			t.Errorf("%v: error %v; want a StartError about Attr.Init", f, err)
		}
	}
	closePidFD(f.cmd)
	for err := error(nil); err != unix.ECHILD; { // what the init has orphaned
		_, err = unix.Wait4(-1, nil, 0, nil)
	}
}

// checkSecondWithoutInit is for a second stage that executes the program itself.
func (f *faulty) checkSecondWithoutInit(t *testing.T, step program.Step, err error) {
	t.Helper()
	defer closePidFD(f.cmd)
	switch {
	case err == nil && !mustPass(f.steps, 0, f.fault.Step):
		end(t, f.cmd)
	case f.fault.Die:
		f.checkKilled(t, step, err)
	default:
		f.check(t, err, step.Call.String(), step.Field)
	}
}

// checkKilled is for a second stage that died: at a step, or, which is not
// known, before the first.
func (f *faulty) checkKilled(t *testing.T, step program.Step, err error) {
	t.Helper()
	if mapped := slices.IndexFunc(f.steps, func(s program.Step) bool { return s.Call == program.Mmap }); f.fault.Step <= mapped {
		f.check(t, err, "second stage", step.Field)
		return
	}
	f.check(t, err, step.Call.String(), step.Field)
}

// checkInitsEnd waits for an init that may have come by the fault, or not.
func (f *faulty) checkInitsEnd(t *testing.T) {
	t.Helper()
	err := f.cmd.Wait()
	state := f.cmd.ProcessState.Sys().(syscall.WaitStatus)
	switch {
	case err == nil:
	case f.fault.Die && state.Signaled() && state.Signal() == syscall.SIGSEGV:
	case !f.fault.Die && state.ExitStatus() == 125:
	default:
		t.Errorf("%v: the init ended with %v", f, err)
	}
}

// mustPass reports whether every way from a step to the execution of the program
// leads through another one.
func mustPass(steps []program.Step, from, through int) bool {
	seen := map[int]bool{through: true}
	for todo := []int{from}; len(todo) > 0; {
		i := todo[0]
		todo = todo[1:]
		if seen[i] {
			continue
		}
		seen[i] = true
		s := &steps[i]
		switch s.Call {
		case program.Execve, program.Execveat:
			return false // an end, and not through the step
		case program.ExitGroup:
			continue // no start succeeds that way
		case program.Test:
			todo = append(todo, i+int(int64(s.Args[2].Value)))
		}
		next := int(s.Next)
		if next == 0 {
			next = 1
		}
		todo = append(todo, i+next)
		for _, c := range s.Catch {
			if c.Errno != 0 {
				todo = append(todo, i+int(c.To))
			}
		}
	}
	return true
}

// Held is what this process holds, and what the kernel keeps for it, that a
// start must leave alone.
type held struct {
	fds                            map[string]string
	mounts                         string
	mask, umask, dir               string
	dumpable, foreground, children int
}

func heldNow(t *testing.T) (h held) {
	t.Helper()
	h.fds, h.mounts = snapshot().fds, ownMounts()
	// A thread that this goroutine has left may be starting another one, with all
	// signals blocked.
	runtime.LockOSThread()
	h.mask, h.umask = procField("/proc/thread-self/status", "SigBlk"), procField("/proc/self/status", "Umask")
	runtime.UnlockOSThread()
	h.dir, _ = os.Readlink("/proc/self/cwd")
	h.dumpable, _ = unix.PrctlRetInt(unix.PR_GET_DUMPABLE, 0, 0, 0, 0)
	h.foreground, _ = unix.IoctlGetInt(0, unix.TIOCGPGRP)
	var info unix.Siginfo
	if unix.Waitid(unix.P_ALL, 0, &info, unix.WEXITED|unix.WNOHANG|unix.WNOWAIT, nil) != unix.ECHILD {
		h.children = 1
	}
	return h
}

func (h held) compare(t *testing.T, after string) {
	t.Helper()
	now := heldNow(t)
	differs := func(what string, was, is any) { t.Errorf("after %s: %s is %v; want %v", after, what, is, was) }
	if !maps.Equal(now.fds, h.fds) {
		differs("the table of descriptors", h.fds, now.fds)
	}
	if now.mounts != h.mounts {
		differs("the list of mounts", h.mounts, now.mounts)
	}
	if now.children != 0 {
		differs("the number of children", 0, now.children)
	}
	if now.dumpable != h.dumpable || now.foreground != h.foreground {
		differs("dumpable, foreground", []int{h.dumpable, h.foreground}, []int{now.dumpable, now.foreground})
	}
	if now.mask != h.mask || now.umask != h.umask || now.dir != h.dir {
		differs("the mask, the umask, the directory", []string{h.mask, h.umask, h.dir}, []string{now.mask, now.umask, now.dir})
	}
}

// An id map that the kernel refuses: this process cannot give away ids that
// its own user namespace does not have.
func TestRefusedMap(t *testing.T) {
	requires(t, userNamespaces)
	if !ownProcess(t, func(c *exec.Cmd) {
		c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER, UidMappings: uidToRoot, GidMappings: gidToRoot}
	}) {
		return
	}
	foreign := idOf(0, 12345)
	for _, test := range []struct {
		sys         syscall.SysProcAttr
		step, field string
	}{
		{syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWUSER, UidMappings: foreign}, "write", "SysProcAttr.UidMappings"},
		{syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWUSER, GidMappings: foreign}, "write", "SysProcAttr.GidMappings"},
		{syscall.SysProcAttr{Unshareflags: unix.CLONE_NEWUSER, UidMappings: foreign}, "write", "SysProcAttr.UidMappings"},
		{syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWUSER, UidMappings: idOf(0, 0), Credential: &syscall.Credential{Gid: 7, NoSetGroups: true}}, "setgid", "SysProcAttr.Credential"},
	} {
		before := heldNow(t)
		c := &Cmd{Path: "/bin/true", SysProcAttr: &test.sys}
		err := c.Start()
		var e *StartError
		if !errors.As(err, &e) || e.Step != test.step || e.Field != test.field {
			t.Errorf("%+v: error %v; want step %q and field %q", test.sys, err, test.step, test.field)
		}
		if !errors.Is(err, syscall.EPERM) && !errors.Is(err, syscall.EINVAL) {
			t.Errorf("%+v: error %v; want EPERM or EINVAL", test.sys, err)
		}
		before.compare(t, "a refused map")
	}
}

// A process with hardly a descriptor left: whatever cannot be opened any more,
// the start says so and leaves nothing behind.
func TestFewDescriptors(t *testing.T) {
	if !ownProcess(t, nil) {
		return
	}
	for _, s := range startCases() {
		t.Run(s.name, func(t *testing.T) {
			requires(t, s.needs...)
			fewDescriptors(t, s)
		})
	}
}

func fewDescriptors(t *testing.T, s startCase) {
	cmd := s.cmd(t)
	stepsOf(t, cmd) // it starts
	before := heldNow(t)
	steps := map[string]bool{}
	started := false
	for left := 0; left < 100 && !started; left++ {
		c := again(cmd)
		restore := leaveDescriptors(left)
		err := c.Start()
		restore()
		var e *StartError
		switch {
		case err == nil:
			end(t, c)
			started = true
		case errors.Is(err, syscall.EBADF) && errors.As(err, &e) && e.Hint != "": // dup3's answer
			steps[e.Step] = true
		case !errors.Is(err, syscall.EMFILE):
			t.Errorf("with %d descriptors left: %v; want EMFILE", left, err)
		case errors.As(err, &e):
			steps[e.Step] = true
		}
		before.compare(t, "a start with few descriptors")
	}
	if !started {
		t.Error("100 descriptors are not enough")
	}
	if s.name == "init" && !steps["open second stage"] {
		t.Errorf("the steps that found no descriptor are %v; want open second stage among them", steps)
	}
}

// leaveDescriptors makes n descriptors the last that this process can open.
func leaveDescriptors(n int) (restore func()) {
	var fill []int
	lowest := func() int {
		fd, err := unix.FcntlInt(0, unix.F_DUPFD_CLOEXEC, 0)
		must(err)
		return fd
	}
	highest := 0
	for fd := range 1024 {
		if _, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err == nil {
			highest = fd
		}
	}
	for {
		fd := lowest()
		if fd > highest {
			unix.Close(fd)
			break
		}
		fill = append(fill, fd)
	}
	var old unix.Rlimit
	setNofile(nil, &old)
	setNofile(&unix.Rlimit{Cur: uint64(highest + 1 + n), Max: old.Max}, nil)
	return func() {
		setNofile(&old, nil)
		for _, fd := range fill {
			unix.Close(fd)
		}
	}
}

// setNofile goes around package syscall, which takes note of changed limits.
func setNofile(to, old *unix.Rlimit) {
	unix.RawSyscall6(unix.SYS_PRLIMIT64, 0, unix.RLIMIT_NOFILE, uintptr(unsafe.Pointer(to)), uintptr(unsafe.Pointer(old)), 0, 0)
}

// A user who may have no more processes.
func TestNoMoreProcesses(t *testing.T) {
	requires(t, asRoot)
	if !ownProcess(t, nil) {
		return
	}
	readyThreads()
	if err := syscall.Setuid(64321); err != nil {
		t.Fatal(err)
	}
	var lim unix.Rlimit
	unix.Getrlimit(unix.RLIMIT_NPROC, &lim)
	if err := unix.Setrlimit(unix.RLIMIT_NPROC, &unix.Rlimit{Cur: 1, Max: lim.Max}); err != nil {
		t.Fatal(err)
	}
	for _, sys := range []*syscall.SysProcAttr{nil, {Setsid: true}, {Pdeathsig: syscall.SIGTERM}} {
		for _, attr := range []*Attr{nil, {Init: &Init{}}} {
			before := heldNow(t)
			err := (&Cmd{Path: "/bin/true", SysProcAttr: sys, Attr: attr}).Start()
			var e *StartError
			if !errors.Is(err, syscall.EAGAIN) || !errors.As(err, &e) || e.Step != "clone3" && e.Step != "clone" {
				t.Errorf("error %v; want EAGAIN from clone3", err)
			}
			before.compare(t, "a start without a process to spare")
		}
	}
}

// readyThreads makes the runtime have threads that it can use later.
func readyThreads() {
	var all sync.WaitGroup
	for range 24 {
		all.Go(func() {
			pause := unix.NsecToTimespec(int64(50 * time.Millisecond))
			unix.Nanosleep(&pause, nil)
		})
	}
	all.Wait()
}

// An image that cannot be written, for want of room, is refused whole.
func TestNoRoomForTheSecondStage(t *testing.T) {
	if !ownProcess(t, nil) {
		return
	}
	signal.Ignore(unix.SIGXFSZ) // which comes along with EFBIG
	if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: 100, Max: math.MaxUint64}); err != nil {
		t.Skip(err)
	}
	defer unix.Setrlimit(unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: math.MaxUint64, Max: math.MaxUint64})
	before := heldNow(t)
	err := (&Cmd{Path: "/bin/true", Attr: &Attr{Init: &Init{}}}).Start()
	var e *StartError
	if !errors.Is(err, syscall.EFBIG) || !errors.As(err, &e) || e.Step != "seal second stage" {
		t.Errorf("error %v; want EFBIG while the second stage is sealed", err)
	}
	before.compare(t, "a second stage that was not written")
}
