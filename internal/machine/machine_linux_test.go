//go:build amd64 || arm64

package machine

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/program"
)

func TestExecute(t *testing.T) {
	p, mask := newProgram()
	restoreMask(p, mask)
	execTrue(p)
	wantSuccess(t, launchOf(p, mask).Do())
}

func TestFailedStep(t *testing.T) {
	for _, errors := range []int{0, 1, 2} {
		p, mask := newProgram()
		for range errors {
			p.Add("", program.Close, num(-1)).Ignore(uint32(unix.EBADF))
		}
		stop(p)
		execTrue(p)
		wantFailure(t, launchOf(p, mask).Do(), errors, unix.EBADF)
	}
}

func TestCatch(t *testing.T) {
	for _, test := range []struct {
		name  string
		catch func(s *program.Step, second, third *program.Target)
		step  int // that fails
	}{
		{"none", func(_ *program.Step, _, _ *program.Target) {}, 0},
		{"another", func(s *program.Step, second, _ *program.Target) { s.On(uint32(unix.ENOENT), second) }, 0},
		{"first", func(s *program.Step, second, third *program.Target) {
			s.On(uint32(unix.EBADF), second).On(uint32(unix.ENOENT), third)
		}, 2},
		{"second", func(s *program.Step, second, third *program.Target) {
			s.On(uint32(unix.ENOENT), third).On(uint32(unix.EBADF), second)
		}, 2},
		{"any", func(s *program.Step, second, _ *program.Target) { s.On(program.AnyErrno, second) }, 2},
		{"any, second", func(s *program.Step, second, third *program.Target) {
			s.On(uint32(unix.ENOENT), third).On(program.AnyErrno, second)
		}, 2},
		{"the one before any", func(s *program.Step, second, third *program.Target) {
			s.On(program.AnyErrno, third).On(uint32(unix.EBADF), second)
		}, 2},
	} {
		t.Run(test.name, func(t *testing.T) {
			p, mask := newProgram()
			second, third := p.Ahead(), p.Ahead()
			test.catch(p.Add("", program.Close, num(-1)), &second, &third)
			stop(p)
			second.Place()
			stop(p)
			third.Place()
			stop(p)
			wantFailure(t, launchOf(p, mask).Do(), test.step, unix.EBADF)
		})
	}
}

// A jump can be as long as a program is.
func TestLongJump(t *testing.T) {
	p, mask := newProgram()
	far := p.Ahead()
	p.Add("", program.Close, num(-1)).On(uint32(unix.EBADF), &far)
	const between = 1 << 16
	for range between {
		p.Add("", program.Getpid)
	}
	stop(p)
	far.Place()
	stop(p)
	wantFailure(t, launchOf(p, mask).Do(), between+2, unix.EBADF)
}

// The results of steps reach the arguments and words that they are for.
func TestFeed(t *testing.T) {
	p, mask := newProgram()
	word, other := p.Words(0), p.Words(0)
	ask, end := p.Ahead(), p.Ahead()
	p.Add("", program.Getppid).Into(word).Into(other).Then(&ask)
	kill := p.Here()
	p.Add("", program.Kill, num(0), num(0)).Then(&end) // signal 0 to the parent
	pid := p.Slot(0)
	ask.Place()
	p.Add("", program.Getppid).Feed(pid).Then(&kill)
	end.Place()
	stop(p)
	wantFailure(t, launchOf(p, mask).Do(), 3, unix.EBADF)
	for _, at := range []program.Arg{word, other} {
		if got := wordAt(p, at); got != uint64(os.Getpid()) {
			t.Errorf("the word is %d; want %d", got, os.Getpid())
		}
	}
}

// A result can be used more often than a step has room for destinations.
func TestResultOften(t *testing.T) {
	p, mask := newProgram()
	path := filepath.Join(t.TempDir(), "file")
	restoreMask(p, mask)
	p.Add("", program.Openat, num(unix.AT_FDCWD), p.Str(path), num(unix.O_WRONLY|unix.O_CREAT|unix.O_CLOEXEC), num(0o600))
	p.WithOpen(func(fd program.Arg) {
		for _, text := range []string{"one ", "two ", "three ", "four"} {
			p.Add("", program.Write, fd, p.Str(text), num(len(text)))
		}
	})
	execTrue(p)
	l := launchOf(p, mask)
	l.CopyFiles = true
	wantSuccess(t, l.Do())
	if got, err := os.ReadFile(path); string(got) != "one two three four" {
		t.Errorf("the file has %q, %v", got, err)
	}
}

