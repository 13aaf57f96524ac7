// Package ownproc is the way to what /proc says of processes by their numbers.
//
// A process may see the /proc of another PID namespace: after unshare(1) -p without a
// new mount, in a chroot, by a mount of somebody else's. The numbers there are those
// of strangers. A [Dir] is a /proc that has been found to number processes as this one does, and it
// stays that one whatever is mounted later.
package ownproc

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// ErrNotMounted says that there is no proc file system at /proc, ErrForeign that it is
// one whose numbers are not this process's, ErrNoPidFD that a descriptor is no pidfd.
var (
	ErrNotMounted = errors.New("no proc file system is mounted at /proc")
	ErrForeign    = errors.New("/proc is that of another PID namespace")
	ErrNoPidFD    = errors.New("is no pidfd")
)

// A Dir is this process's own /proc, open.
type Dir struct{ fd int }

// Open opens it.
func Open() (Dir, error) {
	fd, err := openProc(unix.O_RDONLY)
	if err != nil {
		return Dir{-1}, err
	}
	if err := Check(fd); err != nil {
		unix.Close(fd)
		return Dir{-1}, err
	}
	return Dir{fd}, nil
}

func openProc(mode int) (fd int, err error) {
	fd, err = unix.Open("/proc", mode|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	switch err {
	case nil:
		return fd, nil
	case unix.ENOENT, unix.ENOTDIR:
		return -1, ErrNotMounted
	}
	return -1, fmt.Errorf("open /proc: %w", err)
}

// Close closes it.
func (d Dir) Close() { unix.Close(d.fd) }

// Missing says why this process has no /proc of its own, or is nil.
func Missing() error {
	d, err := Open()
	if err == nil {
		d.Close()
	}
	return err
}

// Check says why a directory that is open is not this process's own /proc, or is nil.
//
// In one of a namespace that this process is not in, "self" leads nowhere. In one of a namespace
// above its own, "self" is its number there, which may happen to be the same; but
// NSpid (Linux 4.1) lists its numbers in all namespaces from that one down
// (proc_pid_status(5)). gVisor has no NSpid, and one /proc for each namespace.
func Check(fd int) error {
	var fs unix.Statfs_t
	if unix.Fstatfs(fd, &fs) != nil || fs.Type != unix.PROC_SUPER_MAGIC {
		return ErrNotMounted
	}
	var buf [16]byte
	n, err := unix.Readlinkat(fd, "self", buf[:])
	if err != nil || string(buf[:n]) != strconv.Itoa(os.Getpid()) {
		return ErrForeign
	}
	var st unix.Stat_t
	if unix.Fstat(fd, &st) == nil && st.Dev != 0 && uint64(st.Dev) == known.Load() {
		return nil
	}
	status, err := Dir{fd}.read("self/status")
	if err != nil {
		return fmt.Errorf("/proc/self/status: %w", err)
	}
	_, after, has := strings.Cut(status, "\nNSpid:")
	numbers, _, _ := strings.Cut(after, "\n")
	if has && len(strings.Fields(numbers)) != 1 {
		return ErrForeign
	}
	known.Store(uint64(st.Dev))
	return nil
}

// known is the device of a proc file system whose NSpid was looked at, which takes four
// times as long as all the rest.
var known atomic.Uint64

// NumberOf is the number that a process has in /proc, even if that is not this process's
// own: what is at that number there is of that process.
func NumberOf(pidfd int) (pid int, err error) {
	proc, err := openProc(unix.O_PATH)
	if err != nil {
		return 0, err
	}
	defer unix.Close(proc)
	info, err := Dir{proc}.read("self/fdinfo/" + strconv.Itoa(pidfd))
	switch err {
	case nil:
	case unix.EMFILE, unix.ENFILE, unix.ENOMEM: // which say nothing about what is there
		return 0, fmt.Errorf("open /proc/self/fdinfo: %w", err)
	default:
		return 0, ErrNotMounted
	}
	_, after, found := strings.Cut(info, "\nPid:")
	line, _, _ := strings.Cut(after, "\n")
	pid, err = strconv.Atoi(strings.TrimSpace(line))
	switch {
	case !found || err != nil:
		return 0, ErrNoPidFD
	case pid == 0:
		return 0, ErrForeign
	case pid < 0:
		return 0, unix.ESRCH
	}
	return pid, nil
}

// OpenFile opens a file of a process.
func (d Dir) OpenFile(pid int, name string, flags int) (fd int, err error) {
	return unix.Openat(d.fd, strconv.Itoa(pid)+"/"+name, flags|unix.O_CLOEXEC, 0)
}

func (d Dir) open(name string) (*os.File, error) {
	fd, err := unix.Openat(d.fd, name, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), name), nil
}

