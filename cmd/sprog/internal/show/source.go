//go:build linux

package show

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/ownproc"
)

// Read reads what a process has, and what differs from the calling one.
func Read(pid int) (p, own *Process, err error) {
	proc, err := ownproc.Open()
	if err != nil {
		return nil, nil, fmt.Errorf("%w: mount a /proc of this PID namespace, as sprog run --proc /proc does", err)
	}
	defer proc.Close()
	if own, err = readFrom(proc, os.Getpid(), nil); err != nil || pid == os.Getpid() {
		return own, own, err
	}
	p, err = readFrom(proc, pid, own)
	return p, own, err
}

// A source is the directory of a process.
type source struct {
	dir  int
	p    *Process
	call *Process // the calling process, or nil if this is it
	text string   // its status
}

// readFrom reads it all, and then looks whether it was of one process.
func readFrom(proc ownproc.Dir, pid int, call *Process) (*Process, error) {
	dir, err := proc.OpenFile(pid, ".", unix.O_DIRECTORY)
	if err != nil {
		return nil, absent(pid, err)
	}
	defer unix.Close(dir)
	return look(dir, pid, call)
}

// look reads what is in the directory.
func look(dir, pid int, call *Process) (_ *Process, err error) {
	s := source{dir: dir, call: call,
		p: &Process{Version: Version, PID: pid, Unreadable: map[string]string{}, own: call == nil}}
	if s.text, err = s.read("status"); err != nil {
		return nil, absent(pid, err)
	}
	if group := s.number("Tgid"); group != pid && group != 0 {
		return nil, fmt.Errorf("%d is a thread of process %d", pid, group)
	}
	switch {
	case s.ended():
		s.p.Unlike = "it has ended"
	case s.kernelThread():
		s.p.Unlike = "it is a thread of the kernel"
	}
	for _, part := range []func(*source){
		(*source).identity, (*source).protections, (*source).namespaces, (*source).limits, (*source).scheduling,
		(*source).cgroups, (*source).signals, (*source).view, (*source).session,
	} {
		part(&s)
	}
	if _, err := s.read("stat"); err != nil {
		return nil, fmt.Errorf("process %d has ended meanwhile", pid)
	}
	return s.p, nil
}

// absent is the error for a process that cannot be found.
func absent(pid int, err error) error {
	switch {
	case !errors.Is(err, unix.ENOENT) && !errors.Is(err, unix.ESRCH):
		return fmt.Errorf("open /proc/%d: %w", pid, err)
	case unix.Kill(pid, 0) != unix.ESRCH:
		return fmt.Errorf("/proc does not show process %d: it is mounted with hidepid, for this user", pid)
	}
	return fmt.Errorf("there is no process %d", pid)
}

// read reads a file of the process.
func (s *source) read(name string) (string, error) { return ownproc.ReadAt(s.dir, name, 16<<10) }

// file is a file of the process, or notes why it cannot be read.
func (s *source) file(key, name string) (string, bool) {
	text, err := s.read(name)
	if err != nil {
		s.lacks(key, err)
	}
	return strings.TrimSuffix(text, "\n"), err == nil
}

// link is what a link of the process leads to.
func (s *source) link(key, name string) *string {
	buf := make([]byte, unix.PathMax+16)
	n, err := unix.Readlinkat(s.dir, name, buf)
	if err != nil {
		s.lacks(key, err)
		return nil
	}
	target := string(buf[:n])
	return &target
}

// lacks notes why something is not known.
func (s *source) lacks(key string, err error) {
	reason := err.Error()
	switch {
	case s.ended():
		reason = "the process has ended, and nobody has waited for it"
	case s.kernelThread() && (err == unix.ENOENT || err == unix.EACCES || err == unix.EPERM):
		reason = "a thread of the kernel has none"
	case err == unix.EACCES || err == unix.EPERM:
		reason = "takes the right to trace the process: the same user, dumpable, and no more rights than the caller, or CAP_SYS_PTRACE"
	case err == unix.ENOENT:
		reason = "this kernel does not tell"
	}
	s.p.Unreadable[key] = reason
}

// secret notes what the kernel tells only the process itself.
func (s *source) secret(key string) {
	s.p.Unreadable[key] = "the kernel tells only the process itself"
}

func (s *source) ended() bool {
	return strings.HasPrefix(s.field("State"), "Z") || strings.HasPrefix(s.field("State"), "X")
}

// kernelThread reports whether the process has no memory of its own.
func (s *source) kernelThread() bool { return !strings.Contains(s.text, "\nVmSize:") }

// field is a field of /proc/PID/status (proc_pid_status(5)). The name, which the process chooses,
// comes first, and has newlines escaped.
func (s *source) field(name string) string {
	_, after, _ := strings.Cut(s.text, "\n"+name+":")
	line, _, _ := strings.Cut(after, "\n")
	return strings.TrimSpace(line)
}

// has reports whether the kernel has a field, and notes it if not.
func (s *source) has(key, name string) bool {
	if strings.Contains(s.text, "\n"+name+":") {
		return true
	}
	s.lacks(key, unix.ENOENT)
	return false
}

func (s *source) number(name string) int {
	n, _ := strconv.Atoi(s.field(name))
	return n
}

func (s *source) numbers(name string) []int {
	list := []int{}
	for word := range strings.FieldsSeq(s.field(name)) {
		if n, err := strconv.Atoi(word); err == nil {
			list = append(list, n)
		}
	}
	return list
}

func (s *source) bits(name string) uint64 {
	n, _ := strconv.ParseUint(s.field(name), 16, 64)
	return n
}
