//go:build amd64 || arm64

package sprog

import (
	"errors"
	"os"
	"runtime"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/cgroup"
	"github.com/sprog-dev/sprog/internal/machine"
	"github.com/sprog-dev/sprog/internal/plain"
	"github.com/sprog-dev/sprog/internal/program"
)

// start starts the process and returns when it has executed its program. On
// failure the error is a *StartError, and nothing is left.
func (r *request) start(to options) (*os.Process, error) {
	r.fillIn()
	to.tracer.phase("validate", "check what is asked for", "")
	if err := r.validate(); err != nil {
		return nil, r.refused(err)
	}
	s := starters.Get().(*starter)
	s.to = to
	defer s.recycle()
	for {
		res, err := s.try(r)
		if err != nil {
			return nil, err
		}
		if !res.OK && to.flight.stopper().IsAsked() {
			return nil, s.stopped(res)
		}
		if res.OK {
			s.to.tracer.phase("handle", "open a handle of the process", "")
			p := s.process(res)
			s.makeTrace(res)
			return p, nil
		}
		if !s.again(res) {
			s.to.tracer.phase("explain", "look for the reason", "")
			err := s.explain(res)
			s.makeTrace(res)
			return nil, err
		}
		s.to.tracer.again(res.Errno)
	}
}

func (r *request) fillIn() {
	if r.sys == nil {
		r.sys = &noSysProcAttr
	}
	if r.attr == nil {
		r.attr = &noAttr
	}
	r.uids, r.gids = r.sys.UidMappings, r.sys.GidMappings
}

// A starter is one start while it is going on. What it has allocated serves
// the starts after it.
type starter struct {
	builder
	to            options
	program       program.Program
	secondProgram program.Program
	launch        machine.Launch
	stage         *machine.Second
	terminal      terminal
	ends          []func(started bool)
	group         *cgroup.Group // what Attr.Cgroup has asked for
	cgroupSays    string        // what its counters said when the start had failed
	busy          int           // how often the program was open for writing
	tryClone      bool          // clone3 was refused: clone(2) tells whether as such
	tryVfork      bool          // so was clone(2)

	describing    bool // a plan is made, and nothing else
	standIn       int  // the next number for a descriptor that only a start makes
	standInCgroup int
	parentSteps   []PlanStep // what the parent does before the birth
}

var starters = sync.Pool{New: func() any { return new(starter) }}

func (s *starter) recycle() {
	s.request, s.second, s.stage, s.group = nil, nil, nil, nil
	s.noPidFD, s.tryClone, s.tryVfork, s.procIsOuter, s.busy = false, false, false, false, 0
	s.launch, s.to = machine.Launch{}, options{}
	starters.Put(s)
}

// try compiles the program for the kernel as far as it is known, and launches
// it once.
func (s *starter) try(r *request) (machine.Result, error) {
	s.request, s.p = r, &s.program
	s.lacks = kernel.missing()
	switch {
	case s.needsClone3() != "":
		s.lacks &^= noClone3 // let it say so
	case s.tryClone:
		s.lacks |= noClone3
	}
	if s.tryVfork {
		s.lacks |= onlyVfork
	}
	started := false
	defer func() { s.cleanUp(started) }()
	s.uses, s.enters = s.uses[:0], s.enters[:0]
	if err := s.build(); err != nil {
		return machine.Result{}, err
	}
	defer s.release()
	if err := s.seal(); err != nil {
		return machine.Result{}, err
	}
	s.prepareLaunch()
	s.terminal.remember(r.sys)
	s.to.tracer.phase(callLink, "link the program", "")
	res := s.launch.Do()
	s.release()
	if s.stage != nil && res.OK {
		res = s.stage.Outcome(res)
	}
	if res.OK && !s.launch.Stop.Over() {
		res = res.End()
	}
	if s.stage != nil {
		s.takeStops(res.OK)
	}
	s.to.tracer.launched(s.stage)
	if res.OK {
		s.tellNamespaces()
		s.takeEnd()
	}
	if started = res.OK; !started {
		s.terminal.restore(r.sys)
	}
	return res, nil
}

