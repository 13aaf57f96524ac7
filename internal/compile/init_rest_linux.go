//go:build amd64 || arm64

package compile

import (
	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/program"
	"github.com/sprog-dev/sprog/internal/spec"
	"github.com/sprog-dev/sprog/internal/stage2"
)

const (
	// listSize is how much of the list of its children the init reads at a time.
	listSize = 1024
	// mostPIDs is above every process id: PID_MAX_LIMIT.
	mostPIDs = 1 << 22
)

// openChildren opens the list of its children for the init (proc_pid_task(5),
// CONFIG_PROC_CHILDREN), while the caller's /proc can be found.
func (b *builder) openChildren() {
	b.children = -1
	if !b.given.ChildList {
		return
	}
	t, p := &b.fds, b.p
	got := t.lowestFree()
	b.children = t.spare()
	if b.ask.Launcher != nil {
		b.openOwnChildren(got)
		return
	}
	// The number is taken even if there is no such file: by another, which names
	// no child.
	opened := p.Ahead()
	b.openProcFile(childrenFile).Ignore(program.AnyErrno).Then(&opened)
	b.openProcFile("thread-self/stat")
	opened.Place()
	if got != b.children {
		b.add(spec.InitField, program.Dup3, Num(got), Num(b.children), Num(unix.O_CLOEXEC))
		b.add(spec.InitField, program.Close, Num(got))
	}
}

// openOwnChildren opens the list for a launcher, which has no directory of /proc open for it. /dev/null
// names no child, either.
func (b *builder) openOwnChildren(got int) {
	p, opened := b.p, b.p.Ahead()
	const flags = unix.O_RDONLY | unix.O_CLOEXEC
	failed := p.Ahead()
	b.add(spec.InitField, program.Openat, Num(unix.AT_FDCWD), p.Str("/proc/"+childrenFile), Num(flags), Num(0)).On(program.AnyErrno, &failed).Then(&opened)
	failed.Place()
	b.add(spec.InitField, program.Openat, Num(unix.AT_FDCWD), p.Str("/dev/null"), Num(flags), Num(0))
	opened.Place()
	if got != b.children {
		b.add(spec.InitField, program.Dup3, Num(got), Num(b.children), Num(unix.O_CLOEXEC))
		b.add(spec.InitField, program.Close, Num(got))
	}
}

func (b *builder) openProcFile(path string) *program.Step {
	return b.add(spec.InitField, program.Openat, Num(b.fds.at(b.given.ProcFD)), b.p.Str(path), Num(unix.O_RDONLY|unix.O_CLOEXEC), Num(0))
}

// childrenFile is below /proc.
const childrenFile = "thread-self/children"

// killRest kills what is left when the program has ended: every child, and those
// that become the init's children by that, until there is none, or none that
// could be killed. Whether a number is that of a child is asked by waitid(2), and it
// stays that until the init has reaped it. So the list of the children only saves time:
// where it names none, or may not be whole, each number that there can be is tried.
func (in *initBuilder) killRest() {
	if in.ask.Sys.Cloneflags&unix.CLONE_NEWPID != 0 {
		return
	}
	p := in.p
	rest := in.restWords()
	noneKilled := p.Words(0) // 1, until kill(2) has put its result there
	p.Label(noneKilled, "none_killed")
	left := in.over.Plus(8)

	reap, none, end := p.Here(), p.Ahead(), p.Ahead()
	in.add(program.Waitid, Num(unix.P_ALL), Num(0), rest, Num(unix.WEXITED|unix.WNOHANG), Num(0)).On(uint32(unix.ECHILD), &end)
	p.GotoIf(spec.InitField, rest.Plus(stage2.InfoPid), Num(0), &none).Then(&reap)
	none.Place()
	p.Copy(spec.InitField, in.one, noneKilled)
	p.Copy(spec.InitField, in.zero, left)
	p.Copy(spec.InitField, in.zero, in.listed)
	last, next := p.Ahead(), p.Ahead()
	child, counted, listed := in.nextChild(&last)
	in.add(program.Waitid, Num(unix.P_PID), child, Num(0), Num(unix.WEXITED|unix.WNOHANG|unix.WNOWAIT), Num(0)).On(program.AnyErrno, &next)
	in.add(program.Kill, child, Num(int(unix.SIGKILL))).Ignore(program.AnyErrno).Into(noneKilled).Then(&next)
	p.Copy(spec.InitField, in.listed, left)
	next.Place()
	p.GotoIf(spec.InitField, in.counting, Num(0), &listed).Then(&counted)

	last.Place()
	idle, whole := p.Ahead(), p.Ahead()
	p.GotoIf(spec.InitField, noneKilled, Num(1), &idle)
	in.add(program.Waitid, Num(unix.P_ALL), Num(0), Num(0), Num(unix.WEXITED), Num(0)).On(uint32(unix.ECHILD), &end).Then(&reap)
	idle.Place()
	p.GotoIf(spec.InitField, in.counting, Num(1), &end)
	p.GotoIf(spec.InitField, left, Num(0), &whole)
	p.GotoIf(spec.InitField, in.list.Plus(listSize-4), Num(0), &end) // or there was no room for all
	whole.Place()
	p.Copy(spec.InitField, in.one, in.counting).Then(&reap).Quiet = false
	end.Place()
	p.Copy(spec.InitField, in.one, in.over)
	if in.ask.Launcher != nil {
		return
	}
	in.add(program.Pwrite64, Num(in.stateLast), in.over, Num(stage2.RestSize), Num(stage2.EndAt+stage2.EndSize)).Ignore(program.AnyErrno)
}

