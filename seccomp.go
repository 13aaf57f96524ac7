package sprog

import (
	"fmt"
	"strings"

	"github.com/sprog-dev/sprog/internal/seccomp"
	"github.com/sprog-dev/sprog/internal/spec"
)

// Seccomp is a filter for the system calls of the program and all its
// descendants; see seccomp(2). It is the last thing that is set before the
// program is executed, and holds for that execve already. With an init, the
// init itself is not filtered.
//
// Setting it takes NoNewPrivs, or CAP_SYS_ADMIN in the program's user
// namespace. A filter that denies the program's own execve is refused.
type Seccomp struct {
	// Default is what becomes of calls that no rule matches. It must be set
	// unless there are Programs and no Rules. DefaultErrno goes with it, as
	// SeccompRule.Errno does with an action.
	Default      SeccompAction
	DefaultErrno *uint16

	// Rules are looked at in order, and the first that matches decides.
	// (libseccomp differs where a rule with conditions comes before one
	// without for the same call: there the one without decides alone.)
	Rules []SeccompRule

	// Archs are the architectures that the rules are for: "x86_64", "x86",
	// "x32", "aarch64" and "arm", also written SCMP_ARCH_X86_64 and so on. None
	// stands for this machine's and the one of 32 bits that its kernels run as
	// well: x86_64 and x86, or aarch64 and arm. A rule holds under each number
	// that its names have on these; x86's socketcall(2) and ipc(2) count as the
	// calls that they make.
	Archs []string

	// BadArch is what becomes of calls of any other architecture; zero stands
	// for SeccompKillProcess. x32 is another architecture where it is not
	// listed, although it shares x86_64's mark. SeccompErrno answers ENOSYS.
	BadArch SeccompAction

	// Programs are filters in the kernel's own form, an array of struct
	// sock_filter as this machine has it in memory. Each is one more filter.
	// They are set in order, and before that of the Rules; every one must let
	// the seccomp(2) calls pass that come after it. Where several filters
	// decide differently, the strictest wins.
	Programs [][]byte

	// Log has the kernel log what is denied, unless an administrator has
	// turned that off (SECCOMP_FILTER_FLAG_LOG). Linux 4.14.
	Log bool

	// SpecAllow leaves the mitigation of speculative store bypass as it is,
	// which a filter otherwise turns on (SECCOMP_FILTER_FLAG_SPEC_ALLOW). Linux
	// 4.17.
	SpecAllow bool

	// WaitKillable keeps a call that a listener has received from being
	// interrupted by signals that do not kill
	// (SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV). It needs a rule with
	// SeccompNotify. Linux 5.19.
	WaitKillable bool
}

// A SeccompRule is an action for some system calls.
type SeccompRule struct {
	// Names are the system calls, as the kernel's tables have them. Calls that
	// other architectures have are no error; one that no kernel has is.
	Names []string
	// Args are conditions on the arguments. All of them must hold.
	Args []SeccompArg
	// Action is what becomes of the calls.
	Action SeccompAction
	// Errno is what SeccompErrno answers, up to 4095, or what SeccompTrace tells
	// the tracer; nil stands for EPERM, as in the OCI's specification. With
	// 0 the call is not made and seems to succeed.
	Errno *uint16
}

// A SeccompArg is a condition on one argument of a system call.
//
// It compares all 64 bits. Where the kernel takes the argument for an int, it
// ignores the upper half, which the caller can fill as he likes: a rule that
// denies should mask it off, with SeccompMaskedEQ and 0xffffffff. On x86 and arm
// arguments have 32 bits, and a negative Value counts as such.
type SeccompArg struct {
	Index int // 0 to 5
	Op    SeccompOp
	Value uint64
	Mask  uint64 // of SeccompMaskedEQ; otherwise 0
}

// A SeccompAction is what becomes of a system call. Its text is that of the
// OCI's specification, such as SCMP_ACT_ERRNO.
type SeccompAction uint8

const (
	_                  SeccompAction = iota
	SeccompAllow                     // it is made
	SeccompErrno                     // it fails
	SeccompKillProcess               // the process is killed, by SIGSYS. Linux 4.14
	SeccompKillThread                // the thread is killed
	SeccompTrap                      // the thread gets SIGSYS
	SeccompTrace                     // a tracer decides; without one it fails with ENOSYS
	SeccompLog                       // it is made, and logged. Linux 4.14
	SeccompNotify                    // whoever reads Birth.SeccompListener decides. Linux 5.0
)

// A SeccompOp is how an argument is compared with a value, both without sign.
// Its text is that of the OCI's specification, such as SCMP_CMP_EQ.
type SeccompOp uint8

const (
	_               SeccompOp = iota
	SeccompNE                 // argument != Value
	SeccompLT                 // argument < Value
	SeccompLE                 // argument <= Value
	SeccompEQ                 // argument == Value
	SeccompGE                 // argument >= Value
	SeccompGT                 // argument > Value
	SeccompMaskedEQ           // argument & Mask == Value
)

func (a SeccompAction) String() string {
	return spec.SeccompAction(a).String()
}

// UnmarshalText sets the action to the one of a name. SCMP_ACT_KILL is
// SCMP_ACT_KILL_THREAD.
func (a *SeccompAction) UnmarshalText(text []byte) error {
	name := strings.TrimPrefix(string(text), "SCMP_ACT_")
	if name == "KILL" {
		name = "KILL_THREAD"
	}
	for i, known := range spec.SeccompActions {
		if i > 0 && len(name) < len(text) && known.Name == name {
			*a = SeccompAction(i)
			return nil
		}
	}
	return fmt.Errorf("%q is no action of a seccomp filter", text)
}

func (o SeccompOp) String() string {
	return spec.SeccompOp(o).String()
}

// UnmarshalText sets the operator to the one of a name.
func (o *SeccompOp) UnmarshalText(text []byte) error {
	name := strings.TrimPrefix(string(text), "SCMP_CMP_")
	for i, known := range spec.SeccompOps {
		if i > 0 && len(name) < len(text) && known == name {
			*o = SeccompOp(i)
			return nil
		}
	}
	return fmt.Errorf("%q is no operator of a seccomp filter", text)
}

// Program returns the filter that is made of the Rules, in the form that
// Programs takes. Its run time grows with the logarithm of the number of names.
// Making it takes about as long as a start does: who starts many processes
// under the same rules may do it once.
func (s *Seccomp) Program() ([]byte, error) {
	p, field, err := s.spec().Policy()
	if err == nil {
		var code []seccomp.Insn
		if code, err = p.Compile(); err == nil {
			return seccomp.Encode(code), nil
		}
	}
	return nil, fmt.Errorf("sprog: Seccomp%s: %w", field, err)
}
