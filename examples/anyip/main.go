//go:build linux

// Command anyip runs a command in a network of its own, in which this process answers at every
// address of 198.18.0.0/15, at port 80. It takes no rights and no helper.
//
// The child opens two sockets in its network namespace, which this process gets (Attr.Sockets). While the
// child waits (Attr.Meet), this process brings up the device lo by the first of them, and makes all
// those addresses local ones ("AnyIP"). It listens with the second, and learns of each
// connection which address was asked for.
package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog"
)

func main() {
	log.SetFlags(0)
	if len(os.Args) < 2 {
		log.Fatal("usage: anyip COMMAND [ARGUMENT]...")
	}
	cmd := sprog.Command(os.Args[1], os.Args[2:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNET,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: os.Getuid(), HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: os.Getgid(), HostID: os.Getgid(), Size: 1}},
	}
	cmd.Attr = &sprog.Attr{
		Sockets: []sprog.Socket{
			{Domain: unix.AF_NETLINK, Type: unix.SOCK_RAW, Protocol: unix.NETLINK_ROUTE},
			{Domain: unix.AF_INET, Type: unix.SOCK_STREAM},
		},
		Meet: meet,
	}
	err := cmd.Run()
	if exit := (*sprog.ExitError)(nil); errors.As(err, &exit) {
		os.Exit(exit.ExitCode())
	} else if err != nil {
		log.Fatal(err)
	}
}

// meet sets the network up. Where it returns nil, the sockets are this process's from then on.
func meet(m *sprog.Meeting) error {
	defer m.Sockets[0].Close()
	defer m.Sockets[1].Close() // the listener is a duplicate
	if err := setUp(m.Sockets[0]); err != nil {
		return err
	}
	if err := listen(m.Sockets[1], 80); err != nil {
		return err
	}
	listener, err := net.FileListener(m.Sockets[1])
	if err != nil {
		return err
	}
	go http.Serve(listener, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked := r.Context().Value(http.LocalAddrContextKey)
		fmt.Fprintf(w, "%s, which you call %s\n", asked, r.Host)
	}))
	return nil
}

// setUp brings up lo, which is device 1 of every network, and adds a route: what is sent to any address
// of the prefix is for this network itself.
func setUp(netlink *os.File) error {
	const lo = 1
	up := words(unix.AF_UNSPEC, lo, unix.IFF_UP, unix.IFF_UP) // struct ifinfomsg: family, index, flags, which of them
	if err := request(netlink, unix.RTM_NEWLINK, 0, up); err != nil {
		return os.NewSyscallError("RTM_NEWLINK", err)
	}
	// struct rtmsg: family, lengths of the prefixes, type of service, table, protocol, scope, type, flags
	route := []byte{unix.AF_INET, 15, 0, 0, unix.RT_TABLE_LOCAL, unix.RTPROT_STATIC, unix.RT_SCOPE_HOST, unix.RTN_LOCAL, 0, 0, 0, 0}
	route = append(route, attribute(unix.RTA_DST, []byte{198, 18, 0, 0})...)
	route = append(route, attribute(unix.RTA_OIF, words(lo))...)
	return os.NewSyscallError("RTM_NEWROUTE", request(netlink, unix.RTM_NEWROUTE, unix.NLM_F_CREATE|unix.NLM_F_EXCL, route))
}

// listen has a socket listen at a port of every address.
func listen(f *os.File, port int) error {
	conn, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	err = conn.Control(func(fd uintptr) {
		if failed = os.NewSyscallError("bind", unix.Bind(int(fd), &unix.SockaddrInet4{Port: port})); failed == nil {
			failed = os.NewSyscallError("listen", unix.Listen(int(fd), unix.SOMAXCONN))
		}
	})
	return errors.Join(err, failed)
}

// request makes a request of rtnetlink(7), and returns what the kernel answers.
func request(netlink *os.File, kind, flags uint16, body []byte) error {
	b := words(uint32(unix.SizeofNlMsghdr + len(body)))
	b = binary.NativeEndian.AppendUint16(b, kind)
	b = binary.NativeEndian.AppendUint16(b, flags|unix.NLM_F_REQUEST|unix.NLM_F_ACK)
	b = append(append(b, words(1, 0)...), body...) // the number of the request, and whose it is
	if _, err := netlink.Write(b); err != nil {
		return err
	}
	answer := make([]byte, 4096)
	n, err := netlink.Read(answer)
	if err != nil {
		return err
	}
	if n < unix.SizeofNlMsghdr+4 || binary.NativeEndian.Uint16(answer[4:]) != unix.NLMSG_ERROR {
		return errors.New("netlink has not answered the request")
	}
	if errno := -int32(binary.NativeEndian.Uint32(answer[unix.SizeofNlMsghdr:])); errno != 0 {
		return syscall.Errno(errno)
	}
	return nil
}

// words are 32-bit words as bytes.
func words(list ...uint32) (b []byte) {
	for _, n := range list {
		b = binary.NativeEndian.AppendUint32(b, n)
	}
	return b
}

// attribute is a struct rtattr with its value, of a size that is a multiple of four.
func attribute(kind uint16, value []byte) []byte {
	b := binary.NativeEndian.AppendUint16(nil, uint16(unix.SizeofRtAttr+len(value)))
	return append(binary.NativeEndian.AppendUint16(b, kind), value...)
}