// build makes what the program needs in the parent, and compiles it.
func (s *starter) build() *StartError {
	s.to.tracer.phaseOfOpening()
	if err := s.prepare(); err != nil {
		return err
	}
	if err := s.hold(); err != nil {
		return err
	}
	if s.lacks.has(noCloseRange) {
		s.highest = highestFile() + moreFiles
	}
	s.clock = noClock
	if s.to.tracer != nil {
		s.clock = s.to.tracer.times.Clock
	}
	s.to.tracer.phase("compile", "compile the program", "")
	s.compile()
	if s.to.inspect != nil {
		s.to.inspect(s.p, s.second)
	}
	if program.Compiled != nil {
		program.Compiled(s.compiled())
	}
	s.noteTimes()
	return nil
}

func (b *builder) compile() {
	first := b.p
	b.p.Reset()
	b.mask = b.p.Words(0)
	if b.sys.Pdeathsig != 0 {
		b.ppid = b.parent()
	}
	first.Label(b.mask, "mask")
	b.firstMask = b.mask
	b.steps()
	b.p = first
}

func (s *starter) prepareLaunch() {
	sys := s.sys
	s.launch = machine.Launch{
		Program:     &s.program,
		Mask:        s.firstMask,
		Namespaces:  s.bornInto(),
		Hides:       s.undumpableAtBirth(),
		Cgroup:      s.cgroup(),
		CopyFiles:   s.table.copied,
		OldClone:    s.lacks.has(noClone3),
		NoPidFD:     s.noPidFD,
		Plain:       s.lacks.has(onlyVfork),
		Permanent:   sys.Pdeathsig != 0 && !sys.Ptrace,
		Credentials: s.changesCredentials() && s.second == nil,
	}
	s.launch.Stop = s.to.flight.stopper()
	if s.launch.Stop != nil && s.launch.OldClone && sys.PidFD == nil {
		s.launch.NoPidFD = true // clone(2) has room for one of them; a stop needs the number
	}
	if s.listens() {
		s.launch.Handover = &s.handover
	}
	if s.to.tracer != nil {
		s.launch.Times = &s.to.tracer.times
	}
	// A traced child may stop before it executes, for its parent to say how to
	// go on: that parent must not wait in vfork.
	s.launch.Vfork = s.inCgroup() && !sys.Ptrace
	if s.relays { // the process that goes on is born into them
		s.launch.Namespaces, s.launch.CopyFiles, s.launch.Vfork = 0, false, false
		s.launch.Relay = &machine.Relay{Pid: s.childPid, PidFD: s.childPidFD, Left: s.childLeft}
	}
	if s.meetsEarly() {
		s.launch.Rendezvous = s.writeMaps
		s.launch.Go = s.goWord
	}
	s.launch.ReadsProc = s.readsProc()
}

// changesCredentials reports whether a step makes the child's memory undumpable,
// as the kernel does where a process changes who it is or what it may.
func (r *request) changesCredentials() bool {
	return r.sys.Credential != nil || r.attr.IDs != nil || len(r.sys.AmbientCaps) > 0 || r.changesCaps()
}

// birthFlags are the flags that clone is called with for SysProcAttr's: those
// that make namespaces and a few that do no harm. The exit signal, which
// clone(2) has in the same word, and CLONE_VFORK are the machine's business.
func birthFlags(flags uintptr) uint64 {
	if flags&0x7f == uintptr(unix.SIGCHLD) {
		flags &^= 0x7f
	}
	return uint64(flags &^ (unix.CLONE_VM | unix.CLONE_VFORK | unix.CLONE_PIDFD | unix.CLONE_FILES))
}

// mostBusy is how often a program that is open for writing is tried again.
// Children with a copy of the parent's descriptor table hold it open for a
// moment although its writer has closed it (go.dev/issue/22315): those of a
// plain fork until they execute, ours inside of close_range, which copies the
// lowest 64 before it closes them. The child does not wait for that itself:
// meanwhile it would keep others waiting in turn.
const mostBusy = 50

