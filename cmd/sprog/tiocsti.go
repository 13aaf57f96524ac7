//go:build linux

package main

import (
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog"
)

// guardsTerminal reports whether the program is to be kept from putting input into
// sprog's terminal. As another user (CVE-2016-2568 and its kin), or confined in any way
// (CVE-2017-5226), it would have the next shell command be what it likes, which runs with all
// that the caller may do. It has no such terminal where it gets a session of its own, and the
// kernel may be in its way already.
func (f *startFlags) guardsTerminal(cmd *sprog.Cmd) bool {
	apart := f.Setsid || f.Ctty || f.CttyFD != nil || f.TTY
	if f.AllowTIOCSTI || apart || !f.changesUser() && !confines(cmd) || !hasTerminal() || !kernelTakesInput() {
		return false
	}
	if cmd.Attr.NoNewPrivs || f.newUser() || hasSysAdmin() {
		return true
	}
	if f.changesUser() {
		fmt.Fprintln(os.Stderr, "sprog: warning: the other user can put input into this terminal (TIOCSTI), and this process may not set the filter against it:"+
			" add --no-new-privs, --setsid or --tty, or --allow-tiocsti if that is what you want")
	}
	return false
}

// confines reports whether the program may do less than the caller, as the same user.
func confines(cmd *sprog.Cmd) bool {
	const namespaces = unix.CLONE_NEWUSER | unix.CLONE_NEWPID | unix.CLONE_NEWNS | unix.CLONE_NEWNET |
		unix.CLONE_NEWIPC | unix.CLONE_NEWUTS | unix.CLONE_NEWCGROUP | unix.CLONE_NEWTIME
	attr, sys := cmd.Attr, cmd.SysProcAttr
	return attr.NoNewPrivs || attr.Landlock != nil || attr.Seccomp != nil || attr.Caps != nil || attr.ExecLabel != nil ||
		len(attr.Join) > 0 || sys.Chroot != "" || (sys.Cloneflags|sys.Unshareflags)&namespaces != 0
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
