//go:build amd64 || arm64

package machine

import (
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/program"
)

// withLog gives a program a log with room for some entries.
func withLog(p *program.Program, entries int) {
	p.Log = program.Log{Clock: unix.CLOCK_MONOTONIC, Entries: entries, At: p.Buffer((entries + 1) * program.EntrySize)}
	p.NoteTimes(0, p.Len())
}

// noted are the steps that are in the program's log, with room for one entry
// more than it may have. Times must not go back.
func noted(t *testing.T, p *program.Program) (steps []int) {
	t.Helper()
	var last time.Duration
	for _, e := range p.ReadLog(p.BytesAt(p.Log.At, uint64(p.Log.Size()+program.EntrySize))) {
		if e.At < last {
			t.Errorf("step %d at %v, after one at %v", e.Step, e.At, last)
		}
		last = e.At
		steps = append(steps, e.Step)
	}
	return steps
}

// The log has the way that a child goes through its program: jumps, loops and
// results that are fed to other steps are the same as without.
func TestLog(t *testing.T) {
	for _, test := range []struct {
		name    string
		entries int
		build   func(p *program.Program)
		want    []int
		failed  int
	}{
		{"straight", 10, func(p *program.Program) {
			p.Add("", program.Getpid)
			p.Add("", program.Getppid)
			stop(p)
		}, []int{0, 1, 2}, 2},
		{"quiet steps and operations", 10, func(p *program.Program) {
			p.Add("", program.Getpid).Quiet = true
			p.Add("", program.Test, p.Words(1), num(1), num(2))
			stop(p)
			p.Add("", program.Getppid)
			stop(p)
		}, []int{3, 4}, 4},
		{"jumps", 10, func(p *program.Program) {
			first, second := p.Ahead(), p.Ahead()
			p.Add("", program.Close, num(-1)).On(uint32(unix.EBADF), &first)
			back := p.Here()
			p.Add("", program.Close, num(-1)).On(program.AnyErrno, &second)
			stop(p)
			first.Place()
			p.Add("", program.Getpid).Then(&back)
			second.Place()
			p.Add("", program.Getppid)
			p.Add("", program.Kill, p.Result(), num(0)) // signal 0 to the parent
			stop(p)
		}, []int{0, 3, 1, 4, 5, 6}, 6},
		{"loop", 10, func(p *program.Program) {
			p.Add("", program.Getpid)
			again := p.Here()
			p.Add("", program.Close, num(-3)).Ignore(uint32(unix.EBADF))
			p.CountUp(p.Words(^uint64(2)), program.Num(-1), &again, p.Slot(0))
			stop(p)
		}, []int{0, 1, 1, 5}, 5},
		{"no room", 2, func(p *program.Program) {
			for range 4 {
				p.Add("", program.Getpid)
			}
			stop(p)
		}, []int{0, 1}, 4},
	} {
		t.Run(test.name, func(t *testing.T) {
			p, mask := newProgram()
			test.build(p)
			withLog(p, test.entries)
			wantFailure(t, launchOf(p, mask).Do(), test.failed, unix.EBADF)
			if got := noted(t, p); !slices.Equal(got, test.want) {
				t.Errorf("the log has the steps %v; want %v", got, test.want)
			}
		})
	}
}

// Where there is no clock, nothing is noted, and the program runs all the same.
func TestLogWithoutClock(t *testing.T) {
	p, mask := newProgram()
	restoreMask(p, mask)
	execTrue(p)
	withLog(p, 10)
	p.Log.Clock = 1000
	wantSuccess(t, launchOf(p, mask).Do())
	if got := noted(t, p); got != nil {
		t.Errorf("the log has the steps %v; want none", got)
	}
}

// The moments of a launch follow each other, and the child's times are among
// them.
func TestTimes(t *testing.T) {
	p, mask := newProgram()
	restoreMask(p, mask)
	execTrue(p)
	withLog(p, 10)
	times := Times{Clock: unix.CLOCK_MONOTONIC}
	l := launchOf(p, mask)
	l.Times = &times
	begin := times.Now()
	wantSuccess(t, l.Do())
	at := append([]time.Duration{begin}, times.At[:]...)
	if at = append(at, times.Now()); !slices.IsSorted(at) {
		t.Errorf("the moments are %v; want them in order", at)
	}
	log := p.ReadLog(p.BytesAt(p.Log.At, uint64(p.Log.Size())))
	if len(log) != 2 || log[0].At < times.At[Birth] || log[1].At > times.At[Left] {
		t.Errorf("the log has %v; want two entries between %v and %v", log, times.At[Birth], times.At[Left])
	}
}
