//go:build linux

package bwrap

import (
	"errors"
	"fmt"
	"os"
	"path"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog"
)

// strerror is what the C library says of an errno.
func strerror(errno syscall.Errno) string {
	text := errno.Error()
	if text == "" {
		return text
	}
	return strings.ToUpper(text[:1]) + text[1:]
}

func cutSuffix(text, suffix string) (string, bool) { return strings.CutSuffix(text, suffix) }

// describe is the error of a start in the words of bwrap, with sprog's reason behind it.
func (r *runner) describe(err error, cmd *sprog.Cmd, ops []Op) error {
	var e *sprog.StartError
	var errno syscall.Errno
	if !errors.As(err, &e) || !errors.As(e.Err, &errno) {
		return mistake(strings.TrimPrefix(err.Error(), "sprog: "))
	}
	if i, ok := mountOf(e.Field); ok && i < len(ops) {
		errno = r.mismatch(e, errno, ops[i])
	}
	text := r.words(e, errno, cmd, ops)
	if text == "" {
		return mistake(strings.TrimPrefix(err.Error(), "sprog: "))
	}
	if !strings.HasSuffix(text, ".") {
		text += ": " + strerror(errno)
	}
	switch _, bare := e.Err.(syscall.Errno); {
	case e.Hint != "":
		text += " (" + e.Hint + ")"
	case !bare:
		text += " (" + e.Err.Error() + ")"
	}
	return mistake(text)
}

// words are what bwrap says of a step, without the errno, or "".
func (r *runner) words(e *sprog.StartError, errno syscall.Errno, cmd *sprog.Cmd, ops []Op) string {
	if i, ok := mountOf(e.Field); ok && i < len(ops) {
		return r.ofMount(e, errno, ops[i], cmd.Attr.Mounts[i])
	}
	switch {
	case e.Step == "execve" || e.Step == "execveat":
		return "execvp " + r.o.Command[0]
	case e.Field == "Dir":
		return "Can't chdir to " + r.o.Chdir
	case strings.HasPrefix(e.Field, "Attr.Init.Locks"), e.Field == "Attr.Init" && e.Step == "openat":
		return "Unable to open lock file " + e.Object
	case e.Field == "Attr.Init" && e.Step == "fcntl":
		return "Unable to lock file " + strings.Join(r.o.Locks, ", ")
	case e.Field == "Attr.RefuseUserNamespaces":
		return "creation of new user namespaces was not disabled as requested."
	case e.Field == "Attr.UserNamespace":
		return "Setting userns2 failed"
	case strings.HasPrefix(e.Field, "Attr.Join") && errno == unix.EINVAL:
		return "Joining the specified user namespace failed, it might not be a descendant of the current user namespace."
	case strings.HasPrefix(e.Field, "Attr.Join"):
		return "Joining specified user namespace failed"
	case e.Field == "Attr.Hostname":
		return "Can't set hostname to " + r.o.Hostname
	case strings.HasPrefix(e.Step, "clone") || e.Step == "unshare":
		return r.ofNamespaces(errno)
	}
	return ""
}

// ofNamespaces is about namespaces that are not to be had.
func (r *runner) ofNamespaces(errno syscall.Errno) string {
	switch {
	case r.o.UnshareUser && errno == unix.EINVAL:
		return "Creating new namespace failed, likely because the kernel does not support user namespaces."
	case r.o.UnshareUser && errno == unix.EPERM:
		return "No permissions to create a new namespace, likely because the kernel does not allow non-privileged user namespaces."
	case errno == unix.ENOSPC:
		return "Creating new namespace failed: nesting depth or /proc/sys/user/max_*_namespaces exceeded (ENOSPC)."
	}
	return "Creating new namespace failed"
}

// mountOf is the index in the name of a field of a mount's.
func mountOf(field string) (int, bool) {
	rest, is := strings.CutPrefix(field, "Attr.Mounts[")
	number, _, closed := strings.Cut(rest, "]")
	i, err := strconv.Atoi(number)
	return i, is && closed && err == nil
}

// mismatch is bwrap's errno for a bind whose destination is of the other type, which bwrap finds before the kernel does,
// and for message queues of another IPC namespace, which the kernel does not get to see here.
func (r *runner) mismatch(e *sprog.StartError, errno syscall.Errno, op Op) syscall.Errno {
	switch {
	case errno != unix.EINVAL:
	case op.Kind == Mqueue && e.Step == "":
		return unix.EPERM
	case op.Kind <= DevBind && e.Step == "move_mount" && r.bindsDir(op):
		e.Hint = "the destination is not a directory"
		return unix.ENOTDIR
	case op.Kind <= DevBind && e.Step == "move_mount":
		e.Hint = "the destination is not a file"
		return unix.EISDIR
	}
	return errno
}

