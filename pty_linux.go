//go:build amd64 || arm64

package sprog

import (
	"io"
	"os"
	"slices"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/pty"
	"github.com/sprog-dev/sprog/internal/spec"
)

func (c *Cmd) startPTY(size WindowSize) (*os.File, error) {
	sys, err := c.ptyAttributes()
	if err != nil {
		return nil, ofProgram(c.Path, err)
	}
	master, slave, err := pty.Open()
	if err != nil {
		return nil, &StartError{Path: c.Path, Step: "open pseudo-terminal", Err: err}
	}
	defer slave.Close()
	if err := preparePTY(slave, size, sys); err != nil {
		master.Close()
		return nil, &StartError{Path: c.Path, Step: "set up pseudo-terminal", Err: err}
	}
	stdin, stdout, stderr, old, attr := c.Stdin, c.Stdout, c.Stderr, c.SysProcAttr, c.Attr
	c.SysProcAttr, c.Attr = sys, attr.withConsole(slave)
	unset := c.unsetStreams()
	if unset[0] {
		c.Stdin = slave
	}
	for i, stream := range []*io.Writer{&c.Stdout, &c.Stderr} {
		if unset[1+i] {
			*stream = slave
		}
	}
	err = c.Start()
	c.Stdin, c.Stdout, c.Stderr, c.SysProcAttr, c.Attr = stdin, stdout, stderr, old, attr
	if err != nil {
		master.Close()
		return nil, err
	}
	return master, nil
}

// ptyAttributes are the command's with the session and the terminal.
func (c *Cmd) ptyAttributes() (*syscall.SysProcAttr, error) {
	sys := &syscall.SysProcAttr{}
	if c.SysProcAttr != nil {
		*sys = *c.SysProcAttr
	}
	switch {
	case sys.Setpgid:
		return nil, spec.Invalid(spec.Field("Setpgid"), "", "cannot be combined with {StartPTY|Cmd.StartPTY}: the leader of a session has a process group")
	case sys.Foreground:
		return nil, spec.Invalid(spec.Field("Foreground"), "", "cannot be combined with {StartPTY|Cmd.StartPTY}: the child is in the foreground of its own terminal")
	case sys.Noctty:
		return nil, spec.Invalid(spec.Field("Noctty"), "", "cannot be combined with {StartPTY|Cmd.StartPTY}")
	}
	unset := c.unsetStreams()
	if sys.Ctty = slices.Index(unset[:], true); sys.Ctty < 0 {
		return nil, spec.Invalid("Stderr", "", "is set, as are {Stdin} and {Stdout}: nothing is left to be {StartPTY|Cmd.StartPTY}'s terminal")
	}
	sys.Setsid, sys.Setctty = true, true
	return sys, nil
}

// withConsole is the attributes with the terminal as the console of each Dev that asks for it.
func (a *Attr) withConsole(tty *os.File) *Attr {
	asks := func(m Mount) bool { return m.Dev != nil && m.Dev.ConsolePTY }
	if a == nil || !slices.ContainsFunc(a.Mounts, asks) {
		return a
	}
	with := *a
	with.Mounts = slices.Clone(a.Mounts)
	for i := range with.Mounts {
		if m := &with.Mounts[i]; asks(*m) {
			dev := *m.Dev
			dev.Console, dev.ConsolePTY = tty, false
			m.Dev = &dev
		}
	}
	return &with
}

// unsetStreams tells of each stream whether nothing is said about it.
func (c *Cmd) unsetStreams() (unset [3]bool) {
	for n, value := range []any{c.Stdin, c.Stdout, c.Stderr} {
		unset[n] = value == nil && !c.Attr.gives(n)
	}
	return unset
}

// preparePTY sets the size and hands the terminal to the user that the child
// will be, as login(1) does: programs open it by its name.
func preparePTY(slave *os.File, size WindowSize, sys *syscall.SysProcAttr) error {
	if size != (WindowSize{}) {
		if err := setPTYSize(slave, size); err != nil {
			return err
		}
	}
	uid, ok := hostUID(sys)
	if !ok || uid == os.Geteuid() {
		return nil
	}
	return slave.Chown(uid, -1)
}

// hostUID is the child's user as this process knows him, if he is another.
func hostUID(sys *syscall.SysProcAttr) (int, bool) {
	if sys.Credential == nil {
		return 0, false
	}
	uid := int(sys.Credential.Uid)
	if (sys.Cloneflags|sys.Unshareflags)&unix.CLONE_NEWUSER == 0 {
		return uid, true
	}
	for _, m := range sys.UidMappings {
		if uid >= m.ContainerID && uid < m.ContainerID+m.Size {
			return m.HostID + uid - m.ContainerID, true
		}
	}
	return 0, false
}

func ptySize(f *os.File) (size WindowSize, err error) {
	err = onDescriptor(f, func(fd int) error {
		ws, err := unix.IoctlGetWinsize(fd, unix.TIOCGWINSZ)
		if err == nil {
			size = WindowSize{ws.Row, ws.Col, ws.Xpixel, ws.Ypixel}
		}
		return os.NewSyscallError("ioctl TIOCGWINSZ", err)
	})
	return size, err
}

func setPTYSize(f *os.File, size WindowSize) error {
	return onDescriptor(f, func(fd int) error {
		ws := unix.Winsize{Row: size.Rows, Col: size.Cols, Xpixel: size.XPixels, Ypixel: size.YPixels}
		return os.NewSyscallError("ioctl TIOCSWINSZ", unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &ws))
	})
}

// onDescriptor calls do with the descriptor of a file, which stays as it is:
// Fd would put it into blocking mode.
func onDescriptor(f *os.File, do func(fd int) error) error {
	conn, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var inner error
	if err := conn.Control(func(fd uintptr) { inner = do(int(fd)) }); err != nil {
		return err
	}
	return inner
}
