//go:build amd64 || arm64

package spec

import (
	"errors"
	"runtime"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/seccomp"
	"github.com/sprog-dev/sprog/internal/terms"
)

const waitKillableRecv = 1 << 5 // SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV

// checkSeccomp makes the filters, and refuses those that cannot be.
func (r *Start) checkSeccomp() *Error {
	s := r.Attr.Seccomp
	r.Filters = nil
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
		field := Index(name+".Programs", i)
		if err := seccomp.CheckRaw(code); err != nil {
			return Invalid(field, "", terms.Of(err))
		}
		r.Filters = append(r.Filters, Filter{Code: code, Field: field, Flags: flags, Silent: true})
	}
	if s.Default != 0 || len(s.Rules) > 0 {
		if err := r.addPolicy(s, flags); err != nil {
			return err
		}
	}
	switch {
	case len(r.Filters) == 0:
		return Invalid(name, "", "has neither rules nor a program")
	case s.WaitKillable && !r.Listens():
		return Invalid(name+".WaitKillable", "", "needs a rule with SCMP_ACT_NOTIFY")
	}
	return nil
}

// addPolicy adds the filter of the rules.
func (r *Start) addPolicy(s *Seccomp, flags int) *Error {
	p, field, err := s.Policy()
	if err != nil {
		return Invalid("Attr.Seccomp"+field, "", terms.Of(err))
	}
	if err := r.checkExecution(p); err != nil {
		return Invalid("Attr.Seccomp", "", terms.Of(err))
	}
	code, err := p.Compile()
	if err != nil {
		return Invalid("Attr.Seccomp.Rules", "", terms.Of(err))
	}
	f := Filter{Code: seccomp.Encode(code), Field: "Attr.Seccomp", Flags: flags, Listens: p.Has(seccomp.Notify)}
	f.Silent = slices.ContainsFunc(p.Outcomes(r.nativeArch(), "clock_gettime"), func(a seccomp.Action) bool { return a != seccomp.Allow })
	if f.Listens {
		f.Flags |= unix.SECCOMP_FILTER_FLAG_NEW_LISTENER
	}
	if s.WaitKillable {
		f.Flags |= waitKillableRecv
	}
	r.Filters = append(r.Filters, f)
	return nil
}

// nativeArch is the architecture of the machine that the start is for.
func (r *Start) nativeArch() seccomp.Arch { return seccomp.Native(r.Machine())[0] }

// Machine is that, as GOARCH has it.
func (r *Start) Machine() string {
	if r.Launcher != nil {
		return r.Launcher.Arch
	}
	return runtime.GOARCH
}

// checkExecution refuses a policy that can be seen to forbid the execution of
// the program itself, or that asks somebody who is not there yet.
func (r *Start) checkExecution(p *seccomp.Policy) error {
	call := r.ExecutingCall()
	outcomes := p.Outcomes(r.nativeArch(), call)
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

// ExecutingCall is the call that executes the program.
func (r *Start) ExecutingCall() string {
	if r.Attr.Program != nil {
		return "execveat"
	}
	return "execve"
}

// Listens reports whether a filter has a listener.
func (r *Start) Listens() bool {
	return slices.ContainsFunc(r.Filters, func(f Filter) bool { return f.Listens })
}
