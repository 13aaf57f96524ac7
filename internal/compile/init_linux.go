//go:build amd64 || arm64

package compile

import (
	"math"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/kernel"
	"github.com/sprog-dev/sprog/internal/program"
	"github.com/sprog-dev/sprog/internal/spec"
	"github.com/sprog-dev/sprog/internal/stage2"
)

// Codes in siginfo_t besides stage2.CldExited.
const (
	cldStopped   = 5
	cldContinued = 6
	siKernel     = 0x80
)

// initProgram is the init: it starts the program, hands on the signals it
// gets, reaps whatever ends, and ends as the program does.
func (b *builder) initProgram() {
	in := initBuilder{builder: b}
	p := in.p
	b.made.initStep = p.Len()
	in.all, in.mask = p.Words(^uint64(0)), p.Words(0)
	in.info, in.child, in.signal = p.Buffer(stage2.EndSize), p.Words(0), p.Words(0)
	p.Label(in.info.Plus(stage2.InfoSize), "usage")
	in.chldAct, in.dfl = p.Buffer(32), p.Buffer(32)
	p.Label(in.mask, "mask")
	p.Label(in.chldAct, "action")
	p.Label(in.info, "info")
	p.Label(in.info.Plus(stage2.InfoCode), "info.si_code")
	p.Label(in.info.Plus(stage2.InfoPid), "info.si_pid")
	p.Label(in.info.Plus(stage2.InfoStatus), "info.si_status")
	in.prepare()
	in.spawn()
	in.loop()
	in.tellEnd()
	if in.ask.Attr.Init.Linger {
		in.linger()
	} else {
		in.killRest()
	}
	in.end()
	in.program()
}

// An initBuilder builds the init's program.
type initBuilder struct {
	*builder
	all, mask, info, child, signal, chldAct, dfl program.Arg
	list, listed, counting, over                 program.Arg // of what is left
	zero, one                                    program.Arg

	kept      []int          // the numbers of what the init keeps for the caller
	self      program.Arg    // the init's own pid
	tell      program.Arg    // the step that tells the parent of all steps
	toProgram program.Target // what the init's child does
	wait      program.Target // waiting for a signal
	ended     program.Target // of a launcher: the end as the program ended
}

func (in *initBuilder) add(call program.Call, args ...program.Arg) *program.Step {
	return in.p.Add("Attr.Init", call, args...)
}

func (in *initBuilder) prepare() {
	in.add(program.RtSigprocmask, Num(unix.SIG_SETMASK), in.all, in.mask, Num(8))
	// The program may run as the same user as the init: it must not be able
	// to trace it, or to read or write its memory.
	if !in.ask.Attr.Init.Visible {
		in.add(program.Prctl, Num(unix.PR_SET_DUMPABLE), Num(0))
	}
	in.add(program.Prctl, Num(unix.PR_SET_NAME), in.p.Str(InitName))
	if in.ask.Sys.Cloneflags&unix.CLONE_NEWPID == 0 {
		in.add(program.Prctl, Num(unix.PR_SET_CHILD_SUBREAPER), Num(1))
	}
	// Where SIGCHLD is ignored, children vanish without a status.
	in.add(program.RtSigaction, Num(int(unix.SIGCHLD)), in.dfl, in.chldAct, Num(8))
	in.add(program.Getpid)
	in.self = in.p.Result()
	in.keep()
}

// spawn makes the program's process, which shares the init's memory until it
// executes. The init goes on when that has happened, one way or the other.
func (in *initBuilder) spawn() {
	p := in.p
	in.made.InitClone, in.toProgram = p.Len(), p.Ahead()
	// The place of the address that is cleared depends on the architecture; without
	// CLONE_SETTLS the other one is ignored.
	left := Num(stage2.LeftAt)
	in.add(program.Clone, Num(unix.CLONE_VM|unix.CLONE_VFORK|unix.CLONE_CHILD_CLEARTID), Num(0), Num(0), left, left).Of(program.OfBirth).Into(in.child)
	p.GotoIf(spec.InitField, in.child, Num(0), &in.toProgram)

	// The child has no exit signal until it executes; see fateOf in package
	// machine. So waitid finds it as long as it has not: dead, or while the
	// kernel is about to take note, since it ends the wait of vfork(2) somewhat
	// earlier.
	pid := p.Value(spec.InitField, in.child)
	look, pause, executed := p.Here(), p.Ahead(), p.Ahead()
	const cloned = unix.WEXITED | unix.WNOHANG | unix.WNOWAIT | unix.WCLONE
	in.add(program.Waitid, Num(unix.P_PID), pid, in.info, Num(cloned), Num(0)).On(uint32(unix.ECHILD), &executed)
	p.GotoIf(spec.InitField, in.info.Plus(stage2.InfoPid), Num(0), &pause)
	if in.ask.Launcher != nil { // the child has told of it, and the init ends as that did
		in.ended = p.Ahead()
		p.GotoIf(spec.InitField, p.Variable(0), Num(0), &in.ended).Quiet = true
	} else {
		in.tellSteps()
	}
	moment := p.Words(0, 1e4)
	p.Label(moment, "10us")
	pause.Place()
	in.add(program.Ppoll, Num(0), Num(0), moment, Num(0), Num(8)).On(program.AnyErrno, &look).Then(&look)

	executed.Place()
	in.made.Settled = p.Len()
	in.standAside()
	if in.ask.Launcher == nil {
		in.add(program.Write, Num(in.made.Report), p.Str(stage2.Executed), Num(1)).Ignore(program.AnyErrno)
	}
	in.closeAll()
}

