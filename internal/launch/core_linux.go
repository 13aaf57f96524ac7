//go:build amd64 || arm64

package launch

import (
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/compile"
	"github.com/sprog-dev/sprog/internal/kernel"
	"github.com/sprog-dev/sprog/internal/spec"
)

// guardCore sees whether a core file of the child could be written.
func (s *attempt) guardCore() *spec.Error {
	s.given.Core, s.given.Guards = unix.Rlimit{}, false
	if s.ask.InPlace || s.undumpableAtBirth() {
		return nil
	}
	limit, possible := CoreLimit()
	if s.given.Guards = possible && limit.Max >= compile.NoCore; s.given.Guards {
		s.given.Core = limit
	}
	return nil
}

// undumpableAtBirth reports whether the launch clears the dumpable flag before there
// is a child.
func (s *attempt) undumpableAtBirth() bool {
	changes := s.given.StageField == "" && s.ask.ChangesCredentials() && reachesHidden(s.ask)
	return len(s.given.Joins.List) > 0 || s.given.Hides || changes && (os.Geteuid() == 0 || !s.readsProc())
}

// CoreLimit is the limit on core files, and whether there could be any: the soft
// limit does not keep a program or a socket from receiving one. Tests put another answer.
var CoreLimit = func() (limit unix.Rlimit, possible bool) {
	if unix.Getrlimit(unix.RLIMIT_CORE, &limit) != nil {
		return limit, false
	}
	return limit, limit.Cur != compile.NoCore && (coresArePiped() || limit.Cur >= uint64(os.Getpagesize()))
}

// coresArePiped reports whether core files go elsewhere than to files.
func coresArePiped() bool {
	return corePattern.Ask(func() bool {
		pattern, err := kernel.Read("/proc/sys/kernel/core_pattern")
		return err != nil || strings.HasPrefix(pattern, "|") || strings.HasPrefix(pattern, "@")
	})
}

var corePattern kernel.Setting