func TestTestAndMove(t *testing.T) {
	const content = 0xffff_ffff_0000_0085 // only the lower half counts
	for _, test := range []struct {
		equals int
		step   int // that fails
	}{{0x85, 3}, {6, 2}, {-0x85, 2}} {
		p, mask := newProgram()
		from, to := p.Words(content), p.Words(0)
		p.Add("", program.Move, from, num(-2), num(0x10), num(0xff80)).Into(to)
		equal := p.Ahead()
		p.GotoIf("", from, num(test.equals), &equal)
		stop(p)
		equal.Place()
		stop(p)
		wantFailure(t, launchOf(p, mask).Do(), test.step, unix.EBADF)
		if got := wordAt(p, to); got != 0x13 {
			t.Errorf("(0x85 &^ 0xff80 | 0x10) - 2 is %#x; want 0x13", got)
		}
	}
}

func TestLoop(t *testing.T) {
	p, mask := newProgram()
	word := p.Words(3)
	again := p.Here()
	p.Add("", program.Move, word, num(1)).Into(word)
	p.Loop(word, program.Num(1000), &again)
	stop(p)
	wantFailure(t, launchOf(p, mask).Do(), 2, unix.EBADF)
	if got := wordAt(p, word); got != 1000 {
		t.Errorf("the loop ended at %d; want 1000", got)
	}
}

// A program can be launched again: what the child wrote to the steps is gone.
func TestLaunchAgain(t *testing.T) {
	p, mask := newProgram()
	restoreMask(p, mask)
	execTrue(p)
	data := slices.Clone(p.Data[8:]) // after the mask
	for range 3 {
		wantSuccess(t, launchOf(p, mask).Do())
		if !bytes.Equal(p.Data[8:], data) {
			t.Errorf("the data is %q after a launch; want %q", p.Data[8:], data)
		}
	}
}

func TestFaults(t *testing.T) {
	p, mask := newProgram()
	restoreMask(p, mask)
	p.Add("", program.Getpid)
	execTrue(p)
	for step := range p.Steps {
		p.Fault = &program.Fault{Step: step}
		wantFailure(t, launchOf(p, mask).Do(), step, program.FaultErrno)
		p.Fault = &program.Fault{Step: step, Die: true}
		res := launchOf(p, mask).Do()
		if res.OK || res.Place != InChild || res.Step != step || res.Signal != unix.SIGSEGV {
			t.Errorf("result %+v; want step %d to die of SIGSEGV", res, step)
		}
		noChild(t)
	}
}

func TestKindsOfLaunch(t *testing.T) {
	for name, change := range map[string]func(*Launch){
		"plain":           func(*Launch) {},
		"copied files":    func(l *Launch) { l.CopyFiles = true },
		"without a pidfd": func(l *Launch) { l.NoPidFD = true },
		"permanent":       func(l *Launch) { l.Permanent = true },
		"credentials":     func(l *Launch) { l.Credentials = true },
		"reads /proc":     func(l *Launch) { l.ReadsProc = true },
	} {
		t.Run(name, func(t *testing.T) {
			p, mask := newProgram()
			restoreMask(p, mask)
			execTrue(p)
			l := launchOf(p, mask)
			change(l)
			res := l.Do()
			if res.OK && (res.PidFD < 0) != l.NoPidFD {
				t.Errorf("pidfd %d", res.PidFD)
			}
			wantSuccess(t, res)
		})
	}
}

func TestRendezvous(t *testing.T) {
	failure := errors.New("not today")
	for _, want := range []error{nil, failure} {
		p, mask := newProgram()
		word := p.Words(0)
		look, met := p.Here(), p.Ahead()
		p.GotoIf("", word, num(1), &met)
		p.Add("", program.Futex, word, num(futexWait), num(0), num(0)).
			On(uint32(unix.EAGAIN), &look).On(uint32(unix.EINTR), &look).Then(&look)
		met.Place()
		restoreMask(p, mask)
		execTrue(p)
		l := launchOf(p, mask)
		child := 0
		l.Rendezvous, l.Go = func(pid int) error { child = pid; return want }, word
		res := l.Do()
		if want == nil {
			wantSuccess(t, res)
		} else if res.OK || res.Place != AtMeeting || res.Err != failure || res.Signal != 0 {
			t.Errorf("result %+v; want the rendezvous' error", res)
		}
		if child == 0 || child != res.Pid {
			t.Errorf("rendezvous with %d; want %d", child, res.Pid)
		}
		noChild(t)
	}
}

