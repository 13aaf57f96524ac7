//go:build linux

package bwrap

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/plain"
)

// ask finds out what the options are translated by.
func (r *runner) ask() *Facts {
	f := &r.f
	f.UID, f.GID = unix.Getuid(), unix.Getgid()
	f.HasUserNS, f.HasCgroup, f.RealPath = hasUserNS, hasCgroup, realPath
	f.Dir, _ = os.Getwd()
	if f.Dir == "" {
		f.Dir = "/"
	}
	if f.UID == 0 {
		f.Effective = effective()
	}
	return f
}

// effective are this process's capabilities.
func effective() uint64 {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if unix.Capget(&header, &data[0]) != nil {
		return 0
	}
	return uint64(data[1].Effective)<<32 | uint64(data[0].Effective)
}

// hasUserNS reports whether user namespaces are there to be made.
func hasUserNS() bool {
	if unix.Access("/proc/self/ns/user", unix.F_OK) != nil {
		return false
	}
	if enable, err := plain.Read("/sys/module/user_namespace/parameters/enable"); err == nil && strings.HasPrefix(enable, "N") {
		return false // of RHEL 7
	}
	most, err := plain.Read("/proc/sys/user/max_user_namespaces")
	return err != nil || most != "0\n"
}

func hasCgroup() error {
	switch err := unix.Access("/proc/self/ns/cgroup", unix.F_OK); {
	case err == nil:
		return nil
	case errors.Is(err, unix.ENOENT):
		return mistake("Cannot create new cgroup namespace because the kernel does not support it")
	default:
		return fmt.Errorf("stat on /proc/self/ns/cgroup failed: %w", err)
	}
}

// realPath is what a path means that the process which opens it would mean something else
// by: its own files in /proc. A namespace has no path: there it is that of the process which makes the
// mounts, as people mean it who bind /proc/self/ns/user to have it entered later.
func realPath(p string) string {
	for _, own := range []string{"/proc/self/", "/proc/thread-self/", "/dev/fd/", "/dev/std"} {
		if !strings.HasPrefix(p, own) {
			continue
		}
		if real, err := filepath.EvalSymlinks(p); err == nil {
			return real
		}
	}
	return p
}

// open takes the descriptors that options name, and reads those with content.
func (r *runner) open() (err error) {
	o, f := r.o, &r.f
	f.Files, f.Data = map[int]*os.File{}, map[int][]byte{}
	for _, op := range o.Ops {
		if err := r.openOf(op); err != nil {
			return err
		}
	}
	for _, named := range []struct {
		fd    int
		fails string // what bwrap says of one that is not open, or "" if it goes on
	}{
		{o.UserNS, "Joining specified user namespace failed"}, {o.PIDNS, "Setting pidns failed"}, {o.UserNS2, "Setting userns2 failed"},
		{o.InfoFD, "Write to info_fd"}, {o.StatusFD, "Write to info_fd"}, {o.BlockFD, ""}, {o.SyncFD, ""}, {o.UserNSBlockFD, ""},
	} {
		if named.fd >= 0 && r.file(named.fd) == nil && named.fails != "" {
			return fmt.Errorf("%s: %w", named.fails, unix.EBADF)
		}
	}
	if f.Files[o.SyncFD] != nil && o.AsPID1 { // the program has to hold it
		unix.FcntlInt(uintptr(o.SyncFD), unix.F_SETFD, 0)
	}
	r.info, r.status, r.block = f.Files[o.InfoFD], f.Files[o.StatusFD], f.Files[o.UserNSBlockFD]
	return r.readFilters()
}

// openOf is for one operation.
func (r *runner) openOf(op Op) error {
	f := &r.f
	switch op.Kind {
	case File, BindData, ReadOnlyBindData:
		if _, read := f.Data[op.FD]; read {
			return nil
		}
		data, err := r.readAll(op.FD)
		if err != nil {
			return said("Can't write data to file %s: %w", op.Dest, err)
		}
		f.Data[op.FD] = data
	case Bind, ReadOnlyBind:
		if op.FD >= 0 {
			if r.file(op.FD) == nil {
				return said("Can't find source path /proc/self/fd/%d: %w", op.FD, unix.ENOENT)
			}
		}
	case Dev:
		if f.Console == nil && isTerminal(1) && hasName(1) {
			f.Console = os.Stdout
		}
	case Proc:
		r.coverProc()
	}
	return nil
}

// coverProc finds out what of /proc is to be made read-only: what the caller could write to.
func (r *runner) coverProc() {
	r.f.Covered = nil
	for _, name := range []string{"sys", "sysrq-trigger", "irq", "bus"} {
		if unix.Access("/proc/"+name, unix.W_OK) == nil {
			r.f.Covered = append(r.f.Covered, name)
		}
	}
}

// file is a descriptor that an option names, which the program does not get.
func (r *runner) file(fd int) *os.File {
	if file := r.f.Files[fd]; file != nil {
		return file
	}
	if !r.given(fd) {
		return nil
	}
	if _, err := unix.FcntlInt(uintptr(fd), unix.F_SETFD, unix.FD_CLOEXEC); err != nil {
		return nil
	}
	file := os.NewFile(uintptr(fd), fmt.Sprintf("descriptor %d", fd))
	r.f.Files[fd] = file
	return file
}

// readFilters reads the filters of system calls.
func (r *runner) readFilters() error {
	list := r.o.Filters
	if r.o.Seccomp >= 0 {
		list = []int{r.o.Seccomp}
	}
	for i, fd := range list {
		code, err := r.readAll(fd)
		if slices.Contains(list[:i], fd) { // which bwrap has closed
			err = unix.EBADF
		}
		switch {
		case err != nil:
			return said("Can't read seccomp data: %w", err)
		case len(code)%8 != 0:
			return mistake("Invalid seccomp data, must be multiple of 8")
		}
		r.f.Filters = append(r.f.Filters, code)
	}
	return nil
}

// hasName reports whether the path that a terminal has leads to it. Bubblewrap does without the
// console otherwise: the terminal may be of another mount namespace, as in docker exec -t.
func hasName(fd int) bool {
	path, err := os.Readlink("/proc/self/fd/" + strconv.Itoa(fd))
	if err != nil {
		return false
	}
	var named, open unix.Stat_t
	return unix.Stat(path, &named) == nil && unix.Fstat(fd, &open) == nil && named.Dev == open.Dev && named.Ino == open.Ino
}

func isTerminal(fd int) bool {
	_, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	return err == nil
}
