//go:build amd64 || arm64

package launch

import (
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/compile"
	"github.com/sprog-dev/sprog/internal/kernel"
	"github.com/sprog-dev/sprog/internal/machine"
	"github.com/sprog-dev/sprog/internal/spec"
)

// The maker of a user namespace has every capability over the processes in it,
// and so has every other process of his user outside of it (cap_capable in
// security/commoncap.c). A child that shares the parent's memory and enters one
// would give that to those who have no right to trace the parent. There are
// three ways:
//
//   - If every process of the user's may trace the parent anyway, nothing is lost.
//   - memory that is undumpable before the child enters is out of reach: it takes
//     CAP_SYS_PTRACE in the user namespace in which the memory's program was
//     executed, which is the parent's. But the files in /proc that take the id
//     maps then belong to root.
//   - An image that was executed before, outside, has nothing of the parent's in
//     it. It is dumpable while its maps are written.

// guardMemory decides which way a start goes.
func (s *attempt) guardMemory() *spec.Error {
	s.given.Hides, s.given.Standing = false, compile.Standing{}
	flags := s.ask.Sys.Cloneflags | s.ask.Sys.Unshareflags
	if s.ask.InPlace || flags&unix.CLONE_NEWUSER == 0 {
		return nil
	}
	s.given.Standing = OwnStanding()
	s.given.Root = s.given.Root && !s.tried.procIsOuter
	changes := s.ask.WritesOwnFiles() && s.ask.ChangesCredentials() // makes the memory undumpable, for other starts as well
	switch maps := s.ask.HasMaps() || s.ask.WritesOwnFiles(); {
	case s.given.StageField != "":
	case s.given.Root || !maps:
		s.given.Hides = s.given.Guarded && reachesHidden(s.ask)
	case len(s.ask.Attr.Join) > 0: // undumpable in any case
	case (changes || s.given.Guarded) && s.ask.MayHaveStages():
		s.given.StageField = spec.Field("Cloneflags")
		if s.ask.Sys.Cloneflags&unix.CLONE_NEWUSER == 0 {
			s.given.StageField = spec.Field("Unshareflags")
		}
	}
	return nil
}

// reachesHidden reports whether this process can do its part while the memory is undumpable:
// to take a listener from the child, it has to have the right to trace it.
func reachesHidden(r *spec.Start) bool { return !r.Listens() || kernel.HasCap(unix.CAP_SYS_PTRACE) }

// readsProc reports whether id maps are written through the child's files in /proc
// while it shares the parent's memory, by one or the other.
func (s *attempt) readsProc() bool {
	return s.given.MeetsEarly() || s.ask.WritesOwnFiles() && s.given.StageField == ""
}

// OwnStanding looks anew for each start: it can change. Tests put another answer.
var OwnStanding = func() compile.Standing {
	sets, err := kernel.OwnCaps()
	caps := err != nil || sets[0].Permitted|sets[1].Permitted != 0
	return compile.Standing{Root: os.Geteuid() == 0, Capable: caps, Guarded: caps || mixesIDs() || !machine.IsDumpable() || yama()}
}

// mixesIDs reports whether this process has different ids. A tracer has to have all
// of them.
func mixesIDs() bool {
	ruid, euid, suid := unix.Getresuid()
	rgid, egid, sgid := unix.Getresgid()
	return ruid != euid || suid != euid || rgid != egid || sgid != egid
}

// yama reports whether Yama may restrict tracing. Where /proc shows no settings, it is
// taken to be so.
func yama() bool {
	return yamaSays.Ask(func() bool {
		scope, err := kernel.Read("/proc/sys/kernel/yama/ptrace_scope")
		if err == unix.ENOENT {
			return !kernel.Exists("/proc/sys/kernel/ostype")
		}
		return err != nil || strings.TrimSpace(scope) != "0"
	})
}

var yamaSays kernel.Setting