// read reads a file to its end.
func (d Dir) read(name string) (string, error) { return ReadAt(d.fd, name, 4096) }

// ReadAt reads a file in a directory to its end, atOnce bytes at a time. What changes meanwhile can show between two
// reads.
func ReadAt(dir int, name string, atOnce int) (string, error) {
	fd, err := unix.Openat(dir, name, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return "", err
	}
	defer unix.Close(fd)
	var text []byte
	for buf := make([]byte, atOnce); ; {
		n, err := unix.Read(fd, buf)
		switch {
		case err == unix.EINTR:
		case err != nil:
			return "", err
		case n == 0:
			return string(text), nil
		default:
			text = append(text, buf[:n]...)
		}
	}
}

// Name returns the name of a process, if there is such a process (proc_pid_stat(5)).
func (d Dir) Name(pid int) (string, bool) {
	stat, _ := d.read(strconv.Itoa(pid) + "/stat")
	begin, end := strings.IndexByte(stat, '('), strings.LastIndexByte(stat, ')')
	if begin < 0 || end < begin {
		return "", false
	}
	return stat[begin+1 : end], true
}

// Stat returns the fields of /proc/PID/stat that follow the task's name, its state
// and its parent first (proc_pid_stat(5)). There are none if there is no such
// process any more.
func (d Dir) Stat(pid int) []string {
	stat, _ := d.read(strconv.Itoa(pid) + "/stat")
	return strings.Fields(stat[strings.LastIndexByte(stat, ')')+1:])
}

// Threads lists the threads of a process.
func (d Dir) Threads(pid int) (list []int) {
	for _, name := range d.names(strconv.Itoa(pid) + "/task") {
		if n, err := strconv.Atoi(name); err == nil {
			list = append(list, n)
		}
	}
	return list
}

// Text is what is in a file of a process, or "" where that cannot be read.
func (d Dir) Text(pid int, name string) string {
	text, _ := d.read(strconv.Itoa(pid) + "/" + name)
	return text
}

// State returns the state and the parent of a process. One that is gone has the state
// "" and the parent 0.
func (d Dir) State(pid int) (state string, parent int) {
	fields := d.Stat(pid)
	if len(fields) < 2 {
		return "", 0
	}
	parent, _ = strconv.Atoi(fields[1])
	return fields[0], parent
}

// Children lists the children of a process, those of all of its threads
// (proc_pid_task(5); a kernel without CONFIG_PROC_CHILDREN has no such list).
func (d Dir) Children(pid int) (list []int) {
	base := strconv.Itoa(pid) + "/task"
	for _, task := range d.names(base) {
		text, err := d.read(base + "/" + task + "/children")
		if err == unix.ENOENT {
			if state, _ := d.State(pid); state != "" {
				return d.childrenByParent(pid)
			}
		}
		for word := range strings.FieldsSeq(text) {
			if n, err := strconv.Atoi(word); err == nil {
				list = append(list, n)
			}
		}
	}
	return list
}

// childrenByParent looks through all processes.
func (d Dir) childrenByParent(pid int) (list []int) {
	for _, name := range d.names(".") {
		n, err := strconv.Atoi(name)
		if err != nil {
			continue
		}
		if _, parent := d.State(n); parent == pid {
			list = append(list, n)
		}
	}
	return list
}

// names lists a directory.
func (d Dir) names(name string) []string {
	dir, err := d.open(name)
	if err != nil {
		return nil
	}
	defer dir.Close()
	names, _ := dir.Readdirnames(-1)
	return names
}
