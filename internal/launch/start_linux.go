//go:build amd64 || arm64

// Package launch is one start: what the parent makes and finds out for it, the attempts
// until one has an outcome, and what is told of it.
package launch

import (
	"errors"
	"os"
	"runtime"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/kernel"
	"github.com/sprog-dev/sprog/internal/machine"
	"github.com/sprog-dev/sprog/internal/plain"
	"github.com/sprog-dev/sprog/internal/spec"
)

// Start starts the process and returns when it has executed its program. On
// failure the error is a *spec.Error, and nothing is left.
func Start(r *spec.Start, to Options) (*os.Process, error) {
	r.FillIn()
	to.Tracer.Phase("validate", "check what is asked for", "")
	if err := Resolve(r); err != nil {
		return nil, r.Refused(err)
	}
	m := memories.Get().(*memory)
	defer m.release()
	var before tried
	for {
		s := m.begin(r, to, before)
		s.start = Start
		res, err := s.try()
		s.unwind()
		if err != nil {
			return nil, err
		}
		if !res.OK && to.Flight.stopper().IsAsked() {
			return nil, s.stopped(res)
		}
		if res.OK {
			to.Tracer.Phase("handle", "open a handle of the process", "")
			if to.waiting != nil {
				to.waiting.keep(s, &res)
			}
			p := s.process(res)
			s.makeTrace(res)
			return p, nil
		}
		if !s.again(res) {
			to.Tracer.Phase("explain", "look for the reason", "")
			err := s.explain(res)
			s.makeTrace(res)
			return nil, err
		}
		before = s.tried
		to.Tracer.again(res.Errno)
	}
}

// try compiles the program for the kernel as far as it is known, and launches
// it once.
func (s *attempt) try() (machine.Result, error) {
	s.given.Lacks, s.given.NoPidFD = missingCalls(), s.tried.noPidFD
	switch {
	case s.ask.NeedsClone3() != "":
		s.given.Lacks &^= kernel.NoClone3 // let it say so
	case s.tried.clone:
		s.given.Lacks |= kernel.NoClone3
	}
	if s.tried.vfork {
		s.given.Lacks |= kernel.OnlyVfork
	}
	started := false
	defer func() { s.cleanUp(started) }()
	if err := s.build(); err != nil {
		return machine.Result{}, err
	}
	defer s.returnLow()
	if err := s.seal(); err != nil {
		return machine.Result{}, err
	}
	s.prepareLaunch()
	s.terminal.remember(s.ask.Sys)
	s.to.Tracer.Phase(callLink, "link the program", "")
	res := s.launch.Do()
	s.returnLow()
	if s.stage != nil && res.OK {
		res = s.stage.Outcome(res)
	}
	if res.OK && !s.launch.Stop.Over() {
		res = res.End()
	}
	if s.stage != nil && res.OK {
		takeStops(s.stage, s.to.Birth)
	}
	s.to.Tracer.launched(s.stage)
	if res.OK {
		s.tellNamespaces()
		s.tellView()
		if !s.ask.Waits {
			s.takeEnd()
		}
	}
	if started = res.OK; !started {
		s.keepView()
		s.terminal.restore(s.ask.Sys)
	}
	return res, nil
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
func (s *attempt) again(res machine.Result) bool {
	if s.atBirth(res) && res.Errno == unix.EMFILE && !s.tried.noPidFD && s.ask.Sys.PidFD == nil {
		s.tried.noPidFD = true
		return true
	}
	if res.Place == machine.AtBirth && s.ask.NeedsClone3() != "" {
		return false
	}
	if res.Place == machine.AtMeeting && errors.Is(res.Err, unix.EACCES) && s.given.Hides && !s.tried.procIsOuter {
		// This process has entered its user namespace without an execve, so that
		// its memory is another's (see user_ns of struct mm_struct).
		s.tried.procIsOuter = true
		return true
	}
	// A kernel that has clone3 but not CLONE_CLEAR_SIGHAND answers EINVAL; so
	// does a kernel that has both, to other flags.
	if res.Place == machine.AtBirth && res.Errno == unix.EINVAL && !s.tried.clone && !kernel.Known.Clone3Works.Load() {
		s.tried.clone = true
		return true
	}
	if res.Place == machine.AtBirth && res.Errno == unix.EINVAL && s.launch.OldClone && !s.given.Lacks.Has(kernel.OnlyVfork) {
		s.tried.vfork = true
		return true
	}
	if res.Errno == unix.ETXTBSY && s.tried.busy < mostBusy {
		s.tried.busy++
		plain.Sleep(time.Millisecond)
		return true
	}
	if s.lostInherited(res) && s.tried.busy < mostBusy {
		s.tried.busy++
		return true
	}
	what := missing(res, s.made.First) | missingInSecond(res, s.made.Second) | missingForView(res, s.made.First, s.made.Second)
	kernel.Known.Learn(what)
	return what != 0 && !s.given.Lacks.Has(what)
}

// process makes the os.Process of a child that runs. The kernel's pidfd of the
// clone goes to whoever asked for it; os.Process can only get one of its own.
func (s *attempt) process(res machine.Result) *os.Process {
	if s.launch.UntilEnd != nil {
		return nil
	}
	if !s.launch.OldClone {
		kernel.Known.Clone3Works.Store(true)
	} else if s.tried.clone {
		kernel.Known.Learn(kernel.NoClone3)
	}
	if s.tried.vfork {
		kernel.Known.Learn(kernel.OnlyVfork)
	}
	p, err := findProcess(res.Pid) // the child is not reaped, so the pid is its
	if err != nil {
		p = &os.Process{Pid: res.Pid}
	}
	s.takeListener(res)
	if s.ask.Sys.PidFD != nil {
		*s.ask.Sys.PidFD = res.PidFD
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

// stopped is the error of a start that was ended, which says how far it had come.
func (s *attempt) stopped(res machine.Result) *spec.Error {
	e := &spec.Error{Path: s.ask.Path}
	if res.Place != machine.AtBirth && res.Place != machine.AtMeeting && res.Place != machine.AtHandover {
		res.Errno, res.Signal = 0, 0
		e = s.explain(res)
	}
	e.Err = *s.to.Flight.why.Load()
	return e
}
