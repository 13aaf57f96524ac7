package spec

import (
	"errors"
	"fmt"
	"runtime"

	"github.com/sprog-dev/sprog/internal/seccomp"
)

// SeccompActions are the actions with their names.
var SeccompActions = [...]struct {
	Name   string
	action seccomp.Action
}{
	SeccompAllow: {"ALLOW", seccomp.Allow}, SeccompErrno: {"ERRNO", seccomp.Errno},
	SeccompKillProcess: {"KILL_PROCESS", seccomp.KillProcess}, SeccompKillThread: {"KILL_THREAD", seccomp.KillThread},
	SeccompTrap: {"TRAP", seccomp.Trap}, SeccompTrace: {"TRACE", seccomp.Trace},
	SeccompLog: {"LOG", seccomp.Log}, SeccompNotify: {"NOTIFY", seccomp.Notify},
}

// SeccompOps are the names of the comparisons.
var SeccompOps = [...]string{
	SeccompNE: "NE", SeccompLT: "LT", SeccompLE: "LE", SeccompEQ: "EQ", SeccompGE: "GE", SeccompGT: "GT", SeccompMaskedEQ: "MASKED_EQ",
}

// Policy translates the rules. An error is about the field that it returns.
func (s *Seccomp) Policy() (p *seccomp.Policy, field string, err error) {
	p = &seccomp.Policy{BadArch: seccomp.KillProcess, Rules: make([]seccomp.Rule, len(s.Rules))}
	if p.Default, err = s.Default.with(s.DefaultErrno); err != nil {
		return nil, ".Default", err
	}
	switch s.BadArch {
	case 0:
	case SeccompTrace, SeccompNotify:
		return nil, ".BadArch", fmt.Errorf("%v is not for calls of other architectures", s.BadArch)
	default:
		const enosys = 38
		if p.BadArch, err = s.BadArch.with(nil); err != nil {
			return nil, ".BadArch", err
		}
		if s.BadArch == SeccompErrno {
			p.BadArch = seccomp.Errno | enosys
		}
	}
	if p.Archs, err = s.archs(); err != nil {
		return nil, ".Archs", err
	}
	for i := range s.Rules {
		if p.Rules[i], err = s.Rules[i].translate(); err != nil {
			return nil, fmt.Sprintf(".Rules[%d]", i), err
		}
	}
	return p, "", nil
}

func (s *Seccomp) archs() (list []seccomp.Arch, err error) {
	if len(s.Archs) == 0 {
		if list = seccomp.Native(runtime.GOARCH); list == nil {
			err = errors.New("is empty, and nothing is known of this architecture")
		}
		return list, err
	}
	for _, name := range s.Archs {
		arch, err := seccomp.ParseArch(name)
		if err != nil {
			return nil, err
		}
		list = append(list, arch)
	}
	return list, nil
}

func (r *SeccompRule) translate() (rule seccomp.Rule, err error) {
	rule.Names = r.Names
	for _, arg := range r.Args {
		rule.Args = append(rule.Args, seccomp.Cond{Index: arg.Index, Op: seccomp.Op(arg.Op), Value: arg.Value, Mask: arg.Mask})
	}
	if rule.Action, err = r.Action.with(r.Errno); err != nil {
		return rule, err
	}
	return rule, rule.Check()
}

// with returns the action with its errno, as the kernel has it.
func (a SeccompAction) with(errno *uint16) (seccomp.Action, error) {
	const eperm, most = 1, 4095
	if a == 0 || int(a) >= len(SeccompActions) {
		return 0, errors.New("has no action")
	}
	action := SeccompActions[a].action
	if a != SeccompErrno && a != SeccompTrace {
		if errno != nil {
			return 0, fmt.Errorf("%v has no errno", a)
		}
		return action, nil
	}
	data := uint16(eperm)
	if errno != nil {
		data = *errno
	}
	if a == SeccompErrno && data > most {
		return 0, fmt.Errorf("%d is no errno", data)
	}
	return action | seccomp.Action(data), nil
}
