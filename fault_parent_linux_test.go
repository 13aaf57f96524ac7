//go:build amd64 || arm64

package sprog

import (
	"errors"
	"math"
	"os/exec"
	"os/signal"
	"sync"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/launch"
)

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
	highest := launch.HighestFile()
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
