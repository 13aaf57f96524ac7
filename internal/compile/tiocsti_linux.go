//go:build amd64 || arm64

package compile

import (
	"runtime"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/program"
	"github.com/sprog-dev/sprog/internal/seccomp"
	"github.com/sprog-dev/sprog/internal/spec"
)

// inputRequests are the requests of ioctl(2) that put input into a terminal, TIOCSTI, or paste a
// selection into a virtual console, TIOCLINUX. The kernel looks at 32 bits.
var inputRequests = [...]uint64{unix.TIOCSTI, 0x541c}

// tiocstiPolicy allows everything else, in all ways to call that a program of this
// machine has.
func tiocstiPolicy() *spec.Seccomp {
	archs := []string{"x86_64", "x86", "x32"}
	if runtime.GOARCH == "arm64" {
		archs = []string{"aarch64", "arm"}
	}
	s := &spec.Seccomp{Default: spec.SeccompAllow, Archs: archs}
	for _, request := range inputRequests {
		s.Rules = append(s.Rules, spec.SeccompRule{
			Names: []string{"ioctl"}, Action: spec.SeccompErrno,
			Args: []spec.SeccompArg{{Index: 1, Op: spec.SeccompMaskedEQ, Value: request, Mask: 0xffffffff}},
		})
	}
	return s
}

// denyTIOCSTI sets the filter while the child may do so: it needs CAP_SYS_ADMIN,
// which goes with the credentials, or no_new_privs.
func (b *builder) denyTIOCSTI(haveNoNewPrivs bool) {
	if !b.ask.Attr.DenyTIOCSTI || b.ask.Attr.NoNewPrivs != haveNoNewPrivs {
		return
	}
	p, _, err := tiocstiPolicy().Policy()
	var code []seccomp.Insn
	if err == nil {
		code, err = p.Compile()
	}
	if err != nil {
		panic(err) // it is the same each time
	}
	b.add(spec.TIOCSTIField, program.Seccomp, Num(unix.SECCOMP_SET_MODE_FILTER), Num(0), b.p.Filter(seccomp.Encode(code)))
}
