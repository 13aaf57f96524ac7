//go:build amd64 || arm64

package sprog

import (
	"math"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/machine"
	"github.com/sprog-dev/sprog/internal/program"
)

// Offsets in siginfo_t, as rt_sigtimedwait and waitid fill it in.
const (
	infoCode   = 8
	infoPid    = 16
	infoStatus = 24
	infoSize   = 128

	// endSize is that and a struct rusage behind it.
	endSize = infoSize + 144

	cldExited    = 1
	cldStopped   = 5
	cldContinued = 6
	siKernel     = 0x80
)

// initProgram is the init: it starts the program, hands on the signals it
// gets, reaps whatever ends, and ends as the program does.
func (b *builder) initProgram() {
	in := initBuilder{builder: b}
	p := in.p
	b.initStep = p.Len()
	in.all, in.mask = p.Words(^uint64(0)), p.Words(0)
	in.info, in.child, in.signal = p.Buffer(endSize), p.Words(0), p.Words(0)
	p.Label(in.at(in.info, infoSize), "usage")
	in.chldAct, in.dfl = p.Buffer(32), p.Buffer(32)
	p.Label(in.mask, "mask")
	p.Label(in.chldAct, "action")
	p.Label(in.info, "info")
	p.Label(in.at(in.info, infoCode), "info.si_code")
	p.Label(in.at(in.info, infoPid), "info.si_pid")
	p.Label(in.at(in.info, infoStatus), "info.si_status")
	in.prepare()
	in.spawn()
	in.loop()
	in.tellEnd()
	in.killRest()
	in.end()
	in.program()
}

// tells reports whether the init tells when the program stops.
func (in *Init) tells() bool { return in != nil && (in.JobControl || in.ReportStops) }

// An initBuilder builds the init's program. Steps that jump forward are fixed
// when their targets are there.
type initBuilder struct {
	*builder
	all, mask, info, child, signal, chldAct, dfl program.Arg
	list, listed, counting, over                 program.Arg // of what is left
	zero, one                                    program.Arg

	self      int // the init's own pid
	toProgram int // the jump to what the init's child does
	tell, own int // telling the parent of all steps; the program's pid
	wait      int // waiting for a signal
}

func (in *initBuilder) add(call program.Call, args ...program.Arg) *program.Step {
	return in.p.Add("Attr.Init", call, args...)
}

func (in *initBuilder) test(word program.Arg, value uint64, to int) int {
	i := in.p.Len()
	in.add(program.Test, word, num(value), num(to-i))
	return i
}

// aim has the jump at index from go to the next step to be added.
func (in *initBuilder) aim(from int) { in.p.Steps[from].Args[2] = num(in.p.Len() - from) }

func (in *initBuilder) at(buf program.Arg, offset uint64) program.Arg {
	return program.Arg{Kind: program.Address, Value: buf.Value + offset}
}

func (in *initBuilder) prepare() {
	in.add(program.RtSigprocmask, num(unix.SIG_SETMASK), in.all, in.mask, num(8))
	// The program may run as the same user as the init: it must not be able
	// to trace it, or to read or write its memory.
	in.add(program.Prctl, num(unix.PR_SET_DUMPABLE), num(0))
	in.add(program.Prctl, num(unix.PR_SET_NAME), in.p.Str(initName))
	if in.sys.Cloneflags&unix.CLONE_NEWPID == 0 {
		in.add(program.Prctl, num(unix.PR_SET_CHILD_SUBREAPER), num(1))
	}
	// Where SIGCHLD is ignored, children vanish without a status.
	in.add(program.RtSigaction, num(int(unix.SIGCHLD)), in.dfl, in.chldAct, num(8))
	in.self = in.p.Len()
	in.add(program.Getpid)
}

// spawn makes the program's process, which shares the init's memory until it
// executes. The init goes on when that has happened, one way or the other.
func (in *initBuilder) spawn() {
	p := in.p
	clone := p.Len()
	in.initClone = clone
	in.add(program.Clone, num(unix.CLONE_VM|unix.CLONE_VFORK), num(0))
	p.FeedData(clone, in.child)
	in.toProgram = in.test(in.child, 0, 0)

	// The child has no exit signal until it executes; see fateOf in package
	// machine. So waitid finds it as long as it has not: dead, or while the
	// kernel is about to take note, since it ends the wait of vfork(2) somewhat
	// earlier.
	pid := p.Len()
	in.add(program.Move, in.child, num(0))
	look := p.Len()
	const cloned = unix.WEXITED | unix.WNOHANG | unix.WNOWAIT | unix.WCLONE
	in.add(program.Waitid, num(unix.P_PID), num(0), in.info, num(cloned), num(0)).Goto(uint32(unix.ECHILD), 6)
	p.FeedArg(pid, look, 1)
	pause := look + 5
	in.test(in.at(in.info, infoPid), 0, pause)
	// The pipe gets all steps with their results, for the parent to see how
	// far the child came, and the init ends with the signal as its status.
	in.tell = p.Len()
	in.add(program.Write, num(in.report), program.Arg{Kind: program.Steps}, num(0)).Ignore(program.AnyErrno)
	in.add(program.Move, in.at(in.info, infoStatus), num(0))
	in.add(program.ExitGroup, num(0))
	p.FeedArg(p.Len()-2, p.Len()-1, 0)
	moment := p.Words(0, 1e4)
	p.Label(moment, "10us")
	in.add(program.Ppoll, num(0), num(0), moment, num(0), num(8)).Goto(program.AnyErrno, int16(look-pause))
	p.Steps[pause].Next = int16(look - pause)

	in.standAside()
	in.add(program.Write, num(in.report), p.Str(machine.Executed), num(1)).Ignore(program.AnyErrno)
	in.closeAll()
}

