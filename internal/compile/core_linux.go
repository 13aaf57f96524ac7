//go:build amd64 || arm64

package compile

import (
	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/spec"
)

// A child that is killed before it executes may leave a core file, of the parent's
// memory. The kernel writes none of memory that is undumpable. Of other memory
// it writes none to a file if the limit on its size is below a page, and none
// to a program or a socket if that is exactly 1 (core(5)). So 1 it is, from the
// first step to the last but one.
//
// What is left are the filters and the execve itself, some microseconds: a
// signal that comes then, or a filter that kills the execve, can leave a core
// file. Filters whose rules deny it are refused; Seccomp.Programs are not
// looked into.

// NoCore is the limit that keeps a process from leaving any core file.
const NoCore = 1

// coreOff is the first step of a child.
func (b *builder) coreOff() {
	if b.guardsCore {
		b.coreTo("", spec.Rlimit{Resource: unix.RLIMIT_CORE, Cur: NoCore, Max: b.given.Core.Max})
	}
}

// coreBack is the last step before filters and the execve that leaves the parent's
// memory.
func (b *builder) coreBack() {
	if !b.guardsCore {
		return
	}
	b.guardsCore = false
	asked := false
	for i, l := range b.ask.Attr.Rlimits {
		if l.Resource == unix.RLIMIT_CORE && b.made.Second == nil {
			b.prlimit(spec.Index("Attr.Rlimits", i), l)
			asked = true
		}
	}
	if !asked {
		b.coreTo("", spec.Rlimit{Resource: unix.RLIMIT_CORE, Cur: b.given.Core.Cur, Max: b.given.Core.Max})
	}
}

// coreTo sets the limit. A filter may deny that, for better and worse.
func (b *builder) coreTo(field string, l spec.Rlimit) {
	b.prlimit(field, l)
	b.p.StepOf(b.p.Result()).Ignore(uint32(unix.EPERM)).Ignore(uint32(unix.ENOSYS))
}

// limitsCore is for a limit on core files that the child is asked to have: as long as
// there is to be none, only the hard limit is raised.
func (b *builder) limitsCore(field string, l spec.Rlimit) bool {
	if !b.guardsCore || l.Resource != unix.RLIMIT_CORE {
		return false
	}
	if l.Max >= NoCore {
		b.prlimit(field, spec.Rlimit{Resource: l.Resource, Cur: NoCore, Max: l.Max})
	}
	return true
}
