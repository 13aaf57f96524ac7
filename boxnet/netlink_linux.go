package boxnet

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

const loIndex = 1 // the kernel makes lo first in each namespace

// routes brings lo up, and makes the addresses local that the program may connect to: a connection
// to any of them ends in the namespace. See rtnetlink(7).
func (in *inside) routes(f *os.File) error {
	fd, err := take(f)
	if err != nil {
		return err
	}
	defer unix.Close(fd) // nothing else is to be set up later
	nl := netlink{fd: fd}
	if err := in.call("lo up", func() error { return nl.ask(unix.RTM_NEWLINK, 0, linkUp()) }); err != nil {
		return err
	}
	local := []netip.Prefix{standIns()}
	for _, a := range in.literals() {
		if !a.IsLoopback() {
			local = append(local, netip.PrefixFrom(a, a.BitLen()))
		}
	}
	for _, p := range local {
		err := in.call("route to "+p.String(), func() error {
			return nl.ask(unix.RTM_NEWROUTE, unix.NLM_F_CREATE|unix.NLM_F_REPLACE, localRoute(p))
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// linkUp is an ifinfomsg.
func linkUp() []byte {
	b := make([]byte, unix.SizeofIfInfomsg)
	binary.NativeEndian.PutUint32(b[4:], loIndex)
	binary.NativeEndian.PutUint32(b[8:], unix.IFF_UP)
	binary.NativeEndian.PutUint32(b[12:], unix.IFF_UP)
	return b
}

// localRoute is a rtmsg with its attributes: what the kernel itself makes for the
// addresses of a device.
func localRoute(p netip.Prefix) []byte {
	family, scope := byte(unix.AF_INET), byte(unix.RT_SCOPE_HOST)
	if p.Addr().Is6() {
		family, scope = unix.AF_INET6, unix.RT_SCOPE_UNIVERSE
	}
	b := []byte{family, byte(p.Bits()), 0, 0, unix.RT_TABLE_LOCAL, unix.RTPROT_BOOT, scope, unix.RTN_LOCAL, 0, 0, 0, 0}
	b = attribute(b, unix.RTA_DST, p.Masked().Addr().AsSlice())
	return attribute(b, unix.RTA_OIF, binary.NativeEndian.AppendUint32(nil, loIndex))
}

// attribute appends one whose value is a multiple of four bytes.
func attribute(b []byte, kind uint16, value []byte) []byte {
	b = binary.NativeEndian.AppendUint16(b, uint16(unix.SizeofRtAttr+len(value)))
	b = binary.NativeEndian.AppendUint16(b, kind)
	return append(b, value...)
}

type netlink struct {
	fd       int
	sequence uint32
}

// ask sends a request and reads whether it was done. The kernel answers before the request returns.
func (n *netlink) ask(kind, flags uint16, body []byte) error {
	n.sequence++
	var b []byte
	b = binary.NativeEndian.AppendUint32(b, uint32(unix.SizeofNlMsghdr+len(body)))
	b = binary.NativeEndian.AppendUint16(b, kind)
	b = binary.NativeEndian.AppendUint16(b, unix.NLM_F_REQUEST|unix.NLM_F_ACK|flags)
	b = binary.NativeEndian.AppendUint32(b, n.sequence)
	b = binary.NativeEndian.AppendUint32(b, 0)
	b = append(b, body...)
	if err := unix.Sendto(n.fd, b, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return os.NewSyscallError("sendto", err)
	}
	return n.acknowledged()
}

func (n *netlink) acknowledged() error {
	buf := make([]byte, 4096)
	size, from, err := unix.Recvfrom(n.fd, buf, 0)
	if err != nil {
		return os.NewSyscallError("recvfrom", err)
	}
	if k, is := from.(*unix.SockaddrNetlink); !is || k.Pid != 0 {
		return errors.New("an answer that is not the kernel's")
	}
	messages, err := syscall.ParseNetlinkMessage(buf[:size])
	if err != nil || len(messages) != 1 {
		return fmt.Errorf("%d answers: %w", len(messages), err)
	}
	m := messages[0]
	if m.Header.Type != unix.NLMSG_ERROR || m.Header.Seq != n.sequence || len(m.Data) < 4 {
		return fmt.Errorf("an answer of type %d", m.Header.Type)
	}
	if errno := int32(binary.NativeEndian.Uint32(m.Data)); errno != 0 {
		return syscall.Errno(-errno)
	}
	return nil
}

// take makes a socket this package's own, as a descriptor: a start that fails closes the files
// of the meeting at any time, and their numbers can then be somebody else's.
func take(f *os.File) (fd int, err error) {
	raw, err := f.SyscallConn()
	if err != nil {
		return -1, err
	}
	own, dup := -1, error(nil)
	err = raw.Control(func(n uintptr) { own, dup = unix.FcntlInt(n, unix.F_DUPFD_CLOEXEC, 3) })
	if err = errors.Join(err, dup); err != nil {
		return -1, err
	}
	return own, f.Close()
}
