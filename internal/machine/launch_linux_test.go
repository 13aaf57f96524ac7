//go:build amd64 || arm64

package machine

import (
	"fmt"
	"os"
	"os/signal"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/atstart"
	"github.com/sprog-dev/sprog/internal/program"
)

func plainLaunch() *Launch {
	p, mask := newProgram()
	restoreMask(p, mask)
	execTrue(p)
	return launchOf(p, mask)
}

// waitingChild launches a child that waits, and calls meet for it.
func waitingChild(t *testing.T, setsid bool, meet func(pid int) error) Result {
	p, mask := newProgram()
	if setsid {
		p.Add("", program.Setsid)
	}
	p.Add("", program.Ppoll, num(0), num(0), num(0), num(0), num(8))
	l := launchOf(p, mask)
	l.Go = p.Words(0)
	l.Rendezvous = meet
	res := l.Do()
	noChild(t)
	return res
}

// A child that is killed while it waits is not taken for one that has executed,
// in whatever session it is, and the wait is where it died.
func TestKilledWhileItWaits(t *testing.T) {
	for _, setsid := range []bool{false, true} {
		res := waitingChild(t, setsid, func(pid int) error {
			for setsid && must(unix.Getsid(pid)) != pid {
			}
			return unix.Kill(pid, unix.SIGKILL)
		})
		want := 0
		if setsid {
			want = 1
		}
		if res.OK || res.Place != InChild || res.Step > want || res.Signal != unix.SIGKILL {
			t.Errorf("result %+v; want SIGKILL at step %d", res, want)
		}
	}
}

// Handlers of this process are not run by the child, and its mask is as it was.
func TestSignalsDuringStarts(t *testing.T) {
	got := make(chan os.Signal, 1)
	signal.Notify(got, unix.SIGUSR1)
	defer signal.Stop(got)
	var over atomic.Bool
	var sender sync.WaitGroup
	sender.Go(func() {
		for !over.Load() {
			unix.Kill(os.Getpid(), unix.SIGUSR1)
		}
	})
	for range 300 {
		wantSuccess(t, plainLaunch().Do())
	}
	over.Store(true)
	sender.Wait()
}

// Somebody else waits for every child there is.
func TestStolenChildren(t *testing.T) {
	if !ownProcess(t) {
		return
	}
	var over atomic.Bool
	var thief sync.WaitGroup
	thief.Go(func() {
		for !over.Load() {
			unix.Wait4(-1, nil, 0, nil)
		}
	})
	for i := range 500 {
		l := plainLaunch()
		if i%2 == 0 {
			l.Program.Fault = &program.Fault{Step: 0, Die: i%4 == 0}
		}
		res := l.Do()
		if res.OK {
			unix.Close(res.PidFD)
		}
		if res.OK != (i%2 == 1) || !res.OK && (res.Place != InChild || i%4 != 0 && res.Errno != program.FaultErrno) {
			t.Errorf("result %+v of start %d", res, i)
		}
	}
	over.Store(true)
	thief.Wait()
	for err := error(nil); err != unix.ECHILD; { // what it has left
		_, err = unix.Wait4(-1, nil, 0, nil)
	}
}

// Where SIGCHLD is ignored the kernel reaps by itself.
func TestIgnoredSIGCHLD(t *testing.T) {
	if !ownProcess(t) {
		return
	}
	signal.Ignore(unix.SIGCHLD)
	for range 100 {
		res := plainLaunch().Do()
		if !res.OK {
			t.Errorf("result %+v; want success", res)
		}
		unix.Close(res.PidFD)
		l := plainLaunch()
		l.Program.Fault = &program.Fault{Step: 0}
		if res := l.Do(); res.OK || res.Place != InChild || res.Errno != program.FaultErrno {
			t.Errorf("result %+v; want a failed step", res)
		}
	}
}

// A child that is killed at any moment was either started, or the result says
// what killed it.
func TestKilledAtAnyMoment(t *testing.T) {
	if !ownProcess(t) {
		return
	}
	var over atomic.Bool
	var killer sync.WaitGroup
	killer.Go(func() {
		for !over.Load() {
			tasks, _ := os.ReadDir("/proc/self/task")
			for _, task := range tasks {
				list, _ := os.ReadFile("/proc/self/task/" + task.Name() + "/children")
				for _, pid := range strings.Fields(string(list)) {
					var n int
					fmt.Sscan(pid, &n)
					unix.Kill(n, unix.SIGKILL)
				}
			}
		}
	})
	killed := 0
	for i := range 2000 {
		l := plainLaunch()
		if i%2 == 0 {
			p, mask := newProgram()
			p.Add("", program.Setsid)
			restoreMask(p, mask)
			execTrue(p)
			l = launchOf(p, mask)
		}
		res := l.Do()
		switch {
		case res.OK:
			unix.Close(res.PidFD)
			unix.Wait4(res.Pid, nil, 0, nil)
		case res.Place == InChild && res.Signal == unix.SIGKILL:
			killed++
		default:
			t.Errorf("result %+v; want success, or SIGKILL in the child", res)
		}
		noChild(t)
	}
	over.Store(true)
	killer.Wait()
	t.Logf("%d of 2000 were killed before they had executed", killed)
}

