//go:build amd64 || arm64

package sprog

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// open returns the cgroup's directory. It is to be used under the lock.
func (g *CgroupHandle) open() (cgroupDir, error) {
	if g.dir == nil {
		return cgroupDir{}, &fs.PathError{Op: "open", Path: g.path, Err: unix.ENOENT}
	}
	return cgroupDir{g.dir, g.path}, nil
}

// gone reports whether an error says that the cgroup, or a file in it, is no
// longer there: ENODEV is the answer of one that is open still.
func gone(err error) bool { return errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ENODEV) }

func (g *CgroupHandle) freeze(value string) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	d, err := g.open()
	if err != nil {
		return err
	}
	return d.write("cgroup.freeze", value)
}

func (g *CgroupHandle) kill() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	d, err := g.open()
	if err != nil {
		return nil
	}
	if !g.plain {
		if err = d.write("cgroup.kill", "1"); err == nil || !errors.Is(err, fs.ErrNotExist) {
			if gone(err) {
				err = nil
			}
			return err
		}
	}
	return d.killEach()
}

// killEach kills the processes one by one. That they are frozen keeps them
// from forking faster than that. A kernel before 5.2 does not freeze. One that
// may not be killed keeps no other alive.
func (d cgroupDir) killEach() error {
	frozen := d.write("cgroup.freeze", "1") == nil
	if frozen {
		d.awaitFrozen()
		defer d.write("cgroup.freeze", "0")
	}
	var missed error
	err := d.walk(func(sub cgroupDir) error {
		for range 100 {
			n, err := sub.killMembers()
			if n == 0 || frozen {
				missed = cmp.Or(missed, err)
				return nil
			}
		}
		return nil
	})
	return cmp.Or(err, missed)
}

// killMembers kills the processes that the cgroup lists, and says how many, and why not
// others. A number may come to be another process's at any time: what is killed is what
// a pidfd is of, and only if the cgroup still lists the number once there is the
// pidfd. Either it is that of the member, or of a process that has ended.
func (d cgroupDir) killMembers() (killed int, err error) {
	procs, err := d.processes()
	if err != nil || len(procs) == 0 {
		return 0, ignoreThreaded(err)
	}
	var missed error
	fds := map[string]int{}
	defer func() {
		for _, fd := range fds {
			unix.Close(fd)
		}
	}()
	for _, p := range procs {
		pid, err := strconv.Atoi(p)
		switch {
		case pid == 0 && err == nil:
			missed = cmp.Or(missed, errors.New("one of its processes is in another PID namespace, where this process cannot see it"))
			continue
		case err != nil || pid == 1 || pid == os.Getpid(): // these two never are
			continue
		}
		fd, err := unix.PidfdOpen(pid, 0)
		switch err {
		case nil:
			fds[p] = fd
		case unix.ESRCH:
		default:
			missed = cmp.Or(missed, fmt.Errorf("process %d: %w", pid, os.NewSyscallError("pidfd_open", err)))
		}
	}
	again, err := d.processes()
	if err != nil {
		return 0, ignoreThreaded(err)
	}
	for _, p := range again {
		fd, ok := fds[p]
		if !ok {
			continue
		}
		switch err := send(fd, unix.SIGKILL); err {
		case nil:
			killed++
		case unix.ESRCH:
		default:
			missed = cmp.Or(missed, fmt.Errorf("process %s: %w", p, os.NewSyscallError("kill", err)))
		}
	}
	return killed, missed
}

// ignoreThreaded drops the error of a threaded cgroup's cgroup.procs: the root
// of its subtree, which is walked before, lists all processes.
func ignoreThreaded(err error) error {
	if errors.Is(err, unix.EOPNOTSUPP) || gone(err) {
		return nil
	}
	return err
}

// awaitFrozen gives the processes a moment to stop.
func (d cgroupDir) awaitFrozen() {
	for range 50 {
		if events, err := d.counters("cgroup.events"); err != nil || events["frozen"] == 1 {
			return
		}
		time.Sleep(time.Millisecond)
	}
}

