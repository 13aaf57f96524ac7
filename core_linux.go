//go:build amd64 || arm64

package sprog

import (
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/kernel"
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

// noCore is the limit that keeps a process from leaving any core file.
const noCore = 1

// guardCore sees whether a core file of the child could be written.
func (s *starter) guardCore() *spec.Error {
	s.given.core, s.given.guards = unix.Rlimit{}, false
	if s.ask.InPlace || s.undumpableAtBirth() {
		return nil
	}
	limit, possible := coreLimit()
	if s.given.guards = possible && limit.Max >= noCore; s.given.guards {
		s.given.core = limit
	}
	return nil
}

// undumpableAtBirth reports whether the launch clears the dumpable flag before there
// is a child.
func (s *starter) undumpableAtBirth() bool {
	changes := s.given.stageField == "" && s.ask.ChangesCredentials() && reachesHidden(s.ask)
	return len(s.given.joins.list) > 0 || s.given.hides || changes && (os.Geteuid() == 0 || !s.readsProc())
}

// coreLimit is the limit on core files, and whether there could be any: the soft
// limit does not keep a program or a socket from receiving one. Tests put another answer.
var coreLimit = func() (limit unix.Rlimit, possible bool) {
	if unix.Getrlimit(unix.RLIMIT_CORE, &limit) != nil {
		return limit, false
	}
	return limit, limit.Cur != noCore && (coresArePiped() || limit.Cur >= uint64(os.Getpagesize()))
}

// coresArePiped reports whether core files go elsewhere than to files.
func coresArePiped() bool {
	return corePattern.Ask(func() bool {
		pattern, err := kernel.Read("/proc/sys/kernel/core_pattern")
		return err != nil || strings.HasPrefix(pattern, "|") || strings.HasPrefix(pattern, "@")
	})
}

var corePattern kernel.Setting

// coreOff is the first step of a child.
func (b *builder) coreOff() {
	if b.guardsCore {
		b.coreTo("", spec.Rlimit{Resource: unix.RLIMIT_CORE, Cur: noCore, Max: b.given.core.Max})
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
		if l.Resource == unix.RLIMIT_CORE && b.made.second == nil {
			b.prlimit(spec.Index("Attr.Rlimits", i), l)
			asked = true
		}
	}
	if !asked {
		b.coreTo("", spec.Rlimit{Resource: unix.RLIMIT_CORE, Cur: b.given.core.Cur, Max: b.given.core.Max})
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
	if l.Max >= noCore {
		b.prlimit(field, spec.Rlimit{Resource: l.Resource, Cur: noCore, Max: l.Max})
	}
	return true
}