// again reports whether the start is worth another try: without a call that
// the kernel turned out to lack, without a pidfd if there is no descriptor
// left for it and nobody asked for it, or in a moment.
func (s *starter) again(res machine.Result) bool {
	if s.atBirth(res) && res.Errno == unix.EMFILE && !s.noPidFD && s.sys.PidFD == nil {
		s.noPidFD = true
		return true
	}
	if res.Place == machine.AtBirth && s.needsClone3() != "" {
		return false
	}
	if res.Place == machine.AtMeeting && errors.Is(res.Err, unix.EACCES) && s.hides && !s.procIsOuter {
		// This process has entered its user namespace without an execve, so that
		// its memory is another's (see user_ns of struct mm_struct).
		s.procIsOuter = true
		return true
	}
	// A kernel that has clone3 but not CLONE_CLEAR_SIGHAND answers EINVAL; so
	// does a kernel that has both, to other flags.
	if res.Place == machine.AtBirth && res.Errno == unix.EINVAL && !s.tryClone && !kernel.clone3Works.Load() {
		s.tryClone = true
		return true
	}
	if res.Place == machine.AtBirth && res.Errno == unix.EINVAL && s.launch.OldClone && !s.lacks.has(onlyVfork) {
		s.tryVfork = true
		return true
	}
	if res.Errno == unix.ETXTBSY && s.busy < mostBusy {
		s.busy++
		plain.Sleep(time.Millisecond)
		return true
	}
	if s.lostInherited(res) && s.busy < mostBusy {
		s.busy++
		return true
	}
	what := missing(res, &s.program)
	kernel.learn(what)
	return what != 0 && !s.lacks.has(what)
}

// atBirth reports whether it was the making of a child that failed.
func (s *starter) atBirth(res machine.Result) bool {
	return res.Place == machine.AtBirth || res.Place == machine.InChild && s.program.Steps[res.Step].Relay
}

// needsClone3 names what clone(2) has no way to ask for, if it is asked for.
func (r *request) needsClone3() string {
	switch {
	case r.sys.UseCgroupFD:
		return "CLONE_INTO_CGROUP needs clone3, Linux 5.7"
	case r.sys.Cloneflags&unix.CLONE_NEWTIME != 0:
		return "CLONE_NEWTIME needs clone3, Linux 5.6"
	}
	return ""
}

// process makes the os.Process of a child that runs. The kernel's pidfd of the
// clone goes to whoever asked for it; os.Process can only get one of its own.
func (s *starter) process(res machine.Result) *os.Process {
	if !s.launch.OldClone {
		kernel.clone3Works.Store(true)
	} else if s.tryClone {
		kernel.learn(noClone3)
	}
	if s.tryVfork {
		kernel.learn(onlyVfork)
	}
	p, err := findProcess(res.Pid) // the child is not reaped, so the pid is its
	if err != nil {
		p = &os.Process{Pid: res.Pid}
	}
	s.takeListener(res)
	if s.sys.PidFD != nil {
		*s.sys.PidFD = res.PidFD
	} else if res.PidFD >= 0 {
		unix.Close(res.PidFD)
	}
	return p
}

var firstFound sync.Once

// findProcess is os.FindProcess, whose first call makes a child by vfork(2), to see what the
// kernel can. Signals would reach that child: the handlers would run there, in this process's
// memory, and a Ctrl-Z would stop it, which this process then waits for without being stopped itself.
func findProcess(pid int) (p *os.Process, err error) {
	firstFound.Do(func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		var all, own unix.Sigset_t
		for i := range all.Val {
			all.Val[i] = ^all.Val[i]
		}
		unix.PthreadSigmask(unix.SIG_SETMASK, &all, &own)
		p, err = os.FindProcess(pid)
		unix.PthreadSigmask(unix.SIG_SETMASK, &own, nil)
	})
	if p == nil {
		p, err = os.FindProcess(pid)
	}
	return p, err
}
