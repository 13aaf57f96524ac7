//go:build amd64 || arm64

package sprog

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/kernel"
	"github.com/sprog-dev/sprog/internal/program"
)

// mostName is how long a host name can be, __NEW_UTS_LEN.
const mostName = 64

func (r *request) checkInside() *StartError {
	a := r.attr
	for _, n := range []struct{ field, name string }{{"Attr.Hostname", a.Hostname}, {"Attr.Domainname", a.Domainname}} {
		switch {
		case len(n.name) > mostName:
			return invalidf(n.field, n.name, "is longer than 64 bytes")
		case strings.IndexByte(n.name, 0) >= 0:
			return invalidf(n.field, strconv.Quote(n.name), "contains a NUL byte")
		}
	}
	for i, s := range a.Sysctls {
		if err := s.check(index("Attr.Sysctls", i)); err != nil {
			return err
		}
	}
	if a.TimeOffsets != nil && r.sys.Unshareflags&unix.CLONE_NEWTIME == 0 {
		return invalidf("Attr.TimeOffsets", "", "needs a new time namespace: CLONE_NEWTIME in Unshareflags; one of Cloneflags has begun already")
	}
	if kinds := a.ReportNamespaces; kinds&^allKinds != 0 {
		return invalidf("Attr.ReportNamespaces", "0x"+strconv.FormatUint(uint64(kinds&^allKinds), 16), "is no kind of namespace")
	}
	if r.inPlace && a.ReportNamespaces != 0 {
		return invalidf("Attr.ReportNamespaces", "", "has nobody to report to in an Exec")
	}
	return nil
}

func (s *Sysctl) check(field string) *StartError {
	path := s.path()
	if strings.IndexByte(s.Name+s.Value, 0) >= 0 {
		return invalidf(field, strconv.Quote(s.Name), "contains a NUL byte")
	}
	if s.kind() == 0 {
		return invalidf(field, s.Name, "belongs to no namespace: it would change the host")
	}
	if s.Value == "" {
		return invalidf(field, s.Name, "has no value")
	}
	for part := range strings.SplitSeq(path, "/") {
		if part == "" || part == "." || part == ".." {
			return invalidf(field, s.Name, "is no name of a parameter")
		}
	}
	return nil
}

// path is the file below /proc/sys.
func (s *Sysctl) path() string {
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
var ofPID = []string{pidMax, "kernel/ns_last_pid", "vm/memfd_noexec"}

const pidMax = "kernel/pid_max"

// kind is that of the namespace that the parameter belongs to, or 0.
func (s *Sysctl) kind() NamespaceKind {
	path := s.path()
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

// isInside reports whether the child leaves the caller's namespace of a kind.
// Unshare makes a PID namespace for the children of the child alone.
func (s *starter) isInside(kind NamespaceKind) bool {
	made := NamespaceKind(s.ask.sys.Cloneflags | s.ask.sys.Unshareflags)
	if kind == PIDNamespace {
		made = NamespaceKind(s.ask.sys.Cloneflags)
	}
	return made&kind != 0 || s.given.joins.joins(kind)
}

// checkHost refuses what would change the host. Which namespaces of a process
// are joined is known only now.
func (s *starter) checkHost() *StartError {
	a := s.ask.attr
	for _, need := range []struct {
		field string
		asked bool
		kind  NamespaceKind
		flag  string
	}{
		{"Attr.Hostname", a.Hostname != "", UTSNamespace, "CLONE_NEWUTS"},
		{"Attr.Domainname", a.Domainname != "", UTSNamespace, "CLONE_NEWUTS"},
		{"Attr.Loopback", a.Loopback, NetworkNamespace, "CLONE_NEWNET"},
	} {
		if need.asked && !s.isInside(need.kind) {
			return invalidf(need.field, "", "needs a new or joined "+need.kind.String()+" namespace ("+need.flag+"): it would change the host")
		}
	}
	for i, c := range a.Sysctls {
		if !s.isInside(c.kind()) {
			return invalidf(index("Attr.Sysctls", i), c.Name, "needs a new or joined "+c.kind().String()+" namespace: it would change the host")
		}
		if c.path() == pidMax && !s.describing && kernel.OlderThan(6, 14) {
			return invalidf(index("Attr.Sysctls", i), c.Name, "belongs to no namespace before Linux 6.14: it would change the host")
		}
	}
	if a.TimeOffsets != nil && !s.describing && kernel.OlderThan(6, 2) {
		return &StartError{Field: "Attr.TimeOffsets", Err: unix.ENOSYS, Hint: "an execve enters a new time namespace since Linux 6.2"}
	}
	return nil
}

// timeOffsets sets the clocks of a time namespace in which nobody is yet: the
// execve of the program enters it.
func (b *builder) timeOffsets() {
	if o := b.ask.attr.TimeOffsets; o != nil {
		b.writeProc("Attr.TimeOffsets", "self/timens_offsets", "monotonic "+offset(o.Monotonic)+"\nboottime "+offset(o.Boottime)+"\n")
	}
}

// offset is a duration in seconds and nanoseconds, which are not negative.
func offset(d time.Duration) string {
	nsec := d % time.Second
	if nsec < 0 {
		nsec += time.Second
	}
	return strconv.FormatInt(int64((d-nsec)/time.Second), 10) + " " + strconv.FormatInt(int64(nsec), 10)
}

func (b *builder) hostname() {
	if name := b.ask.attr.Hostname; name != "" {
		b.add("Attr.Hostname", program.Sethostname, b.p.Str(name), num(len(name)))
	}
	if name := b.ask.attr.Domainname; name != "" {
		b.add("Attr.Domainname", program.Setdomainname, b.p.Str(name), num(len(name)))
	}
}

func (b *builder) sysctls() {
	for i, s := range b.ask.attr.Sysctls {
		b.writeProc(index("Attr.Sysctls", i), "sys/"+s.path(), s.Value)
	}
}

// loopback brings up lo, whose addresses come with that. Every socket takes the
// request, one of AF_UNIX also where there is no IPv4 (netdevice(7)).
func (b *builder) loopback() {
	if !b.ask.attr.Loopback {
		return
	}
	const name = "Attr.Loopback"
	request := b.p.Words('l'|'o'<<8, 0, unix.IFF_UP|unix.IFF_RUNNING, 0, 0)
	b.add(name, program.Socket, num(unix.AF_UNIX), num(unix.SOCK_DGRAM|unix.SOCK_CLOEXEC), num(0))
	b.p.WithOpen(func(fd program.Arg) { b.add(name, program.Ioctl, fd, num(unix.SIOCSIFFLAGS), request) })
}
