package cgroup

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/mountinfo"
	"github.com/sprog-dev/sprog/internal/plain"
)

// openOwn opens the cgroup that this process is in.
func openOwn() (dir, error) { return openOf("self") }

// openOf opens the cgroup that a process is in.
func openOf(pid string) (dir, error) {
	list, err := plain.Read("/proc/" + pid + "/cgroup")
	if err != nil {
		return dir{}, err
	}
	own, ok := lineOfCgroup2(list)
	if !ok {
		return dir{}, &refusal{reason: "this kernel has no cgroup v2", errno: unix.ENODEV}
	}
	mounts, err := plain.Read("/proc/self/mountinfo")
	if err != nil {
		return dir{}, err
	}
	err = &refusal{reason: "no cgroup2 file system is mounted that has the cgroup " + own + " of " + who(pid), errno: unix.ENOENT}
	for m := range mountinfo.Mounts(mounts) {
		path, ok := under(m, own)
		if !ok || m.Type != "cgroup2" {
			continue
		}
		d, openErr := openDir(path, unix.CGROUP2_SUPER_MAGIC)
		if openErr == nil {
			return d, nil
		}
		err = openErr // hidden by another mount, perhaps
	}
	return dir{}, err
}

// who is a process in words.
func who(pid string) string {
	if pid == "self" {
		return "this process"
	}
	return "process " + pid
}

// lineOfCgroup2 returns the path in the unified hierarchy from a list in the
// form of /proc/PID/cgroup (cgroups(7)).
func lineOfCgroup2(list string) (string, bool) {
	for line := range strings.Lines(list) {
		if p, ok := strings.CutPrefix(line, "0::"); ok {
			return strings.TrimSuffix(p, "\n"), true
		}
	}
	return "", false
}

// under returns where a cgroup is found, if it is in a mount of its hierarchy.
// The mount's root and the cgroup's path are both relative to the root of this
// process's cgroup namespace.
func under(m mountinfo.Mount, own string) (where string, ok bool) {
	rest, ok := strings.CutPrefix(own, strings.TrimSuffix(m.Root, "/"))
	if !ok || rest != "" && rest[0] != '/' {
		return "", false
	}
	return path.Join(m.Point, rest), true
}

// usableParents opens the cgroups that a new one may be made in, nearest
// first: see [Spec].
func usableParents() (list []dir, err error) {
	d, err := openOwn()
	if err != nil {
		return nil, err
	}
	if os.Geteuid() != 0 {
		return writable(d)
	}
	list = []dir{d}
	// As root, up to the mark.
	for {
		last := list[len(list)-1]
		if last.delegated() {
			return list, nil
		}
		up, ok, err := last.parent()
		if err != nil {
			closeAll(list)
			return nil, err
		}
		if !ok {
			break
		}
		list = append(list, up)
	}
	// There is none: only its own, or that above a leaf made by Evacuate.
	keep := 1
	if len(list) > 1 && path.Base(d.path) == Leaf {
		keep = 2
	}
	closeAll(list[keep:])
	return list[:keep], nil
}

// writable lists the cgroups from d up that the user may put cgroups and
// processes into, up to the one that is marked as delegated.
func writable(d dir) (list []dir, err error) {
	for {
		ok, err := d.mayWrite()
		marked := d.delegated()
		if ok {
			list = append(list, d)
		} else {
			defer d.close()
		}
		var up dir
		more := false
		if err == nil && !marked && (ok || len(list) == 0) {
			up, more, err = d.parent()
		}
		if err != nil {
			closeAll(list)
			return nil, err
		}
		if !more {
			break
		}
		d = up
	}
	if len(list) == 0 {
		return nil, &refusal{errno: unix.EACCES, reason: "neither the cgroup of this process nor one above it may be written by user " +
			strconv.Itoa(os.Geteuid()) + ": none is delegated to it. systemd-run --user --scope -p Delegate=yes starts a command in one that is"}
	}
	return list, nil
}

// mayWrite reports whether the user may make cgroups in d and put processes
// into it. The latter is what the kernel asks of the nearest common ancestor
// where a process moves.
func (d dir) mayWrite() (bool, error) {
	for _, name := range []string{".", "cgroup.procs"} {
		err := unix.Faccessat(d.fd(), name, unix.W_OK, unix.AT_EACCESS)
		switch {
		case errors.Is(err, fs.ErrPermission) || err == unix.EROFS:
			return false, nil
		case err != nil:
			return false, &fs.PathError{Op: "access", Path: d.path + "/" + name, Err: err}
		}
	}
	return true, nil
}

// delegated reports whether the cgroup bears the mark of a manager that leaves
// everything below it to others.
func (d dir) delegated() bool {
	link := "/proc/self/fd/" + strconv.Itoa(d.fd()) // O_PATH has no attributes
	for _, name := range []string{"user.delegate", "trusted.delegate"} {
		var value [8]byte
		n, err := unix.Getxattr(link, name, value[:])
		if err == nil && string(value[:n]) == "1" {
			return true
		}
	}
	return false
}

func closeAll(list []dir) {
	for _, d := range list {
		d.close()
	}
}

// OpenProcsV1 opens cgroup.procs of a cgroup of v1 for writing.
func OpenProcsV1(path string) (fd int, err error) {
	d, err := openDir(path, unix.CGROUP_SUPER_MAGIC)
	if err != nil {
		return -1, err
	}
	defer d.close()
	return d.openProcs()
}

// OwnV1 are the directories of this process's cgroups in the hierarchies of v1
// that are mounted.
func OwnV1() (dirs []string) {
	mounts, err := plain.Read("/proc/self/mountinfo")
	list, err2 := plain.Read("/proc/self/cgroup")
	if err != nil || err2 != nil {
		return nil
	}
	for m := range mountinfo.Mounts(mounts) {
		if m.Type != "cgroup" {
			continue
		}
		if own, ok := lineOfHierarchy(list, m.Options); ok {
			if where, ok := under(m, own); ok {
				dirs = append(dirs, where)
			}
		}
	}
	return dirs
}

// lineOfHierarchy returns the path in the hierarchy whose mount has these
// options, from a list in the form of /proc/PID/cgroup.
func lineOfHierarchy(list string, options []string) (string, bool) {
	for line := range strings.Lines(list) {
		_, rest, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ":")
		names, p, _ := strings.Cut(rest, ":")
		if names != "" && len(wordsNotIn(strings.Split(names, ","), options)) == 0 {
			return p, true
		}
	}
	return "", false
}
