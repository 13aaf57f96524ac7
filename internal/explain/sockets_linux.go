//go:build amd64 || arm64

package explain

import (
	"os"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/kernel"
	"github.com/sprog-dev/sprog/internal/pathwalk"
	"github.com/sprog-dev/sprog/internal/spec"
	"github.com/sprog-dev/sprog/internal/terms"
)

// socketHint is for a socket that the child could not open.
func (f Failure) socketHint() terms.Text {
	switch f.Errno {
	case unix.EPERM, unix.EACCES:
		return f.noRightInside(spec.NetworkNamespace, "CAP_NET_RAW")
	case unix.EAFNOSUPPORT:
		return "the kernel does not have this family of sockets, or may not load its module"
	case unix.EPROTONOSUPPORT:
		return "the family does not have this protocol, or the kernel may not load its module"
	case unix.ESOCKTNOSUPPORT:
		return "the family does not have this type of sockets"
	}
	return ""
}

// deviceHint is for a device, whose path leads through the root of the caller.
func (f Failure) deviceHint() terms.Text {
	w := (pathwalk.View{}).Follow(f.E.Object, f.opener())
	defer w.Close()
	switch {
	case w.Stop != 0:
		return terms.Plain(w.Reason(f.Errno))
	case f.Errno == unix.ENODEV, f.Errno == unix.ENXIO:
		return "the kernel has no driver for the device, or may not load its module"
	case f.Errno == unix.EISDIR:
		return terms.Sprintf("%s is a directory", w.Here())
	case f.Errno == unix.EACCES && !w.Who.May(w.Last(), w.Stat(), pathwalk.ToRead|pathwalk.ToWrite):
		return terms.Plain(w.Who.MayNot("read and write", w.Here(), w.Last(), w.Stat()))
	}
	return ""
}

// opener is the child before it changes its user. In a new user namespace it has no id yet, and no rights over files.
func (f Failure) opener() pathwalk.Viewer {
	if f.joins(spec.UserNamespace) {
		return pathwalk.Viewer{}
	}
	v := pathwalk.Viewer{Known: true, UID: os.Geteuid(), GID: os.Getegid()}
	v.Groups, _ = os.Getgroups()
	v.Powerful = !f.Ask.NewUserNamespace() && kernel.HasCap(unix.CAP_DAC_OVERRIDE)
	return v
}

// sentHint is for the message that brings the sockets to the parent.
func (f Failure) sentHint() terms.Text {
	if f.Errno == unix.ETOOMANYREFS {
		return "this user has more files under way between processes than {RLIMIT_NOFILE|Attr.Rlimits} allows to be open"
	}
	return ""
}
