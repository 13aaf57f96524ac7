package cgroup

import (
	"errors"
	"io/fs"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/plain"
)

// A Group is a cgroup that [Make] has made. Several goroutines may call its methods
// at the same time, after [Group.Commit].
type Group struct {
	name string
	up   dir // its parent, until Commit or Discard

	mu   sync.Mutex
	at   dir    // without a file once the cgroup is removed
	last *Stats // those of a cgroup that is removed

	// Plain has Kill do without cgroup.kill, as before Linux 5.14. It is for tests.
	Plain bool
}

// Path is its directory.
func (g *Group) Path() string { return g.at.path }

// FD is a descriptor of its directory (O_PATH), until it is removed.
func (g *Group) FD() int { return g.at.fd() }

// OpenProcs opens cgroup.procs for writing. The kernel asks for the rights of
// the process that has opened it, not of the one that writes.
func (g *Group) OpenProcs() (fd int, err error) { return g.at.openProcs() }

// Commit keeps the cgroup.
func (g *Group) Commit() { g.up.close() }

// Discard removes a cgroup that no program has run in. It needs no new descriptor:
// its caller may have failed for lack of one.
func (g *Group) Discard() {
	g.at.removeFrom(g.up, g.name, plain.In(removeTime))
	g.forget()
	g.up.close()
}

// forget lets go of a cgroup that is removed.
func (g *Group) forget() {
	g.at.close()
	g.at.file = nil
}

// open returns the cgroup's directory. It is to be used under the lock.
func (g *Group) open() (dir, error) {
	if g.at.file == nil {
		return dir{}, &fs.PathError{Op: "open", Path: g.at.path, Err: unix.ENOENT}
	}
	return g.at, nil
}

// Stats reads the counters, or returns those at its end. The error is
// fs.ErrNotExist if others have removed it.
func (g *Group) Stats() (Stats, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.last != nil {
		return *g.last, nil
	}
	d, err := g.open()
	if err != nil {
		return unknownStats(), err
	}
	_, err = d.counters("cgroup.events")
	return d.stats(), err
}

// CPUUsage is the CPU time that was used in the cgroup, or Unknown.
func (g *Group) CPUUsage() time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	d, err := g.open()
	if err != nil {
		return Unknown
	}
	c, _ := d.counters("cpu.stat")
	return c.microseconds("usage_usec")
}

// Freeze stops all processes in the cgroup and below it, or lets them continue.
func (g *Group) Freeze(stop bool) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	d, err := g.open()
	if err != nil {
		return err
	}
	value := "0"
	if stop {
		value = "1"
	}
	return d.write("cgroup.freeze", value)
}

// Kill kills all processes in the cgroup and below it. It does not wait for their
// end.
func (g *Group) Kill() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	d, err := g.open()
	if err != nil {
		return nil
	}
	if !g.Plain {
		if err = d.write("cgroup.kill", "1"); err == nil || !errors.Is(err, fs.ErrNotExist) {
			if gone(err) {
				err = nil
			}
			return err
		}
	}
	return d.killEach()
}

// Remove removes the cgroup and those below it. Processes that are ending get some
// seconds to do so. It is no error if the cgroup is gone already.
func (g *Group) Remove() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	d, err := g.open()
	if err != nil {
		return nil
	}
	deadline := plain.In(removeTime)
	if err := d.removeBelow(deadline); err != nil && !gone(err) {
		return err
	}
	d.awaitEmpty(deadline) // the counters are final then
	last := d.stats()
	if err := d.removeItself(g.name, deadline); err != nil {
		return err
	}
	g.last = &last
	g.forget()
	return nil
}