// A rendezvous that fails because the child is gone is not to blame.
func TestRendezvousWithTheDead(t *testing.T) {
	for _, die := range []bool{false, true} {
		p, mask := newProgram()
		p.Add("", program.Getpid)
		execTrue(p)
		p.Fault = &program.Fault{Step: 0, Die: die}
		l := launchOf(p, mask)
		l.Go = p.Words(0)
		l.Rendezvous = func(pid int) error {
			for unix.Waitid(unix.P_PID, pid, nil, unix.WEXITED|unix.WNOWAIT|unix.WALL, nil) == unix.EINTR {
			}
			return unix.ESRCH
		}
		res := l.Do()
		if res.OK || res.Place != InChild || res.Step != 0 || die != (res.Signal == unix.SIGSEGV) || die == (res.Errno == program.FaultErrno) {
			t.Errorf("result %+v; want step 0", res)
		}
		noChild(t)
	}
}

func TestBirthError(t *testing.T) {
	p, mask := newProgram()
	execTrue(p)
	l := launchOf(p, mask)
	l.Cgroup = 0
	null, err := os.Open("/dev/null")
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	l.Cgroup = int(null.Fd())
	if res := l.Do(); res.OK || res.Place != AtBirth || res.Errno != unix.EBADF {
		t.Errorf("result %+v; want EBADF at birth", res)
	}
	noChild(t)
}

// The linked form is the layout's, and unlinking takes it back.
func TestLink(t *testing.T) {
	p, _ := newProgram()
	path := p.Str("/x")
	argv := p.Strs([]string{"a", "bc"})
	p.Add("", program.Execve, path, argv, num(0)).Ignore(7)
	p.Steps[0].Catch[1] = program.Catch{Errno: 8, To: -1}
	env := p.Slot(2)
	p.Add("", program.Test, path, num(3), num(-1)).Next = -1
	p.Add("", program.Move, path, num(1)).Feed(env).Into(path)
	data := slices.Clone(p.Data)

	l := layout{insns: 0x1000, data: 0x2000}
	insns := l.link(p, nil)
	if bytes.Equal(p.Data, data) {
		t.Error("the pointers in the data are not relocated")
	}
	l.unlink(p)
	if !bytes.Equal(p.Data, data) {
		t.Errorf("data %q after unlink; want %q", p.Data, data)
	}
	size := uint64(insnSize)
	want := []insn{
		{nr: unix.SYS_EXECVE, arg: [6]uint64{0x2000 + path.Value, 0x2000 + argv.Value}, next: size, errno0: 7, to0: size, errno1: 8, to1: -size, ret: notRun},
		{op: opTest, arg: [6]uint64{0x2000 + path.Value, 3, -size}, next: -size, ret: notRun},
		{op: opMove, arg: [6]uint64{0x2000 + path.Value, 1}, next: size, ret: notRun,
			out0: 0x1000 + uint64(unsafe.Offsetof(insn{}.arg)) + 16, out1: 0x2000 + path.Value},
	}
	if !slices.Equal(insns, want) {
		t.Errorf("link = %+v\nwant %+v", insns, want)
	}
}

func TestAfter(t *testing.T) {
	errno := func(e uint64) uint64 { return -e }
	caught := insn{next: 1, errno0: 7, to0: 2, errno1: anyErrno, to1: 3}
	other := insn{next: 1, errno0: anyErrno, to0: 2, errno1: 7, to1: 3}
	for _, test := range []struct {
		in   insn
		ret  uint64
		want int64
	}{
		{caught, 0, 1}, {caught, 5, 1}, {caught, errno(7), 2}, {caught, errno(8), 3},
		{other, 0, 1}, {other, errno(7), 3}, {other, errno(8), 2},
		{insn{next: 1, errno0: 7, to0: 2}, errno(8), 1},
		{insn{op: opTest, next: 1, arg: [6]uint64{0, 5, 9}}, 5, 9},
		{insn{op: opTest, next: 1, arg: [6]uint64{0, 5, 9}}, 6, 1},
		{insn{op: opMove, next: 1, errno0: 7, to0: 2}, errno(7), 1},
	} {
		test.in.ret = test.ret
		if got := test.in.after(); got != test.want {
			t.Errorf("after of %+v = %d; want %d", test.in, got, test.want)
		}
	}
}
