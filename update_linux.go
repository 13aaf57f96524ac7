//go:build amd64 || arm64

package sprog

import (
	"github.com/sprog-dev/sprog/internal/change"
	"github.com/sprog-dev/sprog/internal/launch"
	"github.com/sprog-dev/sprog/internal/spec"
)

func updateProcess(pid int, attr *Attr, tree bool) error {
	if attr == nil {
		attr = new(Attr)
	}
	to := change.Process
	if tree {
		to = change.Tree
	}
	return updated(to(pid, attr.spec()))
}

func (g *CgroupHandle) set(limits *Cgroup) error {
	c := limits.spec()
	err := c.CheckUpdate()
	if err == nil {
		if failed := g.of().Set(c.Writes()); failed != nil {
			err = launch.OfCgroup("", failed)
		}
	}
	return updated(g.named(err))
}

func (g *CgroupHandle) update(attr *Attr) error {
	if attr == nil {
		attr = new(Attr)
	}
	return updated(g.named(change.All(g.of().Processes, attr.spec())))
}

// named is an error about the cgroup, unless it is about a process.
func (g *CgroupHandle) named(err *spec.Error) *spec.Error {
	if err != nil && err.Path == "" {
		err.Path, err.Updates = g.Path(), true
	}
	return err
}

// updated is an error as callers get it.
func updated(err *spec.Error) error {
	if err == nil {
		return nil
	}
	return startError(err)
}