// standAside has the init leave the program's process group, so that what is sent to
// the group does not come to both. It has a session of its own, too: if only
// the group were another, the program's would not count as orphaned because of the
// init, and Ctrl-Z would stop it where nobody can continue it (setpgid(2)).
// Who leads a group cannot leave it. The program inherits the session and the group, so
// it has to be there already.
func (in *initBuilder) standAside() {
	if !in.nature().leads {
		in.add(program.Setsid).Ignore(uint32(unix.EPERM))
	}
}

// closeAll lets go of the program's files: a pipe ends when the program
// closes it, whatever the init does.
func (in *initBuilder) closeAll() {
	var own fdSet
	own.add(in.stateLast)
	if in.attr.Init.tells() {
		// An init must not wait for a caller that does not read.
		in.add(program.Fcntl, num(in.report), num(unix.F_SETFL), num(unix.O_NONBLOCK))
		own.add(in.report)
	}
	if in.children >= 0 {
		own.add(in.children)
	}
	first := 0
	for _, n := range own {
		in.closeRange(first, n-1)
		first = n + 1
	}
	in.closeRange(first, math.MaxUint32)
}

func (in *initBuilder) closeRange(first, last int) {
	if last < first {
		return
	}
	if !in.lacks.has(noCloseRange) {
		in.add(program.CloseRange, num(first), num(last), num(0))
		return
	}
	for _, n := range in.table.open.between(first, last+1) {
		in.add(program.Close, num(n)).Quiet = true
	}
}

// loop waits for signals and hands them on, but for SIGCHLD, which says that
// there is something to reap.
func (in *initBuilder) loop() {
	p := in.p
	in.own = p.Len()
	in.add(program.Move, in.child, num(0)) // the program's pid, to where it is needed
	in.wait = p.Len()
	in.add(program.RtSigtimedwait, in.all, in.info, num(0), num(8)).Goto(uint32(unix.EINTR), 0)
	p.FeedData(in.wait, in.signal)
	toReap := in.test(in.signal, uint64(unix.SIGCHLD), 0)
	forward := in.leaveOut()
	for _, jump := range forward {
		in.aim(jump)
	}
	// A signal of sigqueue(3) keeps its value; others cannot be passed on whole.
	to, signal := in.fill(in.child), in.fill(in.signal)
	queue, kill := p.Len(), p.Len()+1
	in.add(program.RtSigqueueinfo, num(0), num(0), in.info).Goto(program.AnyErrno, 1).Next = int16(in.wait - queue)
	in.add(program.Kill, num(0), num(0)).Goto(program.AnyErrno, int16(in.wait-kill)).Next = int16(in.wait - kill)
	for _, step := range []int{queue, kill} {
		p.FeedArg(to, step, 0)
		p.FeedArg(signal, step, 1)
	}

	in.aim(toReap)
	flags := unix.WEXITED | unix.WNOHANG
	if in.attr.Init.tells() {
		flags |= unix.WSTOPPED | unix.WCONTINUED
	}
	reap := p.Len()
	in.add(program.Waitid, num(0), num(0), in.info, num(flags), in.at(in.info, infoSize)).Goto(uint32(unix.ECHILD), int16(in.wait-reap))
	in.test(in.at(in.info, infoPid), 0, in.wait)
	mine := in.test(in.at(in.info, infoPid), 0, p.Len()+1)
	p.FeedArg(in.own, mine, 1)
	p.Steps[mine].Next = int16(reap - mine)
	in.tellStop(reap)
}

