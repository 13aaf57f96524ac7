//go:build amd64 || arm64

package launch

import (
	"github.com/sprog-dev/sprog/internal/compile"
	"github.com/sprog-dev/sprog/internal/kernel"
	"github.com/sprog-dev/sprog/internal/program"
	"github.com/sprog-dev/sprog/internal/spec"
)

// resolveLandlock compares what is asked for with what the kernel has, and
// has the child find the files that rules are about.
func (s *attempt) resolveLandlock() *spec.Error {
	l := s.ask.Attr.Landlock
	if l == nil {
		return nil
	}
	res, err := l.Resolve(s.landlock)
	if err != nil {
		err.Path = s.ask.Path
		return err
	}
	s.given.Locked = res.Applied
	if s.to.Birth != nil {
		s.afterwards(func(started bool) {
			if started {
				s.to.Birth.Landlock = &res
			}
		})
	}
	return s.useLandlockFiles()
}

func (s *attempt) useLandlockFiles() *spec.Error {
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
		hole := s.given.Use(compile.Use{Fd: fd, Name: "directory", Field: name, Kind: program.HostDirectory})
		s.given.RuleFDs = append(s.given.RuleFDs, hole)
	}
	return nil
}

// askLandlock asks the kernel once.
func (s *attempt) askLandlock() *spec.Error {
	if s.ask.Attr.Landlock != nil {
		s.landlock = kernel.Known.Landlock.Ask()
	}
	return nil
}

func (s *attempt) supposeLandlock() *spec.Error {
	s.landlock = kernel.Landlock{ABI: spec.LandlockNewestABI}
	return nil
}

// ProbeLandlock tells what a start would apply.
func ProbeLandlock(l *spec.Landlock) spec.LandlockResult {
	l = &spec.Landlock{ABI: l.ABI, Files: l.Files, Ports: l.Ports, Scopes: l.Scopes, Log: l.Log, BestEffort: true}
	res, _ := l.Resolve(kernel.Known.Landlock.Ask())
	return res
}
