package boxnet

import (
	"net"
	"net/netip"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// publish has the listeners of this machine lead inside from now on.
func (in *inside) publish() error {
	for i, l := range in.published {
		l.SetDeadline(time.Time{})
		port := in.policy.Publish[i].Port
		in.run(func() { in.accept(l, func(c *net.TCPConn) { in.enter(c, port) }) })
	}
	return nil
}

// unpublish ends that. Another child may be on its way, so the listeners stay.
func (in *inside) unpublish() {
	for _, l := range in.published {
		l.SetDeadline(time.Now())
	}
}

// enter connects somebody outside with the program.
func (in *inside) enter(c *net.TCPConn, port uint16) {
	began := time.Now()
	e := Event{Op: "publish", Proto: "tcp", Port: port, Dialled: c.RemoteAddr().String()}
	inner, err := in.connect(port)
	if err == nil && in.keep(inner) {
		defer in.drop(inner)
		e.Verdict = "allow"
		if err = in.journal.tell(e); err == nil {
			in.journal.connections.Add(1)
			e.Op = "close"
			in.splice(inner, c, e, began)
			return
		}
	}
	c.SetLinger(0)
	if err != nil {
		e.Verdict, e.Reason = "fail", reasonOf(err)
		in.journal.tell(e)
	}
}

// connect connects to a port of the program's 127.0.0.1.
func (in *inside) connect(port uint16) (*net.TCPConn, error) {
	fd, err := in.mints[0].socket(in)
	if err != nil {
		return nil, err
	}
	localhost := netip.AddrFrom4([4]byte{127, 0, 0, 1})
	f := os.NewFile(uintptr(fd), "tcp")
	defer f.Close()
	// The door's address would be the source's.
	if err := unix.Bind(fd, sockaddr(netip.AddrPortFrom(localhost, 0))); err != nil {
		return nil, os.NewSyscallError("bind", err)
	}
	err = unix.Connect(fd, sockaddr(netip.AddrPortFrom(localhost, port)))
	if err == unix.EINPROGRESS {
		err = awaitConnected(f)
	}
	if err != nil {
		return nil, os.NewSyscallError("connect", err)
	}
	c, err := net.FileConn(f)
	if err != nil {
		return nil, err
	}
	return c.(*net.TCPConn), nil
}

// awaitConnected waits for the end of connect(2).
func awaitConnected(f *os.File) error {
	f.SetWriteDeadline(time.Now().Add(dialTime))
	raw, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var result error
	err = raw.Write(func(fd uintptr) bool {
		errno, err := unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_ERROR)
		if err == nil && errno != 0 {
			err = unix.Errno(errno)
		}
		if err != nil {
			result = err
			return true
		}
		_, err = unix.Getpeername(int(fd))
		return err == nil
	})
	if err != nil {
		return err
	}
	return result
}
