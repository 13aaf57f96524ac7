//go:build amd64 || arm64

// Package pty makes pseudo-terminals.
package pty

import (
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// Open makes a pseudo-terminal. The slave is opened through the master
// (TIOCGPTPEER, Linux 4.13): a name in /dev/pts may be that of another
// instance, or of what somebody has mounted there. Older kernels leave no
// choice.
func Open() (master, slave *os.File, err error) {
	fd, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, nil, &os.PathError{Op: "open", Path: "/dev/ptmx", Err: err}
	}
	master = os.NewFile(uintptr(fd), "/dev/ptmx")
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		master.Close()
		return nil, nil, os.NewSyscallError("ioctl TIOCSPTLCK", err)
	}
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		master.Close()
		return nil, nil, os.NewSyscallError("ioctl TIOCGPTN", err)
	}
	name := "/dev/pts/" + strconv.Itoa(n)
	const flags = unix.O_RDWR | unix.O_NOCTTY | unix.O_CLOEXEC
	peer, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), unix.TIOCGPTPEER, flags)
	if errno == unix.EINVAL || errno == unix.ENOTTY {
		var old int
		if old, err = unix.Open(name, flags, 0); err != nil {
			errno = err.(unix.Errno)
		} else {
			peer, errno = uintptr(old), 0
		}
	}
	if errno != 0 {
		master.Close()
		return nil, nil, &os.PathError{Op: "open", Path: name, Err: errno}
	}
	return master, os.NewFile(peer, name), nil
}