// walk calls f for the cgroup and all below it.
func (d cgroupDir) walk(f func(cgroupDir) error) error {
	if err := f(d); err != nil {
		return err
	}
	list, err := d.subs()
	if err != nil && !gone(err) {
		return err
	}
	for _, name := range list {
		sub, err := d.sub(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		err = sub.walk(f)
		sub.close()
		if err != nil {
			return err
		}
	}
	return nil
}

// removeTime is how long processes get to be gone that have been killed.
const removeTime = 5 * time.Second

func (g *CgroupHandle) remove() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	d, err := g.open()
	if err != nil {
		return nil
	}
	deadline := time.Now().Add(removeTime)
	if err := d.removeBelow(deadline); err != nil && !gone(err) {
		return err
	}
	d.awaitEmpty(deadline) // the counters are final then
	last := d.stats()
	if err := d.removeItself(g.name, deadline); err != nil {
		return err
	}
	g.last = &last
	g.dir.Close()
	g.dir = nil
	return nil
}

// discard removes a cgroup that no program has run in. It needs no descriptor:
// the lack of one may be what the start has failed of.
func (g *CgroupHandle) discard(parent cgroupDir) {
	d := cgroupDir{g.dir, g.path}
	d.removeFrom(parent, g.name, time.Now().Add(removeTime))
	g.dir.Close()
	g.dir = nil
}

func (d cgroupDir) awaitEmpty(deadline time.Time) {
	for patience := time.Duration(0); time.Now().Before(deadline); patience++ {
		if events, err := d.counters("cgroup.events"); err != nil || events["populated"] == 0 {
			return
		}
		time.Sleep(min(patience*100*time.Microsecond, 20*time.Millisecond))
	}
}

// removeItself removes the cgroup, unless its name has come to be another's.
func (d cgroupDir) removeItself(name string, deadline time.Time) error {
	up, ok, err := d.parent()
	if errors.Is(err, fs.ErrNotExist) || err == nil && !ok {
		return nil
	}
	if err != nil {
		return err
	}
	defer up.close()
	return d.removeFrom(up, name, deadline)
}

func (d cgroupDir) removeFrom(up cgroupDir, name string, deadline time.Time) error {
	if !up.has(name, d) {
		return nil
	}
	return up.rmdirBusy(name, deadline)
}

// rmdirBusy removes a cgroup whose last processes may be on their way out.
func (d cgroupDir) rmdirBusy(name string, deadline time.Time) error {
	for patience := time.Duration(0); ; patience++ {
		err := d.rmdir(name)
		if !errors.Is(err, unix.EBUSY) || time.Now().After(deadline) {
			return err
		}
		time.Sleep(min(patience*100*time.Microsecond, 20*time.Millisecond))
	}
}

// removeBelow removes the cgroups below, deepest first. However deep they are,
// it takes no more than a few descriptors.
func (d cgroupDir) removeBelow(deadline time.Time) error {
	var names []string
	at := d
	defer func() {
		if at.file != d.file {
			at.close()
		}
	}()
	for {
		name, err := at.firstSub()
		if err != nil {
			return err
		}
		if name == "" && len(names) == 0 {
			return nil
		}
		var next cgroupDir
		if name != "" {
			next, err = at.sub(name)
			if errors.Is(err, fs.ErrNotExist) {
				continue
			}
			names = append(names, name)
		} else {
			var ok bool
			if next, ok, err = at.parent(); err == nil && !ok {
				return nil
			}
			if err == nil {
				err = next.rmdirBusy(names[len(names)-1], deadline)
			}
			names = names[:len(names)-1]
		}
		if at.file != d.file {
			at.close()
		}
		at = next
		if err != nil {
			return err
		}
		if len(names) == 0 {
			next.close()
			at = d
		}
	}
}
