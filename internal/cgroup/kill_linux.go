package cgroup

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/plain"
)

// gone reports whether an error says that the cgroup, or a file in it, is no
// longer there: ENODEV is the answer of one that is open still.
func gone(err error) bool { return errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ENODEV) }

// killEach kills the processes one by one. That they are frozen keeps them
// from forking faster than that. A kernel before 5.2 does not freeze. One that
// may not be killed keeps no other alive.
func (d dir) killEach() error {
	frozen := d.write("cgroup.freeze", "1") == nil
	if frozen {
		d.awaitFrozen()
		defer d.write("cgroup.freeze", "0")
	}
	var missed error
	err := d.walk(func(sub dir) error {
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
func (d dir) killMembers() (killed int, err error) {
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
		switch err := unix.PidfdSendSignal(fd, unix.SIGKILL, nil, 0); err {
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
func (d dir) awaitFrozen() {
	for range 50 {
		if events, err := d.counters("cgroup.events"); err != nil || events["frozen"] == 1 {
			return
		}
		plain.Sleep(time.Millisecond)
	}
}

// walk calls f for the cgroup and all below it.
func (d dir) walk(f func(dir) error) error {
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
