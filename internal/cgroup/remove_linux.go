package cgroup

import (
	"errors"
	"io/fs"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/plain"
)

// removeTime is how long processes get to be gone that have been killed.
const removeTime = 5 * time.Second

// awaitEmpty waits until no process is left, in the cgroup and below it.
func (d dir) awaitEmpty(deadline plain.Deadline) {
	for patience := time.Duration(0); !deadline.Over(); patience++ {
		if events, err := d.counters("cgroup.events"); err != nil || events["populated"] == 0 {
			return
		}
		plain.Sleep(min(patience*100*time.Microsecond, 20*time.Millisecond))
	}
}

// removeItself removes the cgroup, unless its name has come to be another's.
func (d dir) removeItself(name string, deadline plain.Deadline) error {
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

// removeFrom removes it from its parent, under that condition.
func (d dir) removeFrom(up dir, name string, deadline plain.Deadline) error {
	if !up.has(name, d) {
		return nil
	}
	return up.rmdirBusy(name, deadline)
}

// rmdirBusy removes a cgroup whose last processes may be on their way out.
func (d dir) rmdirBusy(name string, deadline plain.Deadline) error {
	for patience := time.Duration(0); ; patience++ {
		err := d.rmdir(name)
		if !errors.Is(err, unix.EBUSY) || deadline.Over() {
			return err
		}
		plain.Sleep(min(patience*100*time.Microsecond, 20*time.Millisecond))
	}
}

// removeBelow removes the cgroups below, deepest first. However deep they are,
// it takes no more than a few descriptors.
func (d dir) removeBelow(deadline plain.Deadline) error {
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
		var next dir
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
