//go:build amd64 || arm64

package spec

import (
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// An ExecAttr is a file that sets what the next execve comes to, and its text.
type ExecAttr struct {
	Field, Path, Text string
}

// AppArmor has a file of its own since Linux 5.8; the other is that of whichever
// module comes first.
const (
	selinuxExec  = "thread-self/attr/exec" // below /proc
	apparmorExec = "thread-self/attr/apparmor/exec"
	apparmorVerb = "exec "
)

// ExecAttrs are the files that labels are written to.
func (r *Start) ExecAttrs() (list []ExecAttr) {
	l := r.Attr.ExecLabel
	if l == nil {
		return nil
	}
	if l.SELinux != "" {
		list = append(list, ExecAttr{"Attr.ExecLabel.SELinux", selinuxExec, l.SELinux})
	}
	if l.AppArmor != "" {
		list = append(list, ExecAttr{"Attr.ExecLabel.AppArmor", apparmorExec, apparmorVerb + l.AppArmor})
	}
	return list
}

func (r *Start) checkExecLabel() *Error {
	for _, a := range r.ExecAttrs() {
		switch {
		case strings.IndexByte(a.Text, 0) >= 0:
			return Invalid(a.Field, strconv.Quote(strings.TrimPrefix(a.Text, apparmorVerb)), "contains a NUL byte")
		case len(a.Text) >= unix.Getpagesize():
			return Invalid(a.Field, "a label of "+Itoa(len(a.Text))+" bytes", "is longer than the kernel takes, a page")
		}
	}
	return nil
}
