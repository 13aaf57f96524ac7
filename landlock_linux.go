//go:build amd64 || arm64

package sprog

import (
	"github.com/sprog-dev/sprog/internal/program"
	"github.com/sprog-dev/sprog/internal/spec"
)

// resolveLandlock compares what is asked for with what the kernel has, and
// has the child find the files that rules are about.
func (s *starter) resolveLandlock() *spec.Error {
	l := s.ask.Attr.Landlock
	if l == nil {
		return nil
	}
	res, err := l.Resolve(s.landlockABI())
	if err != nil {
		err.Path = s.ask.Path
		return err
	}
	s.given.Locked = res.Applied
	if s.to.birth != nil {
		s.afterwards(func(started bool) {
			if started {
				s.to.birth.Landlock = &res
			}
		})
	}
	return s.useLandlockFiles()
}

func (s *starter) useLandlockFiles() *spec.Error {
	if s.given.Locked.Files == 0 {
		return nil
	}
	for i, rule := range s.ask.Attr.Landlock.Files.Rules {
		if rule.File == nil {
			continue
		}
		name := spec.Index("Attr.Landlock.Files.Rules", i)
		fd, err := spec.FD(rule.File)
		if err != nil {
			return &spec.Error{Path: s.ask.Path, Object: rule.Object(), Field: name, Err: err}
		}
		s.given.Use(fd, name, program.HostDirectory)
		s.given.RuleFDs = append(s.given.RuleFDs, fd)
	}
	return nil
}
