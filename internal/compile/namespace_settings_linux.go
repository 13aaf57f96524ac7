//go:build amd64 || arm64

package compile

import (
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/program"
	"github.com/sprog-dev/sprog/internal/spec"
)

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
		b.add("Attr.Hostname", program.Sethostname, b.p.Str(name), Num(len(name)))
	}
	if name := b.ask.Attr.Domainname; name != "" {
		b.add("Attr.Domainname", program.Setdomainname, b.p.Str(name), Num(len(name)))
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
	b.add(name, program.Socket, Num(unix.AF_UNIX), Num(unix.SOCK_DGRAM|unix.SOCK_CLOEXEC), Num(0))
	b.p.WithOpen(func(fd program.Arg) { b.add(name, program.Ioctl, fd, Num(unix.SIOCSIFFLAGS), request) })
}