// bindsDir reports whether the source of a bind is a directory.
func (r *runner) bindsDir(op Op) bool {
	if file := r.f.Files[op.FD]; op.FD >= 0 && file != nil {
		info, err := file.Stat()
		return err == nil && info.IsDir()
	}
	info, err := os.Stat(op.Source)
	return err == nil && info.IsDir()
}

// ofMount is about an operation.
func (r *runner) ofMount(e *sprog.StartError, errno syscall.Errno, op Op, m sprog.Mount) string {
	inside := "/newroot" + op.Dest
	switch {
	case m.Dir && op.Kind != Dir:
		return "Can't mkdir parents for " + op.Dest
	case op.Kind == Dir || e.Step == "mkdirat", op.Kind <= DevBind && errno == unix.ENOTDIR && e.Step == "move_mount":
		return "Can't mkdir " + op.Dest
	case e.Step == "mknodat", op.Kind <= DevBind && errno == unix.EISDIR:
		return "Can't create file at " + op.Dest
	case op.Kind == Chmod:
		return fmt.Sprintf("Can't chmod %#o %s", op.Perms, op.Dest)
	case op.Kind == Symlink:
		return r.ofSymlink(errno, op)
	case op.Kind == File:
		return "Can't create file " + op.Dest
	case op.Kind == Proc && m.Proc == nil && m.Bind == "":
		return "Can't remount readonly on " + path.Join(inside, path.Base(m.Target))
	case op.Kind == RemountReadOnly:
		return "Can't remount readonly on " + inside
	}
	if what := map[Kind]string{Proc: "proc", Tmpfs: "tmpfs", Dev: "tmpfs", Mqueue: "mqueue"}[op.Kind]; what != "" {
		return "Can't mount " + what + " on " + inside
	}
	switch op.Kind {
	case Overlay, PrivateOverlay, ReadOnlyOverlay:
		return "Can't make overlay mount on " + inside
	case BindData, ReadOnlyBindData:
		return "Can't bind mount /bindfile on " + inside
	}
	source := op.Source
	if op.FD >= 0 {
		source = "/proc/self/fd/" + strconv.Itoa(op.FD)
	}
	if e.Step == "open_tree" || e.Step == "statx" || e.Step == "" {
		return "Can't find source path " + source
	}
	return "Can't bind mount /oldroot" + source + " on " + inside
}

// ofSymlink is about a link that could not be made.
func (r *runner) ofSymlink(errno syscall.Errno, op Op) string {
	if errno != unix.EEXIST {
		return "Can't make symlink at " + op.Dest
	}
	there, err := r.linkBefore(op)
	if err == errNotHere {
		there, err = os.Readlink(r.outside(op))
	}
	switch {
	case errors.Is(err, unix.EINVAL):
		return "Can't make symlink at " + op.Dest + ": destination exists and is not a symlink."
	case err != nil:
		return "Can't make symlink at " + op.Dest
	}
	return "Can't make symlink at " + op.Dest + ": existing destination is " + there + "."
}

// errNotHere is about a path that no operation has made.
var errNotHere = errors.New("made by none")

// linkBefore is what an earlier operation has put at a link's place: another link's text, or EINVAL.
func (r *runner) linkBefore(op Op) (text string, err error) {
	err = errNotHere
	for _, before := range r.o.Ops {
		switch {
		case path.Clean("/"+before.Dest) != path.Clean("/"+op.Dest) || before.Kind == Chmod:
		case before.Kind != Symlink:
			return "", unix.EINVAL
		case before.Source != op.Source:
			return before.Source, nil
		}
	}
	return "", err
}

// outside is what a destination is in the caller's view, as far as binds tell.
func (r *runner) outside(op Op) string {
	at := op.Dest
	for _, before := range r.o.Ops {
		dest := path.Clean("/" + before.Dest)
		if rest, below := strings.CutPrefix(op.Dest, strings.TrimSuffix(dest, "/")+"/"); below && before.Kind <= DevBind && before.FD < 0 {
			at = path.Join(before.Source, rest)
		}
	}
	return at
}
