//go:build amd64 || arm64

package sprog

import (
	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/program"
)

const initField = "Attr.Init"

// listSize is how much of the list of its children the init reads at a time.
const listSize = 1024

// openChildren opens the list of its children for the init (proc_pid_task(5),
// CONFIG_PROC_CHILDREN), where the caller's /proc can still be found. In a new
// PID namespace the kernel kills what is left.
func (b *builder) openChildren() {
	b.children = -1
	if b.attr.Init == nil || b.procFD < 0 || b.sys.Cloneflags&unix.CLONE_NEWPID != 0 {
		return
	}
	t, p := &b.table, b.p
	proc := t.at(b.procFD)
	b.children = t.spare()
	b.add(initField, program.Dup3, num(proc), num(b.children), num(unix.O_CLOEXEC))
	if b.needsProc() == initField {
		b.add(initField, program.Close, num(proc))
		t.setOpen(proc, false)
	}
	// The number is taken even if there is no such file: by another, which names
	// no child. A directory that stayed would be a way out of any root, for a
	// program that may trace the init.
	open := p.Len()
	for _, path := range []string{childrenFile, "thread-self/stat"} {
		b.add(initField, program.Openat, num(b.children), p.Str(path), num(unix.O_RDONLY|unix.O_CLOEXEC), num(0))
	}
	p.Steps[open].Goto(program.AnyErrno, 1).Next = 2
	b.add(initField, program.Dup3, num(0), num(b.children), num(unix.O_CLOEXEC))
	b.add(initField, program.Close, num(0))
	for from := open; from <= open+1; from++ {
		p.FeedArg(from, open+2, 0)
		p.FeedArg(from, open+3, 0)
	}
}

// childrenFile is below /proc.
const childrenFile = "thread-self/children"

// killRest kills what is left when the program has ended: every child, and those
// that become the init's children by that, until there is none, or none that
// could be killed. The list only hints at them. Whether a number is that of a
// child is asked by waitid(2), and it stays that until the init has reaped it.
func (in *initBuilder) killRest() {
	if in.children < 0 {
		return
	}
	p := in.p
	rest := p.Buffer(infoSize)
	in.list = p.Buffer(listSize + 8) // and an end that is never overwritten
	in.listed = p.Words(0)
	noneKilled := p.Words(0) // 1, until kill(2) has put its result there
	p.Label(rest, "rest")
	p.Label(in.at(rest, infoPid), "rest.si_pid")
	p.Label(in.list, "children")
	p.Label(in.listed, "child")
	p.Label(noneKilled, "none_killed")
	zero, one := p.Words(0), p.Words(1)

	reap := p.Len()
	in.add(program.Waitid, num(unix.P_ALL), num(0), rest, num(unix.WEXITED|unix.WNOHANG), num(0))
	none := in.test(in.at(rest, infoPid), 0, p.Len()+1)
	p.Steps[none].Next = int16(reap - none)
	read := p.Len()
	in.add(program.Pread64, num(in.children), in.list, num(listSize), num(0))
	in.move(one, noneKilled)
	next, last := in.nextNumber(zero)
	look := p.Len()
	in.add(program.Waitid, num(unix.P_PID), num(0), num(0), num(unix.WEXITED|unix.WNOHANG|unix.WNOWAIT), num(0)).
		Goto(program.AnyErrno, int16(next-look))
	in.add(program.Kill, num(0), num(int(unix.SIGKILL))).Goto(program.AnyErrno, int16(next-look-1)).Next = int16(next - look - 1)
	p.FeedArg(look-1, look, 1)
	p.FeedArg(look-1, look+1, 0)
	p.FeedData(look+1, noneKilled)

	in.aim(last)
	toEnd := in.test(noneKilled, 1, 0)
	wait := p.Len()
	in.add(program.Waitid, num(unix.P_ALL), num(0), num(0), num(unix.WEXITED), num(0)).Next = int16(reap - wait)
	in.aim(toEnd)
	for step, errno := range map[int]uint32{reap: uint32(unix.ECHILD), read: program.AnyErrno, wait: uint32(unix.ECHILD)} {
		p.Steps[step].Goto(errno, int16(p.Len()-step))
	}
}

// nextNumber has the next number of the list put into the word listed. It
// returns the first step of that, and the jump taken at the end of the list. Its
// last step is the one that fills in the number.
func (in *initBuilder) nextNumber(zero program.Arg) (next, last int) {
	p := in.p
	start, at, char := p.Words(0), p.Words(0), p.Words(0)
	p.PutAddress(start, in.list)
	p.Label(char, "character")
	in.move(start, at)
	next = in.move(zero, in.listed)
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
	in.fill(in.listed)
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
