package boxnet

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"sync"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A mint makes TCP sockets in the namespace, which this process is not in. A socket of the namespace, the
// dialer, connects to another, the door. Both ends of the connection are then unconnected again, by
// connect(2) with AF_UNSPEC. The end that came out of the door has become a new
// socket, of that namespace, which can listen or connect anywhere.
type mint struct {
	mu           sync.Mutex
	family       int
	door, dialer int
	at           unix.Sockaddr
}

// mintTime is for what takes microseconds. Only a program that floods the door makes it take longer.
const mintTime = 5 * time.Second

var errMint = errors.New("the program keeps the door busy")

// doorAddress is one that no program has a reason to use.
func doorAddress(family int) netip.AddrPort {
	if family == unix.AF_INET6 {
		return netip.AddrPortFrom(netip.IPv6Loopback(), 0)
	}
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 255, 255, 254}), 0)
}

func (m *mint) openDoor(in *inside, family int, f *os.File) (err error) {
	m.family = family
	if m.door, err = take(f); err != nil {
		return err
	}
	if err := in.call("bind the door", func() error { return unix.Bind(m.door, sockaddr(doorAddress(family))) }); err != nil {
		return err
	}
	if err := in.call("listen at the door", func() error { return unix.Listen(m.door, 128) }); err != nil {
		return err
	}
	return in.call("ask for the door's port", func() (err error) {
		m.at, err = unix.Getsockname(m.door)
		return err
	})
}

func (m *mint) openDialer(f *os.File) (err error) {
	m.dialer, err = take(f)
	return err
}

// close gives the two sockets up, and keeps others from using their numbers until then.
func (m *mint) close() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, fd := range []*int{&m.door, &m.dialer} {
		if *fd > 0 {
			unix.Close(*fd)
		}
		*fd = -1
	}
}

// socket is a new one. What else has connected to the door is the program's, and is closed.
func (m *mint) socket(in *inside) (fd int, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if in.ctx.Err() != nil { // the descriptors are about to be somebody else's
		return -1, net.ErrClosed
	}
	defer disconnect(m.dialer)
	until := time.Now().Add(mintTime)
	if err := unix.Connect(m.dialer, m.at); err != nil && err != unix.EINPROGRESS {
		return -1, os.NewSyscallError("connect", err)
	}
	own, err := unix.Getsockname(m.dialer)
	if err != nil {
		return -1, os.NewSyscallError("getsockname", err)
	}
	for time.Now().Before(until) && in.ctx.Err() == nil {
		fd, peer, err := unix.Accept4(m.door, unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK)
		switch {
		case err == unix.EAGAIN:
			unix.Poll([]unix.PollFd{{Fd: int32(m.door), Events: unix.POLLIN}}, 50)
		case err == unix.EINTR || err == unix.ECONNABORTED:
		case err != nil:
			return -1, os.NewSyscallError("accept4", err)
		case addrPort(peer) != addrPort(own):
			unix.Close(fd)
		default:
			if err := disconnect(fd); err != nil {
				unix.Close(fd)
				return -1, os.NewSyscallError("connect", err)
			}
			return fd, nil
		}
	}
	return -1, errMint
}

// disconnect makes a TCP socket as good as new, but for its address if it has been bound to one.
func disconnect(fd int) error {
	var unspec unix.RawSockaddrAny
	_, _, errno := unix.Syscall(unix.SYS_CONNECT, uintptr(fd), uintptr(unsafe.Pointer(&unspec)), unix.SizeofSockaddrAny)
	if errno != 0 {
		return errno
	}
	return nil
}

// bind binds to an address that a route has made local, which bind(2) of IPv6 asks no routes for.
func bind(fd int, at netip.AddrPort) error {
	if at.Addr().Is6() {
		if err := unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_FREEBIND, 1); err != nil {
			return os.NewSyscallError("setsockopt", err)
		}
	}
	return os.NewSyscallError("bind", unix.Bind(fd, sockaddr(at)))
}

func sockaddr(a netip.AddrPort) unix.Sockaddr {
	if a.Addr().Is6() {
		return &unix.SockaddrInet6{Addr: a.Addr().As16(), Port: int(a.Port())}
	}
	return &unix.SockaddrInet4{Addr: a.Addr().As4(), Port: int(a.Port())}
}

func addrPort(s unix.Sockaddr) netip.AddrPort {
	switch s := s.(type) {
	case *unix.SockaddrInet4:
		return netip.AddrPortFrom(netip.AddrFrom4(s.Addr), uint16(s.Port))
	case *unix.SockaddrInet6:
		return netip.AddrPortFrom(netip.AddrFrom16(s.Addr), uint16(s.Port))
	}
	return netip.AddrPort{}
}

// mintOf is the one for an address's family.
func (in *inside) mintOf(a netip.Addr) *mint {
	if a.Is6() {
		return &in.mints[1]
	}
	return &in.mints[0]
}

// listen makes a listener at an address of the namespace.
func (in *inside) listen(at netip.AddrPort) (l *net.TCPListener, err error) {
	fd := -1
	name := at.String()
	if err := in.call("socket for "+name, func() error { fd, err = in.mintOf(at.Addr()).socket(in); return err }); err != nil {
		return nil, err
	}
	f := os.NewFile(uintptr(fd), name)
	defer f.Close()
	if err := in.call("bind "+name, func() error { return bind(fd, at) }); err != nil {
		return nil, err
	}
	if err := in.call("listen "+name, func() error { return unix.Listen(fd, unix.SOMAXCONN) }); err != nil {
		return nil, err
	}
	err = in.call("poll "+name, func() error {
		any, err := net.FileListener(f)
		if err == nil {
			l = any.(*net.TCPListener)
		}
		return err
	})
	if err == nil && !in.keep(l) {
		return nil, net.ErrClosed
	}
	return l, err
}
