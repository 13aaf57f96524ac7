//go:build amd64 || arm64

package spec

import (
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// mostName is how long a host name can be, __NEW_UTS_LEN.
const mostName = 64

func (r *Start) checkInside() *Error {
	a := r.Attr
	for _, n := range []struct{ field, name string }{{"Attr.Hostname", a.Hostname}, {"Attr.Domainname", a.Domainname}} {
		switch {
		case len(n.name) > mostName:
			return Invalid(n.field, n.name, "is longer than 64 bytes")
		case strings.IndexByte(n.name, 0) >= 0:
			return Invalid(n.field, strconv.Quote(n.name), "contains a NUL byte")
		}
	}
	for i, s := range a.Sysctls {
		if err := s.check(Index("Attr.Sysctls", i)); err != nil {
			return err
		}
	}
	if a.TimeOffsets != nil && r.Sys.Unshareflags&unix.CLONE_NEWTIME == 0 {
		return Invalid("Attr.TimeOffsets", "", "needs a new time namespace: {CLONE_NEWTIME in Unshareflags|SysProcAttr.Unshareflags: CLONE_NEWTIME}; one of {Cloneflags|SysProcAttr.Cloneflags} has begun already")
	}
	if kinds := a.ReportNamespaces; kinds&^AllKinds != 0 {
		return Invalid("Attr.ReportNamespaces", "0x"+strconv.FormatUint(uint64(kinds&^AllKinds), 16), "is no kind of namespace")
	}
	if r.InPlace && a.ReportNamespaces != 0 {
		return Invalid("Attr.ReportNamespaces", "", "has nobody to report to in an Exec")
	}
	return nil
}

func (s *Sysctl) check(field string) *Error {
	path := s.Path()
	if strings.IndexByte(s.Name+s.Value, 0) >= 0 {
		return Invalid(field, strconv.Quote(s.Name), "contains a NUL byte")
	}
	if s.Kind() == 0 {
		return Invalid(field, s.Name, "belongs to no namespace: it would change the host")
	}
	if s.Value == "" {
		return Invalid(field, s.Name, "has no value")
	}
	for part := range strings.SplitSeq(path, "/") {
		if part == "" || part == "." || part == ".." {
			return Invalid(field, s.Name, "is no name of a parameter")
		}
	}
	return nil
}

// Path is the file below /proc/sys.
func (s *Sysctl) Path() string {
	if i := strings.IndexAny(s.Name, "./"); i < 0 || s.Name[i] == '/' {
		return s.Name
	}
	return strings.Map(func(r rune) rune {
		switch r {
		case '.':
			return '/'
		case '/':
			return '.'
		}
		return r
	}, s.Name)
}

// ofIPC are the parameters below kernel that belong to an IPC namespace
// (ipc_sysctls in ipc/ipc_sysctl.c).
var ofIPC = []string{
	"shmall", "shmmax", "shmmni", "shm_rmid_forced", "msgmax", "msgmnb", "msgmni", "auto_msgmni", "sem",
	"sem_next_id", "msg_next_id", "shm_next_id",
}

// ofPID are the parameters that belong to a PID namespace. That of pid_max did not before Linux
// 6.14; memfd_noexec (6.3) and ns_last_pid have always, and are not
// there where they do not.
var ofPID = []string{PidMax, "kernel/ns_last_pid", "vm/memfd_noexec"}

// PidMax is the parameter kernel.pid_max.
const PidMax = "kernel/pid_max"

// Kind is that of the namespace that the parameter belongs to, or 0.
func (s *Sysctl) Kind() NamespaceKind {
	path := s.Path()
	top, rest, _ := strings.Cut(path, "/")
	switch {
	case top == "net":
		return NetworkNamespace
	case top == "user":
		return UserNamespace
	case top == "fs" && strings.HasPrefix(rest, "mqueue/"), top == "kernel" && slices.Contains(ofIPC, rest):
		return IPCNamespace
	case path == "kernel/hostname", path == "kernel/domainname":
		return UTSNamespace
	case slices.Contains(ofPID, path):
		return PIDNamespace
	}
	return 0
}
