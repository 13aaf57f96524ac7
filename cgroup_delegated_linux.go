//go:build amd64 || arm64

package sprog

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/mountinfo"
)

// ownCgroup opens the cgroup that this process is in.
func ownCgroup() (cgroupDir, error) {
	list, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return cgroupDir{}, err
	}
	own, ok := lineOfCgroup2(string(list))
	if !ok {
		return cgroupDir{}, &refusal{reason: "this kernel has no cgroup v2", errno: unix.ENODEV}
	}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return cgroupDir{}, err
	}
	err = &refusal{reason: "no cgroup2 file system is mounted that has the cgroup " + own + " of this process", errno: unix.ENOENT}
	for m := range mountinfo.Mounts(string(mounts)) {
		dir, ok := under(m, own)
		if !ok || m.Type != "cgroup2" {
			continue
		}
		d, openErr := openCgroup(dir, unix.CGROUP2_SUPER_MAGIC)
		if openErr == nil {
			return d, nil
		}
		err = openErr // hidden by another mount, perhaps
	}
	return cgroupDir{}, err
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
func under(m mountinfo.Mount, own string) (dir string, ok bool) {
	rest, ok := strings.CutPrefix(own, strings.TrimSuffix(m.Root, "/"))
	if !ok || rest != "" && rest[0] != '/' {
		return "", false
	}
	return path.Join(m.Point, rest), true
}

// usableParents opens the cgroups that a new one may be made in, nearest
// first: see [Cgroup.Parent].
func usableParents() (list []cgroupDir, err error) {
	d, err := ownCgroup()
	if err != nil {
		return nil, err
	}
	if os.Geteuid() != 0 {
		return writable(d)
	}
	list = []cgroupDir{d}
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
	if len(list) > 1 && path.Base(d.path) == leafName {
		keep = 2
	}
	closeAll(list[keep:])
	return list[:keep], nil
}

// writable lists the cgroups from d up that the user may put cgroups and
// processes into, up to the one that is marked as delegated.
func writable(d cgroupDir) (list []cgroupDir, err error) {
	for {
		ok, err := d.mayWrite()
		marked := d.delegated()
		if ok {
			list = append(list, d)
		} else {
			defer d.close()
		}
		var up cgroupDir
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
			strconv.Itoa(os.Geteuid()) + ": none is delegated to it"}
	}
	return list, nil
}

// mayWrite reports whether the user may make cgroups in d and put processes
// into it. The latter is what the kernel asks of the nearest common ancestor
// where a process moves.
func (d cgroupDir) mayWrite() (bool, error) {
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
func (d cgroupDir) delegated() bool {
	link := "/proc/self/fd/" + itoa(d.fd()) // O_PATH has no attributes
	for _, name := range []string{"user.delegate", "trusted.delegate"} {
		var value [8]byte
		n, err := unix.Getxattr(link, name, value[:])
		if err == nil && string(value[:n]) == "1" {
			return true
		}
	}
	return false
}

func closeAll(list []cgroupDir) {
	for _, d := range list {
		d.close()
	}
}
