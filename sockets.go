package sprog

import "os"

// A Socket is what the child opens for its parent, in the network namespace that the program will
// be in: the arguments of socket(2), or a device.
type Socket struct {
	// Domain, Type and Protocol are what socket(2) takes, such as AF_NETLINK, SOCK_RAW and
	// NETLINK_ROUTE. SOCK_CLOEXEC and SOCK_NONBLOCK are always set.
	Domain, Type, Protocol int

	// Device, if not empty, is the absolute path of a character device to open for reading and
	// writing instead, such as /dev/net/tun, which belongs to the network namespace that it is
	// opened in. The child follows the path in the caller's root. So it cannot be combined with a
	// joined mount namespace.
	Device string
}

// A Meeting is a child that waits for its parent.
type Meeting struct {
	// Pid is the number of the process, as this process sees it. It is the child's as long as Start
	// waits for Meet.
	Pid int

	// Sockets are what Attr.Sockets has asked for, in that order. They are in non-blocking mode, and
	// close-on-exec.
	//
	// Once the start has succeeded they are yours to close. If it fails, Start closes them,
	// whatever Meet has returned. A duplicate, such as net.FileConn makes, is yours in any case.
	Sockets []*os.File
}
