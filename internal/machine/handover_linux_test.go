//go:build amd64 || arm64

package machine

import (
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/program"
)

// handingOver is a launch of a child that opens a pipe's end of its own and
// hands it over. Steps that come first and last are added by the functions.
func handingOver(path string, first, last func(p *program.Program)) *Launch {
	p, mask := newProgram()
	restoreMask(p, mask)
	p.Add("", program.CloseRange, num(0), num(1<<32-1), num(unix.CLOSE_RANGE_UNSHARE))
	if first != nil {
		first(p)
	}
	h := &program.Handover{Number: p.Words(program.NoNumber), Taken: p.Words(0)}
	p.Add("", program.Openat, num(unix.AT_FDCWD), p.Str(path), num(unix.O_RDONLY|unix.O_CLOEXEC), num(0)).Into(h.Number)
	look := p.Here()
	p.GotoIf("", h.Taken, num(0), &look)
	if last != nil {
		last(p)
	}
	execTrue(p)
	l := launchOf(p, mask)
	l.Handover = h
	return l
}

func wantTaken(t *testing.T, res Result, path string) {
	t.Helper()
	var got, want unix.Stat_t
	if err := unix.Fstat(res.Taken, &got); err != nil {
		t.Fatalf("the descriptor %d: %v", res.Taken, err)
	}
	unix.Stat(path, &want)
	if got.Dev != want.Dev || got.Ino != want.Ino {
		t.Errorf("the descriptor is another file than %s", path)
	}
	if flags, _ := unix.FcntlInt(uintptr(res.Taken), unix.F_GETFD, 0); flags&unix.FD_CLOEXEC == 0 {
		t.Error("the descriptor would be inherited")
	}
	unix.Close(res.Taken)
}

func TestHandover(t *testing.T) {
	res := handingOver("/etc/passwd", nil, nil).Do()
	wantTaken(t, res, "/etc/passwd")
	wantSuccess(t, res)
}

// Without a pidfd from the clone one is made for the handover.
func TestHandoverWithoutPidFD(t *testing.T) {
	l := handingOver("/etc/passwd", nil, nil)
	l.NoPidFD = true
	res := l.Do()
	wantTaken(t, res, "/etc/passwd")
	wantSuccess(t, res)
}

// A child that takes long is waited for.
func TestHandoverOfSlowChild(t *testing.T) {
	res := handingOver("/etc/passwd", func(p *program.Program) {
		p.Add("", program.Ppoll, num(0), num(0), p.Words(0, 20e6), num(0), num(8))
	}, nil).Do()
	wantTaken(t, res, "/etc/passwd")
	wantSuccess(t, res)
}

// A child that fails before it has something to hand over, or after.
func TestHandoverOfFailingChild(t *testing.T) {
	before := openFiles(t)
	wantFailure(t, handingOver("/etc/passwd", stop, nil).Do(), 2, unix.EBADF)
	wantFailure(t, handingOver("/nonexistent", nil, nil).Do(), 2, unix.ENOENT)
	wantFailure(t, handingOver("/etc/passwd", nil, stop).Do(), 4, unix.EBADF)
	if after := openFiles(t); after != before {
		t.Errorf("%d open files; want %d", after, before)
	}
}

// One that is killed while it waits.
func TestHandoverOfKilledChild(t *testing.T) {
	l := handingOver("/etc/passwd", nil, nil)
	l.Program.Fault = &program.Fault{Step: 3, Die: true}
	before := openFiles(t)
	res := l.Do()
	if res.OK || res.Step != 3 || res.Signal != unix.SIGSEGV || res.Taken >= 0 {
		t.Errorf("result %+v; want SIGSEGV at step 3", res)
	}
	noChild(t)
	if after := openFiles(t); after != before {
		t.Errorf("%d open files; want %d", after, before)
	}
}

// A number that is no descriptor cannot be taken, and the child is ended.
func TestHandoverOfNothing(t *testing.T) {
	l := handingOver("/etc/passwd", nil, nil)
	l.Program.Steps[2].Args[0], l.Program.Steps[2].Call = num(0), program.Umask // 0 to 0777
	res := l.Do()
	if res.OK || res.Place != AtHandover || res.Err == nil || res.Signal != 0 {
		t.Errorf("result %+v; want a failed handover", res)
	}
	noChild(t)
}

func openFiles(t *testing.T) int {
	t.Helper()
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(list)
}
