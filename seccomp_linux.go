//go:build amd64 || arm64

package sprog

import (
	"errors"
	"os"
	"runtime"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/machine"
	"github.com/sprog-dev/sprog/internal/program"
	"github.com/sprog-dev/sprog/internal/seccomp"
)

const waitKillableRecv = 1 << 5 // SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV

// checkSeccomp makes the filters, and refuses those that cannot be.
func (r *request) checkSeccomp() *StartError {
	s := r.attr.Seccomp
	r.filters = nil
	if s == nil {
		return nil
	}
	const name = "Attr.Seccomp"
	flags := 0
	if s.Log {
		flags |= unix.SECCOMP_FILTER_FLAG_LOG
	}
	if s.SpecAllow {
		flags |= unix.SECCOMP_FILTER_FLAG_SPEC_ALLOW
	}
	for i, code := range s.Programs {
		field := index(name+".Programs", i)
		if err := seccomp.CheckRaw(code); err != nil {
			return invalidf(field, "", err.Error())
		}
		r.filters = append(r.filters, filter{code: code, field: field, flags: flags, silent: true})
	}
	if s.Default != 0 || len(s.Rules) > 0 {
		if err := r.addPolicy(s, flags); err != nil {
			return err
		}
	}
	switch {
	case len(r.filters) == 0:
		return invalidf(name, "", "has neither rules nor a program")
	case s.WaitKillable && !r.listens():
		return invalidf(name+".WaitKillable", "", "needs a rule with SCMP_ACT_NOTIFY")
	}
	return r.checkListener()
}

// addPolicy adds the filter of the rules.
func (r *request) addPolicy(s *Seccomp, flags int) *StartError {
	p, field, err := s.policy()
	if err != nil {
		return invalidf("Attr.Seccomp"+field, "", err.Error())
	}
	if err := r.checkExecution(p); err != nil {
		return invalidf("Attr.Seccomp", "", err.Error())
	}
	code, err := p.Compile()
	if err != nil {
		return invalidf("Attr.Seccomp.Rules", "", err.Error())
	}
	f := filter{code: seccomp.Encode(code), field: "Attr.Seccomp", flags: flags, listens: p.Has(seccomp.Notify)}
	f.silent = slices.ContainsFunc(p.Outcomes(seccomp.Native(runtime.GOARCH)[0], "clock_gettime"), func(a seccomp.Action) bool { return a != seccomp.Allow })
	if f.listens {
		f.flags |= unix.SECCOMP_FILTER_FLAG_NEW_LISTENER
	}
	if s.WaitKillable {
		f.flags |= waitKillableRecv
	}
	r.filters = append(r.filters, f)
	return nil
}

// checkExecution refuses a policy that can be seen to forbid the execution of
// the program itself, or that asks somebody who is not there yet.
func (r *request) checkExecution(p *seccomp.Policy) error {
	call := r.executingCall()
	outcomes := p.Outcomes(seccomp.Native(runtime.GOARCH)[0], call)
	denied := func(a seccomp.Action) bool {
		return !slices.Contains([]seccomp.Action{seccomp.Allow, seccomp.Log, seccomp.Notify}, a.Kind())
	}
	switch {
	case slices.ContainsFunc(outcomes, func(a seccomp.Action) bool { return a.Kind() == seccomp.Notify }):
		return errors.New("has " + call + " answered by the listener, which nobody can read before the program is executed")
	case !slices.ContainsFunc(outcomes, func(a seccomp.Action) bool { return !denied(a) }):
		return errors.New("denies " + call + ", which executes the program")
	}
	return nil
}

// executingCall is the call that executes the program.
func (r *request) executingCall() string {
	if r.attr.Program != nil {
		return "execveat"
	}
	return "execve"
}

// listens reports whether a filter has a listener.
func (r *request) listens() bool {
	return slices.ContainsFunc(r.filters, func(f filter) bool { return f.listens })
}

// checkListener refuses a listener that could not be handed over.
func (r *request) checkListener() *StartError {
	const action = "SCMP_ACT_NOTIFY"
	refuse := func(reason string) *StartError { return invalidf("Attr.Seccomp", action, reason) }
	switch stage := r.secondStage(); {
	case !r.listens():
	case r.inPlace:
		return refuse("hands its listener to the process that starts another, which an Exec does not")
	case stage != "":
		return refuse("cannot be combined with " + stage + ": its listener is handed over in memory, which a second stage does not share")
	case r.sys.Ptrace:
		return refuse("cannot be combined with SysProcAttr.Ptrace: a traced child could stop before its listener is handed over")
	}
	return nil
}

// seccomp sets the filters, and hands over the listener if there is one. Every
// call from here on may be denied. So the child waits without one: it reads the
// word that the parent sets when it has the listener. If nobody comes for some
// thirty seconds of its time, the parent is gone, and it ends in the only way
// that is left.
func (b *builder) seccomp() {
	for _, f := range b.ask.filters {
		set := b.add(f.field, program.Seccomp, num(unix.SECCOMP_SET_MODE_FILTER), num(f.flags), b.p.Filter(f.code))
		if !f.listens {
			continue
		}
		p, count := b.p, b.p.Words(0)
		given, late := p.Ahead(), p.Ahead()
		b.made.handover = machine.Handover{Number: p.Words(machine.NoNumber), Taken: p.Words(0), Door: b.given.door}
		p.Label(b.made.handover.Taken, "taken")
		set.Into(b.made.handover.Number)
		if b.given.door != nil {
			p.GotoIf(f.field, num(b.given.door.Address()), num(1), &given).Quiet = true
		} else {
			again := p.Here()
			p.Copy(f.field, count, count).Args[1] = num(1)
			p.GotoIf(f.field, count, num(0), &late).Quiet = true // after 2^32 rounds
			p.GotoIf(f.field, b.made.handover.Taken, num(0), &again).Then(&given)
		}
		late.Place()
		b.add(f.field, program.Move, num(0)).Quiet = true
		given.Place()
	}
}

// makeDoor makes what a child with a real-time policy waits at for its listener to
// be taken. It would spin otherwise, and on one CPU its parent, which it does not make
// way for, would never come.
func (s *starter) makeDoor() *StartError {
	s.given.door = nil
	if s.describing || !s.ask.listens() || !willBeRealTime(s.ask) {
		return nil
	}
	door, err := machine.NewDoor()
	if err != nil {
		e := &StartError{Object: "listener", Field: "Attr.Seccomp", Step: "userfaultfd", Err: errors.Unwrap(err)}
		e.Hint = "with a real-time policy a listener needs it, Linux 5.11, and a filter in force may have answered"
		return e
	}
	s.given.door = door
	s.afterwards(func(bool) { door.Close() })
	return nil
}

// takeListener gives the caller what the child has handed over.
func (s *starter) takeListener(res machine.Result) {
	switch {
	case res.Taken < 0:
	case s.to.birth == nil:
		unix.Close(res.Taken)
	default:
		unix.SetNonblock(res.Taken, true) // for the network poller
		s.to.birth.SeccompListener = os.NewFile(uintptr(res.Taken), "seccomp listener")
	}
}
