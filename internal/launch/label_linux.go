//go:build amd64 || arm64

package launch

import (
	"strings"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/kernel"
	"github.com/sprog-dev/sprog/internal/spec"
)

// checkModules looks whether the modules are there that labels are for. Where
// /proc or /sys cannot say, the child finds out.
func (s *attempt) checkModules() *spec.Error {
	l := s.ask.Attr.ExecLabel
	if l == nil {
		return nil
	}
	if l.SELinux != "" {
		if err := SelinuxMissing(); err != nil {
			return &spec.Error{Path: s.ask.Path, Field: "Attr.ExecLabel.SELinux", Object: l.SELinux, Err: err}
		}
	}
	if l.AppArmor != "" {
		if err := ApparmorMissing(); err != nil {
			return &spec.Error{Path: s.ask.Path, Field: "Attr.ExecLabel.AppArmor", Object: l.AppArmor, Err: err}
		}
	}
	return nil
}

// SelinuxMissing is why SELinux takes no label here, or nil.
func SelinuxMissing() error {
	if list, err := kernel.Read("/proc/filesystems"); err == nil && !strings.Contains(list, "selinuxfs") {
		return noModule("SELinux")
	}
	return nil
}

// ApparmorMissing is why AppArmor takes no label here, or nil.
func ApparmorMissing() error {
	enabled, err := kernel.Read("/sys/module/apparmor/parameters/enabled")
	if err == unix.ENOENT && unix.Access("/sys/module", unix.F_OK) == nil || err == nil && !strings.HasPrefix(enabled, "Y") {
		return noModule("AppArmor")
	}
	return nil
}

// A noModule says that a security module is not there to be used.
type noModule string

func (m noModule) Error() string {
	return "the running kernel has no " + string(m) + ", or it is not enabled"
}
func (noModule) Unwrap() error { return unix.EOPNOTSUPP }
