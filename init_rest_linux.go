//go:build amd64 || arm64

package sprog

import (
	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/machine"
	"github.com/sprog-dev/sprog/internal/program"
)

const initField = "Attr.Init"

const (
	// listSize is how much of the list of its children the init reads at a time.
	listSize = 1024
	// mostPIDs is above every process id: PID_MAX_LIMIT.
	mostPIDs = 1 << 22
	// restSize is what the init tells of what was left.
	restSize = 16
)

// listsChildren reports whether a list of the init's children is of use: by the numbers that
// it knows them by. In a new PID namespace the kernel kills what is left.
func (s *starter) listsChildren() bool {
	return s.attr.Init != nil && s.sys.Cloneflags&unix.CLONE_NEWPID == 0 && !s.joins.joins(PIDNamespace)
}

// openChildren opens the list of its children for the init (proc_pid_task(5),
// CONFIG_PROC_CHILDREN), while the caller's /proc can be found.
func (b *builder) openChildren() {
	b.children = -1
	if !b.childList {
		return
	}
	t, p := &b.table, b.p
	got := t.lowestFree()
	b.children = t.spare()
	// The number is taken even if there is no such file: by another, which names
	// no child.
	open := p.Len()
	for _, path := range []string{childrenFile, "thread-self/stat"} {
		b.add(initField, program.Openat, num(t.at(b.procFD)), p.Str(path), num(unix.O_RDONLY|unix.O_CLOEXEC), num(0))
	}
	p.Steps[open].Goto(program.AnyErrno, 1).Next = 2
	if got != b.children {
		b.add(initField, program.Dup3, num(got), num(b.children), num(unix.O_CLOEXEC))
		b.add(initField, program.Close, num(got))
	}
}

// childrenFile is below /proc.
const childrenFile = "thread-self/children"

// killRest kills what is left when the program has ended: every child, and those
// that become the init's children by that, until there is none, or none that
// could be killed. Whether a number is that of a child is asked by waitid(2), and it
// stays that until the init has reaped it. So the list of the children only saves time:
// where it names none, or may not be whole, each number that there can be is tried.
func (in *initBuilder) killRest() {
	if in.sys.Cloneflags&unix.CLONE_NEWPID != 0 {
		return
	}
	p := in.p
	rest := in.restWords()
	noneKilled := p.Words(0) // 1, until kill(2) has put its result there
	p.Label(noneKilled, "none_killed")
	left := in.at(in.over, 8)

	reap := p.Len()
	in.add(program.Waitid, num(unix.P_ALL), num(0), rest, num(unix.WEXITED|unix.WNOHANG), num(0))
	none := in.test(in.at(rest, infoPid), 0, p.Len()+1)
	p.Steps[none].Next = int16(reap - none)
	in.move(in.one, noneKilled)
	in.move(in.zero, left)
	in.move(in.zero, in.listed)
	next, ends := in.nextChild()
	look := p.Len()
	in.add(program.Waitid, num(unix.P_PID), num(0), num(0), num(unix.WEXITED|unix.WNOHANG|unix.WNOWAIT), num(0)).
		Goto(program.AnyErrno, 3)
	in.add(program.Kill, num(0), num(int(unix.SIGKILL))).Goto(program.AnyErrno, 1).Next = 2
	p.FeedArg(look-1, look, 1)
	p.FeedArg(look-1, look+1, 0)
	p.FeedData(look+1, noneKilled)
	in.move(in.listed, left)
	next()

	for _, end := range ends {
		in.aim(end)
	}
	idle := in.test(noneKilled, 1, 0)
	wait := p.Len()
	in.add(program.Waitid, num(unix.P_ALL), num(0), num(0), num(unix.WEXITED), num(0)).Next = int16(reap - wait)
	in.aim(idle)
	toEnd := []int{in.test(in.counting, 1, 0)}
	in.test(left, 0, p.Len()+2)
	toEnd = append(toEnd, in.test(in.at(in.list, listSize-4), 0, 0)) // or there was no room for all
	count := in.move(in.one, in.counting)
	p.Steps[count].Quiet = false
	p.Steps[count].Next = int16(reap - count)
	for _, step := range toEnd {
		in.aim(step)
	}
	p.Steps[reap].Goto(uint32(unix.ECHILD), int16(p.Len()-reap))
	p.Steps[wait].Goto(uint32(unix.ECHILD), int16(p.Len()-wait))
	in.move(in.one, in.over)
	in.add(program.Pwrite64, num(in.stateLast), in.over, num(restSize), num(machine.EndAt+endSize)).Ignore(program.AnyErrno)
}