func TestGate(t *testing.T) {
	g, me := newGate(), whoIs()
	defer unix.Prctl(unix.PR_SET_DUMPABLE, uintptr(dumpableFlag()), 0, 0, 0)
	g.enter(none, false, nil)
	g.enter(clearing, true, nil)
	g.enter(clearing, true, nil) // the same kind does not wait
	entered := make(chan struct{})
	go func() {
		g.enter(needing, false, nil)
		close(entered)
	}()
	g.leave(clearing, me)
	select {
	case <-entered:
		t.Error("a start that needs the flag is let in while another may clear it")
	case <-time.After(20 * time.Millisecond):
	}
	g.leave(clearing, me)
	<-entered
	g.leave(needing, me)
	g.leave(none, me)
	if g.inside != [3]int{} {
		t.Errorf("inside are %v; want nobody", g.inside)
	}
}

// The flag that a child has cleared is set again, and one that was not set
// stays as it is.
func TestDumpableIsRestored(t *testing.T) {
	if !ownProcess(t) {
		return
	}
	for _, want := range []int{1, 0} {
		unix.Prctl(unix.PR_SET_DUMPABLE, uintptr(want), 0, 0, 0)
		l := plainLaunch()
		p := l.Program
		p.Steps = p.Steps[:1]
		p.Add("", program.Prctl, num(unix.PR_SET_DUMPABLE), num(0))
		execTrue(p)
		l.Credentials = true
		wantSuccess(t, l.Do())
		if got, _ := unix.PrctlRetInt(unix.PR_GET_DUMPABLE, 0, 0, 0, 0); got != want {
			t.Errorf("dumpable is %d after a start; want %d", got, want)
		}
	}
}

// A process that becomes another user while a start has the flag cleared loses it
// by that, and it is not given back. Nor is it where the process had it not.
func TestDumpableOfAnotherUser(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root")
	}
	if !ownProcess(t) {
		return
	}
	g := newGate()
	who, _ := g.enter(clearing, true, nil)
	second, _ := g.enter(clearing, true, nil)
	g.leave(clearing, second)
	g.leave(clearing, who)
	if got := dumpableFlag(); got != 1 {
		t.Errorf("dumpable is %d after two starts; want 1", got)
	}
	who, _ = g.enter(clearing, true, nil)
	if err := syscall.Setegid(65534); err != nil {
		t.Fatal(err)
	}
	second, _ = g.enter(clearing, true, nil) // as another already
	g.leave(clearing, who)
	g.leave(clearing, second)
	if got := dumpableFlag(); got == 1 {
		t.Error("dumpable is 1 after a start during which the process has become another group's; want what the kernel made it")
	}
}

func target(fd int) string {
	to, _ := os.Readlink(fmt.Sprint("/proc/self/fd/", fd))
	return to
}

func TestSlots(t *testing.T) {
	null, err := os.Open("/dev/null")
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	var lent []int
	for {
		slot, ok, err := Borrow(int(null.Fd()))
		if err != nil {
			t.Fatal(err)
		}
		if !ok {
			break
		}
		if target(slot) != "/dev/null" || slot >= EndSlot() {
			t.Errorf("slot %d below %d is %s; want /dev/null", slot, EndSlot(), target(slot))
		}
		lent = append(lent, slot)
	}
	if want := atstart.EndSlot - atstart.FirstSlot - 1; len(lent) != want || want <= 0 {
		t.Errorf("%d slots are lent; want %d", len(lent), want)
	}
	for _, slot := range lent {
		Return(slot)
		if !isSlot(slot) {
			t.Errorf("slot %d is %s after its return", slot, target(slot))
		}
	}
	if _, ok, err := Borrow(-1); ok || err != unix.EBADF {
		t.Errorf("Borrow(-1) = %v, %v; want EBADF", ok, err)
	}
	if slot, ok, _ := Borrow(int(null.Fd())); !ok || slot != lent[0] {
		t.Errorf("Borrow = %d, %v after an error; want %d", slot, ok, lent[0])
	}
	Return(lent[0])
}

// A program that has its own files where the slots were keeps them.
func TestReplacedSlots(t *testing.T) {
	if !ownProcess(t) {
		return
	}
	zero := must(unix.Open("/dev/zero", unix.O_RDONLY|unix.O_CLOEXEC, 0))
	for fd := atstart.FirstSlot; fd < atstart.EndSlot; fd++ {
		if err := unix.Dup3(zero, fd, unix.O_CLOEXEC); err != nil {
			t.Fatal(err)
		}
	}
	if slot, ok, err := Borrow(0); ok || err != nil {
		t.Errorf("Borrow = %d, %v, %v; want none", slot, ok, err)
	}
	for fd := atstart.FirstSlot; fd < atstart.EndSlot; fd++ {
		if target(fd) != "/dev/zero" {
			t.Errorf("descriptor %d is %s; want /dev/zero", fd, target(fd))
		}
	}
}
