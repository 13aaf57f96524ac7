//go:build amd64 || arm64

package compile

import (
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
func tiocstiPolicy(machine string) *spec.Seccomp {
	archs := []string{"x86_64", "x86", "x32"}
	if machine == "arm64" {
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
	p, _, err := tiocstiPolicy(b.ask.Machine()).Policy()
	var code []seccomp.Insn
	if err == nil {
		code, err = p.Compile()
	}
	if err != nil {
		panic(err) // it is the same each time
	}
	set := func() *program.Step {
		return b.add(spec.TIOCSTIField, program.Seccomp, Num(unix.SECCOMP_SET_MODE_FILTER), Num(0), b.p.Filter(seccomp.Encode(code)))
	}
	if b.ask.Launcher == nil {
		set()
		return
	}
	skip := b.p.Ahead()
	b.p.GotoIf(spec.TIOCSTIField, b.terminal, Num(0), &skip).Quiet = true
	if step := set(); !haveNoNewPrivs && !b.ask.NewUserNamespace() {
		step.Ignore(uint32(unix.EACCES)) // as an Exec does without it where it has not the right to it
	}
	skip.Place()
}

// lookForTerminal finds out for a launcher whether it has a terminal that the kernel lets programs put
// input into. Its caller is another each time.
func (b *builder) lookForTerminal() {
	if b.ask.Launcher == nil || !b.ask.Attr.DenyTIOCSTI {
		return
	}
	const field, flags = spec.TIOCSTIField, unix.O_RDONLY | unix.O_CLOEXEC | unix.O_NOCTTY | unix.O_NONBLOCK
	p := b.p
	b.terminal = p.Variable(0)
	one, has, takes, none := p.Words(1), p.Ahead(), p.Ahead(), p.Ahead()
	open := func(path string) *program.Step {
		return b.add(field, program.Openat, Num(unix.AT_FDCWD), p.Str(path), Num(flags), Num(0))
	}
	failed := p.Ahead()
	open("/dev/tty").On(program.AnyErrno, &failed)
	tty := p.Result()
	b.add(field, program.Close, tty).Then(&has).Quiet = true
	failed.Place()
	for _, errno := range []unix.Errno{unix.ENXIO, unix.ENOENT} {
		p.GotoIf(field, p.Recorded(tty), Num(uint32(-int32(errno))), &none).Quiet = true
	}
	has.Place()
	open("/proc/sys/dev/tty/legacy_tiocsti").On(program.AnyErrno, &takes) // before Linux 6.2 there is none
	setting, digit := p.Result(), p.Words('1')
	b.add(field, program.Read, setting, digit, Num(1)).Ignore(program.AnyErrno)
	b.add(field, program.Close, setting).Quiet = true
	p.GotoIf(field, digit, Num('0'), &none).Quiet = true
	takes.Place()
	p.Copy(field, one, b.terminal)
	none.Place()
}
