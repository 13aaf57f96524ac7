//go:build amd64 || arm64

package sprog

import (
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/kernel"
	"github.com/sprog-dev/sprog/internal/program"
	"github.com/sprog-dev/sprog/internal/spec"
)

// isInside reports whether the child leaves the caller's namespace of a kind.
// Unshare makes a PID namespace for the children of the child alone.
func (s *starter) isInside(kind spec.NamespaceKind) bool {
	made := spec.NamespaceKind(s.ask.Sys.Cloneflags | s.ask.Sys.Unshareflags)
	if kind == spec.PIDNamespace {
		made = spec.NamespaceKind(s.ask.Sys.Cloneflags)
	}
	return made&kind != 0 || s.given.joins.joins(kind)
}

// checkHost refuses what would change the host. Which namespaces of a process
// are joined is known only now.
func (s *starter) checkHost() *spec.Error {
	a := s.ask.Attr
	for _, need := range []struct {
		field string
		asked bool
		kind  spec.NamespaceKind
		flag  string
	}{
		{"Attr.Hostname", a.Hostname != "", spec.UTSNamespace, "CLONE_NEWUTS"},
		{"Attr.Domainname", a.Domainname != "", spec.UTSNamespace, "CLONE_NEWUTS"},
		{"Attr.Loopback", a.Loopback, spec.NetworkNamespace, "CLONE_NEWNET"},
	} {
		if need.asked && !s.isInside(need.kind) {
			return spec.Invalid(need.field, "", "needs a new or joined "+need.kind.String()+" namespace ("+need.flag+"): it would change the host")
		}
	}
	for i, c := range a.Sysctls {
		if !s.isInside(c.Kind()) {
			return spec.Invalid(spec.Index("Attr.Sysctls", i), c.Name, "needs a new or joined "+c.Kind().String()+" namespace: it would change the host")
		}
		if c.Path() == spec.PidMax && !s.describing && kernel.OlderThan(6, 14) {
			return spec.Invalid(spec.Index("Attr.Sysctls", i), c.Name, "belongs to no namespace before Linux 6.14: it would change the host")
		}
	}
	if a.TimeOffsets != nil && !s.describing && kernel.OlderThan(6, 2) {
		return &spec.Error{Field: "Attr.TimeOffsets", Err: unix.ENOSYS, Hint: "an execve enters a new time namespace since Linux 6.2"}
	}
	return nil
}

// timeOffsets sets the clocks of a time namespace in which nobody is yet: the
// execve of the program enters it.
func (b *builder) timeOffsets() {
	if o := b.ask.Attr.TimeOffsets; o != nil {
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
	if name := b.ask.Attr.Hostname; name != "" {
		b.add("Attr.Hostname", program.Sethostname, b.p.Str(name), num(len(name)))
	}
	if name := b.ask.Attr.Domainname; name != "" {
		b.add("Attr.Domainname", program.Setdomainname, b.p.Str(name), num(len(name)))
	}
}

func (b *builder) sysctls() {
	for i, s := range b.ask.Attr.Sysctls {
		b.writeProc(spec.Index("Attr.Sysctls", i), "sys/"+s.Path(), s.Value)
	}
}

// loopback brings up lo, whose addresses come with that. Every socket takes the
// request, one of AF_UNIX also where there is no IPv4 (netdevice(7)).
func (b *builder) loopback() {
	if !b.ask.Attr.Loopback {
		return
	}
	const name = "Attr.Loopback"
	request := b.p.Words('l'|'o'<<8, 0, unix.IFF_UP|unix.IFF_RUNNING, 0, 0)
	b.add(name, program.Socket, num(unix.AF_UNIX), num(unix.SOCK_DGRAM|unix.SOCK_CLOEXEC), num(0))
	b.p.WithOpen(func(fd program.Arg) { b.add(name, program.Ioctl, fd, num(unix.SIOCSIFFLAGS), request) })
}
