//go:build amd64 || arm64

package klog

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// An AuditLog has the kernel's audit records of a time. It listens to them itself, where it may: what auditd
// takes never comes to the kernel's log, which also leaves out what comes too fast.
type AuditLog struct {
	since time.Time
	fd    int // -1 without the right to listen, where the kernel's log is read
	heard []logText
}

// ListenAudit begins to. It takes CAP_AUDIT_READ in the initial user namespace, and the initial network
// namespace, whose listeners alone the kernel tells.
func ListenAudit() *AuditLog {
	const readers, buffer = 1, 4 << 20 // AUDIT_NLGRP_READLOG
	l := &AuditLog{since: time.Now(), fd: -1}
	if !InInitialPIDNamespace() || !inInitialNetNamespace() {
		return l
	}
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.NETLINK_AUDIT)
	if err != nil {
		return l
	}
	if unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: readers}) != nil {
		unix.Close(fd)
		return l
	}
	unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, buffer) // nobody reads meanwhile
	l.fd = fd
	return l
}

// inInitialNetNamespace reports whether this process is where the kernel tells listeners. The namespace has
// had a number of its own, NET_INIT_INO, since Linux 6.18.
func inInitialNetNamespace() bool {
	const initial = 0xeffffff9
	own := inode("/proc/self/ns/net")
	return own == initial || own == inode("/proc/1/ns/net")
}

// Readable reports whether records can be had.
func (l *AuditLog) Readable() bool { return l.fd >= 0 || Readable() }

// Complete reports whether nothing is left out of them.
func (l *AuditLog) Complete() bool { return l.fd >= 0 }

// texts are the records of a kind.
func (l *AuditLog) texts(kind uint16) func(yield func(logText) bool) {
	if l.fd < 0 {
		return texts(l.since, beginning(kind))
	}
	l.hear()
	return func(yield func(logText) bool) {
		for _, text := range l.heard {
			if strings.HasPrefix(string(text), beginning(kind)) && !yield(text) {
				return
			}
		}
	}
}

// beginning is how the kernel's log begins a record of a kind.
func beginning(kind uint16) string { return fmt.Sprintf("audit: type=%d audit(", kind) }

// hear reads what has come, in the form that the kernel's log has. Its kind is beside the
// text, so that no text has a say in it, and only the kernel's own port counts. A thread of the kernel's sends
// what programs have caused, a little later.
func (l *AuditLog) hear() {
	const later, most = 20, 10000 // milliseconds, records
	buf := make([]byte, 16<<10)   // MAX_AUDIT_MESSAGE_LENGTH is 8970
	for l.fd >= 0 && len(l.heard) < most {
		unix.Poll([]unix.PollFd{{Fd: int32(l.fd), Events: unix.POLLIN}}, later)
		n, from, err := unix.Recvfrom(l.fd, buf, 0)
		if err == unix.EINTR || err == unix.ENOBUFS { // some have been lost
			continue
		}
		if err != nil {
			return
		}
		sender, ok := from.(*unix.SockaddrNetlink)
		if ok && sender.Pid == 0 && n > unix.SizeofNlMsghdr {
			kind := nativeUint16(buf[4:])
			text := strings.TrimRight(string(buf[unix.SizeofNlMsghdr:n]), "\x00\n")
			l.heard = append(l.heard, logText(fmt.Sprintf("audit: type=%d %s", kind, text)))
		}
	}
}

// nativeUint16 is a number as these machines have it.
func nativeUint16(b []byte) uint16 { return uint16(b[0]) | uint16(b[1])<<8 }

const (
	auditSeccomp        = 1326
	auditLandlockAccess = 1423 // Linux 6.15
	auditLandlockDomain = 1424
)

// A Refusal is a system call that a filter has answered with an error, and the name of the
// process.
type Refusal struct{ Call, Name string }

