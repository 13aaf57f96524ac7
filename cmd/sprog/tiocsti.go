//go:build linux

package main

import (
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// guardsTerminal reports whether the program is to be kept from putting input into
// sprog's terminal. As another user it would have the next shell command be what it
// likes (CVE-2016-2568 and its kin). It has no such terminal where it gets a session
// of its own, and the kernel may be in its way already.
func (f *startFlags) guardsTerminal() bool {
	apart := f.Setsid || f.Ctty || f.CttyFD != nil || f.TTY
	if f.AllowTIOCSTI || apart || !f.changesUser() || !hasTerminal() || !kernelTakesInput() {
		return false
	}
	if f.NoNewPrivs || f.Unshare&unix.CLONE_NEWUSER != 0 || mayFilter() {
		return true
	}
	fmt.Fprintln(os.Stderr, "sprog: warning: the other user can put input into this terminal (TIOCSTI), and this process may not set the filter against it:"+
		" add --no-new-privs, --setsid or --tty, or --allow-tiocsti if that is what you want")
	return false
}

// changesUser reports whether the program may have another user's rights than the
// caller.
func (f *startFlags) changesUser() bool {
	return f.User != "" || f.Group != "" || f.IDs.given()
}

// hasTerminal reports whether sprog has a controlling terminal.
func hasTerminal() bool {
	fd, err := unix.Open("/dev/tty", unix.O_RDONLY|unix.O_NOCTTY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err == nil {
		unix.Close(fd)
	}
	return err == nil || err == unix.EACCES || err == unix.EPERM
}

// kernelTakesInput reports whether the kernel lets an ordinary process use TIOCSTI.
// Before Linux 6.2 it does, and there is no such file.
func kernelTakesInput() bool {
	setting, err := os.ReadFile("/proc/sys/dev/tty/legacy_tiocsti")
	return err != nil || strings.TrimSpace(string(setting)) != "0"
}

// mayFilter reports whether this process may set a filter without no_new_privs.
func mayFilter() bool {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	err := unix.Capget(&header, &data[0])
	return err == nil && data[unix.CAP_SYS_ADMIN>>5].Effective>>(unix.CAP_SYS_ADMIN&31)&1 != 0
}