// restWords makes room for what killRest remembers. It returns that for what waitid(2)
// says.
func (in *initBuilder) restWords() (rest program.Arg) {
	p := in.p
	rest = p.Buffer(infoSize)
	in.list = p.Buffer(listSize + 8) // and an end that is never overwritten
	in.listed = p.Words(0)
	in.counting = p.Words(0)
	if in.children < 0 {
		in.counting = p.Words(1)
	}
	in.over = p.Words(0, 0) // 1, and a child that could not be killed
	in.zero, in.one = p.Words(0), p.Words(1)
	p.Label(rest, "rest")
	p.Label(in.at(rest, infoPid), "rest.si_pid")
	p.Label(in.list, "children")
	p.Label(in.at(in.list, listSize-4), "their_last")
	p.Label(in.listed, "child")
	p.Label(in.counting, "counting")
	p.Label(in.one, "one")
	p.Label(in.over, "over")
	p.Label(in.at(in.over, 8), "left")
	return rest
}

// nextChild has the next number put into the word listed: the next there is, or the next of
// the list. Its last step is the one that fills in the number. It returns a function
// that adds the way back, and the jumps that are taken when there is no other.
func (in *initBuilder) nextChild() (again func(), ends []int) {
	p := in.p
	listing := in.children >= 0
	toList := 0
	if listing {
		toList = in.test(in.counting, 0, 0)
	}
	count := in.move(in.listed, in.listed)
	p.Steps[count].Args[1] = num(1)
	last := in.test(in.listed, mostPIDs, 0)
	ends, next := []int{last}, count
	if listing {
		in.aim(toList)
		var more int
		next, more = in.nextListed()
		ends = append(ends, more)
	}
	p.Steps[last].Next = int16(p.Len() - last)
	in.fill(in.listed)
	return func() {
		i := in.test(in.counting, 0, next)
		p.Steps[i].Next = int16(count - i)
	}, ends
}

// nextListed reads the list, and has its next number put into the word listed. It
// returns the first step of the latter, and the jump taken at the end of the list.
func (in *initBuilder) nextListed() (next, last int) {
	p := in.p
	start, at, char := p.Words(0), p.Words(0), p.Words(0)
	p.PutAddress(start, in.list)
	p.Label(char, "character")
	in.add(program.Pread64, num(in.children), in.list, num(listSize), num(0)).Ignore(program.AnyErrno)
	in.move(start, at)
	next = in.move(in.zero, in.listed)
	from := in.fill(at)
	in.move(program.Arg{}, char)
	p.Steps[from+1].Args[3] = num(^uint64(0xff))
	p.FeedArg(from, from+1, 0)
	p.Steps[in.move(at, at)].Args[1] = num(1)
	last = in.test(char, 0, 0)
	space := in.test(char, ' ', 0)
	p.Steps[space].Quiet = true
	in.appendDigit(char)
	p.Steps[p.Len()-1].Next = int16(from - p.Len() + 1)
	in.aim(space)
	return next, last
}

// appendDigit multiplies the number by ten and adds a digit, with moves that add.
func (in *initBuilder) appendDigit(char program.Arg) {
	p := in.p
	twice, five := p.Words(0), p.Words(0)
	i := in.fill(in.listed)
	in.move(in.listed, twice)
	in.fill(twice)
	in.move(in.listed, five)
	in.fill(five)
	in.move(char, in.listed)
	p.Steps[i+5].Args[3] = num(^uint64(0xf))
	for to := i + 1; to <= i+5; to++ { // each adds what the step before it has
		p.FeedArg(to-1, to, 1)
	}
}

// move copies a word.
func (in *initBuilder) move(from, to program.Arg) int {
	i := in.fill(from)
	in.p.Steps[i].Quiet = true
	in.p.FeedData(i, to)
	return i
}

// fill takes a word to where its result is fed.
func (in *initBuilder) fill(from program.Arg) int {
	in.add(program.Move, from)
	return in.p.Len() - 1
}