// restWords makes room for what killRest remembers. It returns that for what waitid(2)
// says.
func (in *initBuilder) restWords() (rest program.Arg) {
	p := in.p
	rest = p.Buffer(stage2.InfoSize)
	in.list = p.Buffer(listSize + 8) // and an end that is never overwritten
	in.listed = p.Words(0)
	in.counting = p.Words(0)
	if in.children < 0 {
		in.counting = p.Words(1)
	}
	in.over = p.Words(0, 0) // 1, and a child that could not be killed
	in.zero, in.one = p.Words(0), p.Words(1)
	p.Label(rest, "rest")
	p.Label(rest.Plus(stage2.InfoPid), "rest.si_pid")
	p.Label(in.list, "children")
	p.Label(in.list.Plus(listSize-4), "their_last")
	p.Label(in.listed, "child")
	p.Label(in.counting, "counting")
	p.Label(in.one, "one")
	p.Label(in.over, "over")
	p.Label(in.over.Plus(8), "left")
	return rest
}

// nextChild has the next number put into the word listed: the next there is, or the next of
// the list. If there is no other, it goes on with last. It returns the number, and where to
// go on for the next one: the next there is, and the next of the list.
func (in *initBuilder) nextChild(last *program.Target) (child program.Arg, counted, listed program.Target) {
	p := in.p
	listing := in.children >= 0
	toList, found := p.Ahead(), p.Ahead()
	if listing {
		p.GotoIf(spec.InitField, in.counting, Num(0), &toList)
	}
	counted = p.Here()
	listed = counted
	p.Copy(spec.InitField, in.listed, in.listed).Args[1] = Num(1)
	p.GotoIf(spec.InitField, in.listed, Num(mostPIDs), last).Then(&found)
	if listing {
		toList.Place()
		listed = in.nextListed(last)
	}
	found.Place()
	return p.Value(spec.InitField, in.listed), counted, listed
}

// nextListed reads the list, and has its next number put into the word listed. It
// returns the first step of the latter, which goes on with last at the end of the list.
func (in *initBuilder) nextListed(last *program.Target) (next program.Target) {
	p := in.p
	start, at, char := p.Words(0), p.Words(0), p.Words(0)
	p.Point(start, in.list)
	p.Label(char, "character")
	in.add(program.Pread64, Num(in.children), in.list, Num(listSize), Num(0)).Ignore(program.AnyErrno)
	p.Copy(spec.InitField, start, at)
	next = p.Here()
	p.Copy(spec.InitField, in.zero, in.listed)
	again, space := p.Here(), p.Ahead()
	p.Copy(spec.InitField, p.Value(spec.InitField, at), char).Args[3] = Num(^uint64(0xff))
	p.Copy(spec.InitField, at, at).Args[1] = Num(1)
	p.GotoIf(spec.InitField, char, Num(0), last)
	p.GotoIf(spec.InitField, char, Num(' '), &space).Quiet = true
	in.appendDigit(char).Then(&again)
	space.Place()
	return next
}

// appendDigit multiplies the number by ten and adds a digit, with moves that add: each adds
// what the step before it has.
func (in *initBuilder) appendDigit(char program.Arg) *program.Step {
	p := in.p
	twice, five := p.Words(0), p.Words(0)
	add := func(word program.Arg) *program.Step { return in.add(program.Move, word, p.Result()) }
	in.add(program.Move, in.listed)
	add(in.listed).Into(twice).Quiet = true
	add(twice)
	add(in.listed).Into(five).Quiet = true
	add(five)
	digit := add(char).Into(in.listed)
	digit.Quiet, digit.Args[3] = true, Num(^uint64(0xf))
	return digit
}