// Refused are the calls that filters have refused, each once. The log does not say whose filters.
func (l *AuditLog) Refused() (list []Refusal) {
	for text := range l.texts(auditSeccomp) {
		code, _ := strconv.ParseUint(strings.TrimPrefix(text.last(" ", "code"), "0x"), 16, 32)
		call, ok := text.call()
		if code&unix.SECCOMP_RET_ACTION != unix.SECCOMP_RET_ERRNO || !ok {
			continue
		}
		r := Refusal{call, untrusted(text.first(" ", "comm"))}
		if !slices.Contains(list, r) {
			list = append(list, r)
		}
	}
	return list
}

// A Denial is what Landlock has denied: rights as the kernel's log has them, such as fs.read_file, and the path
// as the program sees it, or the port.
type Denial struct {
	Rights string
	Path   string
	Port   uint16
}

// Denied is what the restrictions have denied that a process has set for itself, the last first, and what
// was denied of one path together. The record of a denial is that of landlock_log_denial in the
// kernel's security/landlock/audit.c, which names a domain; another record says which process has
// made that.
func (l *AuditLog) Denied(process int) (list []Denial) {
	const most = 64
	domains := map[string]bool{}
	for text := range l.texts(auditLandlockDomain) {
		if pid, is := text.allocated(); is && pid == process {
			domains[text.domain()] = true
		}
	}
	for text := range l.texts(auditLandlockAccess) {
		if d := text.denial(); domains[text.domain()] && d.Rights != "" {
			list = d.before(list)
		}
		list = list[:min(len(list), most)]
	}
	return list
}

// ChildOf is the process that an init has probably started whose first child is gone already: the next one that has
// restricted itself, and the file that it had executed by then is one of those given.
func (l *AuditLog) ChildOf(init int, executables ...string) (process int) {
	const near = 1000
	for text := range l.texts(auditLandlockDomain) {
		pid, is := text.allocated()
		if is && pid > init && pid < init+near && (process == 0 || pid < process) && slices.Contains(executables, untrusted(text.first(" ", "exe"))) {
			process = pid
		}
	}
	return process
}

// allocated is which process has made a domain. Both fields come before what programs have a hand in.
func (l logText) allocated() (process int, is bool) {
	process, err := strconv.Atoi(l.first(" ", "pid"))
	return process, err == nil && l.first(" ", "status") == "allocated"
}

// before puts a denial in front of a list, with the rights of an earlier one of the same object.
func (d Denial) before(list []Denial) []Denial {
	same := func(other Denial) bool {
		return other.Path == d.Path && other.Port == d.Port && (d.Path != "" || other.Rights == d.Rights)
	}
	if i := slices.IndexFunc(list, same); i >= 0 {
		rights := append(strings.Split(list[i].Rights, ","), strings.Split(d.Rights, ",")...)
		slices.Sort(rights)
		d.Rights = strings.Join(slices.Compact(rights), ",")
		list = slices.Delete(list, i, i+1)
	}
	return slices.Insert(list, 0, d)
}

// domain is which one a record is about. "audit(TIME:SERIAL):" and a space come before it.
func (l logText) domain() string { return l.first(" ", "domain") }

// denial is what a record says. No value has a space in it: the kernel writes a path with one as hexadecimal digits.
func (l logText) denial() Denial {
	d := Denial{Rights: l.first(" ", "blockers"), Path: untrusted(l.first(" ", "path"))}
	for _, key := range [...]string{"dest", "src"} {
		if port, err := strconv.ParseUint(l.first(" ", key), 10, 16); err == nil {
			d.Port = uint16(port)
		}
	}
	return d
}

// untrusted is what a value says that programs have a hand in: audit_log_untrustedstring has written it in quotes, or
// as hexadecimal digits if there is anything odd in it.
func untrusted(value string) string {
	if text, quoted := strings.CutPrefix(value, `"`); quoted {
		return strings.TrimSuffix(text, `"`)
	}
	text, err := hex.DecodeString(value)
	if err != nil {
		return value
	}
	return string(text)
}
