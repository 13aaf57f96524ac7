//go:build linux

package main

import (
	"os"
	"slices"

	"github.com/sprog-dev/sprog"
	"github.com/sprog-dev/sprog/cmd/sprog/internal/box"
)

// A sandbox is what the box adds to the other flags. A nil one adds nothing.
type sandbox struct {
	root   *sprog.Root // nil without namespaces
	mounts []sprog.Mount
	rules  []sprog.SeccompRule
	denied *denials
	guard  *box.Guard
	watch  *watcher // of --why, or nil

	ownNetwork bool
	counters   []*os.File // of that
	temp       string     // a directory that goes with the box, or ""
}

func (s *sandbox) hasView() bool { return s != nil && s.root != nil }

func (s *sandbox) watched() *watcher {
	if s == nil {
		return nil
	}
	return s.watch
}

// environment leaves out what nobody has asked for.
func (s *sandbox) environment(env []string) []string {
	if s == nil {
		return env
	}
	return append(slices.DeleteFunc(env, func(variable string) bool {
		return !box.Passes(variable)
	}), "SPROG_BOX=1")
}

// filter adds the box's rules to the filter that flags ask for. One that has a default of its own
// says what there is to be said.
func (s *sandbox) filter(asked *sprog.Seccomp) *sprog.Seccomp {
	switch {
	case s == nil:
		return asked
	case asked == nil:
		return &sprog.Seccomp{Default: sprog.SeccompAllow, Rules: s.rules, Log: s.denied.readable()}
	case asked.Default == 0:
		asked.Default = sprog.SeccompAllow
	case asked.Default != sprog.SeccompAllow:
		return asked
	}
	asked.Rules = append(s.rules, asked.Rules...)
	return asked
}