// tellSteps has the pipe get all steps with their results, for the parent to see how
// far the child came. The init ends with the signal as its status.
func (in *initBuilder) tellSteps() {
	p := in.p
	in.add(program.Write, Num(in.made.Report), program.Arg{Kind: program.Steps}, Num(0)).Ignore(program.AnyErrno)
	in.tell = p.Result()
	in.add(program.ExitGroup, p.Value(spec.InitField, in.info.Plus(stage2.InfoStatus)))
}

// standAside has the init leave the program's process group, so that what is sent to
// the group does not come to both. It has a session of its own, too: if only
// the group were another, the program's would not count as orphaned because of the
// init, and Ctrl-Z would stop it where nobody can continue it (setpgid(2)).
// A process that leads a group cannot leave it. The program inherits the session and the group, so
// it has to be there already.
func (in *initBuilder) standAside() {
	if !in.ask.Leads() {
		in.add(program.Setsid).Ignore(uint32(unix.EPERM))
	}
}

// closeAll lets go of the program's files: a pipe ends when the program
// closes it, whatever the init does.
func (in *initBuilder) closeAll() {
	var own fdSet
	if in.ask.Launcher == nil {
		own.add(in.stateLast)
	}
	if in.ask.Attr.Init.Tells() {
		// An init must not wait for a caller that does not read.
		in.add(program.Fcntl, Num(in.made.Report), Num(unix.F_SETFL), Num(unix.O_NONBLOCK))
		own.add(in.made.Report)
	}
	if in.children >= 0 {
		own.add(in.children)
	}
	for _, n := range in.kept {
		own.add(n)
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
	if !in.given.Lacks.Has(kernel.NoCloseRange) {
		in.add(program.CloseRange, Num(first), Num(last), Num(0))
		return
	}
	for _, n := range in.fds.open.between(first, last+1) {
		in.add(program.Close, Num(n)).Quiet = true
	}
}

// loop waits for signals and hands them on, except for SIGCHLD, which says that there
// is something to reap.
func (in *initBuilder) loop() {
	p := in.p
	own := p.Value(spec.InitField, in.child) // the program's pid, to where it is needed
	in.wait = p.Here()
	in.add(program.RtSigtimedwait, in.all, in.info, Num(0), Num(8)).Retry(uint32(unix.EINTR)).Into(in.signal)
	forward, reap := p.Ahead(), p.Ahead()
	p.GotoIf(spec.InitField, in.signal, Num(unix.SIGCHLD), &reap)
	in.leaveOut(&forward)
	forward.Place()
	// A signal of sigqueue(3) keeps its value; others cannot be passed on whole.
	to, signal := p.Value(spec.InitField, in.child), p.Value(spec.InitField, in.signal)
	in.add(program.RtSigqueueinfo, to, signal, in.info).Ignore(program.AnyErrno).Then(&in.wait)
	in.add(program.Kill, to, signal).On(program.AnyErrno, &in.wait).Then(&in.wait)

	reap.Place()
	flags := unix.WEXITED | unix.WNOHANG
	if in.ask.Attr.Init.Tells() {
		flags |= unix.WSTOPPED | unix.WCONTINUED
	}
	mine := p.Ahead()
	in.add(program.Waitid, Num(0), Num(0), in.info, Num(flags), in.info.Plus(stage2.InfoSize)).On(uint32(unix.ECHILD), &in.wait)
	p.GotoIf(spec.InitField, in.info.Plus(stage2.InfoPid), Num(0), &in.wait)
	p.GotoIf(spec.InitField, in.info.Plus(stage2.InfoPid), own, &mine).Then(&reap)
	mine.Place()
	in.tellStop(&reap)
}

// leaveOut skips the signals that are not to be handed on; forward is where the
// others are.
func (in *initBuilder) leaveOut(forward *program.Target) {
	p := in.p
	if in.ask.Attr.Init.Tells() {
		// Its own SIGPIPE, if nobody reads what it tells.
		p.GotoIf(spec.InitField, in.info.Plus(stage2.InfoPid), in.self, &in.wait)
	}
	if in.ask.Launcher != nil && !in.ask.Leads() { // a launcher that leads its group cannot leave it
		p.GotoIf(spec.InitField, in.info.Plus(stage2.InfoCode), Num(siKernel), &in.wait)
	}
	if in.ask.Attr.Init.JobControl || !in.ask.Leads() {
		return
	}
	if in.ask.Sys.Setsid {
		// A terminal that hangs up tells the leader of its session alone.
		for _, sig := range []unix.Signal{unix.SIGHUP, unix.SIGCONT} {
			p.GotoIf(spec.InitField, in.signal, Num(sig), forward)
		}
	}
	// What the kernel sends otherwise, as a terminal has it do, went to the program
	// as well: it is in the group that the init leads.
	p.GotoIf(spec.InitField, in.info.Plus(stage2.InfoCode), Num(siKernel), &in.wait)
}

// tellStop tells the caller by which signal the program has stopped or continued, and goes on
// reaping. If the program has ended, the next step is to follow.
func (in *initBuilder) tellStop(reap *program.Target) {
	if !in.ask.Attr.Init.Tells() {
		return
	}
	p, code := in.p, in.info.Plus(stage2.InfoCode)
	tell, ended := p.Ahead(), p.Ahead()
	p.GotoIf(spec.InitField, code, Num(cldStopped), &tell)
	p.GotoIf(spec.InitField, code, Num(cldContinued), &tell).Then(&ended)
	tell.Place()
	in.add(program.Write, Num(in.made.Report), in.info.Plus(stage2.InfoStatus), Num(1)).On(program.AnyErrno, reap).Then(reap)
	ended.Place()
}

// tellEnd tells the caller how the program has ended, and what it has used: an
// exit code of the init's own cannot say everything.
func (in *initBuilder) tellEnd() {
	if in.ask.Launcher != nil {
		return
	}
	in.add(program.Pwrite64, Num(in.stateLast), in.info, Num(stage2.EndSize), Num(stage2.EndAt)).Ignore(program.AnyErrno)
}

// end ends the init as the program ended. A signal is sent to itself; PID 1 of
// a namespace is spared by the kernel and exits with 128+n, as a shell does.
func (in *initBuilder) end() {
	p := in.p
	if in.ask.Launcher != nil {
		in.ended.Place()
	}
	status := p.Value(spec.InitField, in.info.Plus(stage2.InfoStatus))
	exited := p.Ahead()
	p.GotoIf(spec.InitField, in.info.Plus(stage2.InfoCode), Num(stage2.CldExited), &exited)

	signal := p.Value(spec.InitField, in.info.Plus(stage2.InfoStatus))
	in.add(program.RtSigaction, signal, in.dfl, Num(0), Num(8)).Ignore(uint32(unix.EINVAL)) // SIGKILL
	in.add(program.Getpid)
	in.add(program.Kill, p.Result(), signal).Ignore(program.AnyErrno)
	in.add(program.RtSigprocmask, Num(unix.SIG_SETMASK), in.dfl, Num(0), Num(8))
	in.add(program.Move, in.info.Plus(stage2.InfoStatus), Num(128))
	in.add(program.ExitGroup, p.Result())

	exited.Place()
	in.add(program.ExitGroup, status)
}

// program is what the init's child does: it puts back what the init changed
// for itself, and executes the program.
func (in *initBuilder) program() {
	in.toProgram.Place()
	in.made.FirstStep = in.p.Len()
	in.dieWithInit()
	in.leadForeground()
	in.add(program.RtSigaction, Num(int(unix.SIGCHLD)), in.chldAct, Num(0), Num(8))
	in.add(program.RtSigprocmask, Num(unix.SIG_SETMASK), in.mask, Num(0), Num(8))
	in.builder.lastSteps()
	if in.ask.Launcher == nil {
		in.p.StepOf(in.tell).Args[2] = in.p.Size()
	}
}

// leadForeground makes the program the leader of a process group in the
// foreground of the session's terminal. All signals are blocked: SIGTTOU does
// not come.
func (in *initBuilder) leadForeground() {
	if !in.ask.Attr.Init.JobControl {
		return
	}
	p := in.p
	group := p.Words(0)
	in.add(program.Setpgid, Num(0), Num(0))
	in.add(program.Getpid).Into(group)
	in.add(program.Ioctl, Num(in.ask.Sys.Ctty), Num(unix.TIOCSPGRP), group)
}

// dieWithInit has the program killed when the init is: whoever kills the
// process that he started means the program. In a PID namespace the kernel
// sees to that.
func (in *initBuilder) dieWithInit() {
	inside := in.ask.Sys.Cloneflags&unix.CLONE_NEWPID != 0
	if inside && in.ask.Launcher == nil {
		return
	}
	p := in.p
	if inside { // the launcher stands outside, where it has no number here
		in.add(program.Prctl, Num(unix.PR_SET_PDEATHSIG), Num(int(unix.SIGKILL)))
		return
	}
	in.add(program.Prctl, Num(unix.PR_SET_PDEATHSIG), Num(int(unix.SIGKILL)))
	parent, same := p.Words(0), p.Ahead()
	in.add(program.Getppid).Into(parent)
	p.GotoIf(spec.InitField, parent, in.self, &same)
	in.add(program.ExitGroup, Num(125))
	same.Place()
}

// InitName is what an init calls itself.
const InitName = "sprog-init"