// leaveOut skips the signals that are not to be handed on. It returns the jumps
// to the step that does.
func (in *initBuilder) leaveOut() (forward []int) {
	if in.attr.Init.tells() {
		// Its own SIGPIPE, if nobody reads what it tells.
		own := in.test(in.at(in.info, infoPid), 0, in.wait)
		in.p.FeedArg(in.self, own, 1)
	}
	if in.attr.Init.JobControl || !in.nature().leads {
		return nil
	}
	if in.sys.Setsid {
		// A terminal that hangs up tells the leader of its session alone.
		for _, sig := range []unix.Signal{unix.SIGHUP, unix.SIGCONT} {
			forward = append(forward, in.test(in.signal, uint64(sig), 0))
		}
	}
	// What the kernel sends otherwise, as a terminal has it do, went to the program
	// as well: it is in the group that the init leads.
	in.test(in.at(in.info, infoCode), siKernel, in.wait)
	return forward
}

// tellStop tells the caller by which signal the program has stopped or continued, and goes on
// reaping. If the program has ended, the next step is to follow.
func (in *initBuilder) tellStop(reap int) {
	if !in.attr.Init.tells() {
		return
	}
	p, code := in.p, in.at(in.info, infoCode)
	in.test(code, cldStopped, p.Len()+2)
	in.p.Steps[in.test(code, cldContinued, p.Len()+1)].Next = 2
	tell := p.Len()
	in.add(program.Write, num(in.report), in.at(in.info, infoStatus), num(1)).Goto(program.AnyErrno, int16(reap-tell))
	p.Steps[tell].Next = int16(reap - tell)
}

// tellEnd tells the caller how the program has ended, and what it has used: an
// exit code of the init's own cannot say everything.
func (in *initBuilder) tellEnd() {
	in.add(program.Pwrite64, num(in.stateLast), in.info, num(endSize), num(machine.EndAt)).Ignore(program.AnyErrno)
}

// end ends the init as the program ended. A signal is sent to itself; PID 1 of
// a namespace is spared by the kernel and exits with 128+n, as a shell does.
func (in *initBuilder) end() {
	p := in.p
	status := in.at(in.info, infoStatus)
	move := p.Len()
	in.add(program.Move, status, num(0))
	exited := in.test(in.at(in.info, infoCode), cldExited, 0)

	act := p.Len()
	in.add(program.Move, status, num(0))
	in.add(program.RtSigaction, num(0), in.dfl, num(0), num(8)).Ignore(uint32(unix.EINVAL)) // SIGKILL
	in.add(program.Getpid)
	in.add(program.Kill, num(0), num(0)).Ignore(program.AnyErrno)
	p.FeedArg(act, act+1, 0)
	p.FeedArg(act, act+3, 1)
	p.FeedArg(act+2, act+3, 0)
	in.add(program.RtSigprocmask, num(unix.SIG_SETMASK), in.dfl, num(0), num(8))
	code := p.Len()
	in.add(program.Move, status, num(128))
	in.add(program.ExitGroup, num(0))
	p.FeedArg(code, code+1, 0)

	in.aim(exited)
	in.add(program.ExitGroup, num(0))
	p.FeedArg(move, p.Len()-1, 0)
}

// program is what the init's child does: it puts back what the init changed
// for itself, and executes the program.
func (in *initBuilder) program() {
	in.aim(in.toProgram)
	in.firstStep = in.p.Len()
	in.dieWithInit()
	in.leadForeground()
	in.add(program.RtSigaction, num(int(unix.SIGCHLD)), in.chldAct, num(0), num(8))
	in.add(program.RtSigprocmask, num(unix.SIG_SETMASK), in.mask, num(0), num(8))
	in.builder.lastSteps()
	in.p.Steps[in.tell].Args[2] = program.Arg{Kind: program.StepsSize, Value: uint64(in.p.Len() * machine.StepSize)}
}

// leadForeground makes the program the leader of a process group in the
// foreground of the session's terminal. All signals are blocked: SIGTTOU does
// not come.
func (in *initBuilder) leadForeground() {
	if !in.attr.Init.JobControl {
		return
	}
	p := in.p
	group := p.Words(0)
	in.add(program.Setpgid, num(0), num(0))
	in.add(program.Getpid)
	p.FeedData(p.Len()-1, group)
	in.add(program.Ioctl, num(in.sys.Ctty), num(unix.TIOCSPGRP), group)
}

// dieWithInit has the program killed when the init is: whoever kills the
// process that he started means the program. In a PID namespace the kernel
// sees to that.
func (in *initBuilder) dieWithInit() {
	if in.sys.Cloneflags&unix.CLONE_NEWPID != 0 {
		return
	}
	p := in.p
	in.add(program.Prctl, num(unix.PR_SET_PDEATHSIG), num(int(unix.SIGKILL)))
	parent := p.Words(0)
	in.add(program.Getppid)
	p.FeedData(p.Len()-1, parent)
	same := in.test(parent, 0, p.Len()+2)
	p.FeedArg(in.self, same, 1)
	in.add(program.ExitGroup, num(125))
}
