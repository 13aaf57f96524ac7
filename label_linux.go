//go:build amd64 || arm64

package sprog

import (
	"strings"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/kernel"
	"github.com/sprog-dev/sprog/internal/program"
	"github.com/sprog-dev/sprog/internal/spec"
)

// checkModules looks whether the modules are there that labels are for. Where
// /proc or /sys cannot say, the child finds out.
func (s *starter) checkModules() *spec.Error {
	l := s.ask.Attr.ExecLabel
	if l == nil || s.describing {
		return nil
	}
	if l.SELinux != "" {
		if err := selinuxMissing(); err != nil {
			return &spec.Error{Path: s.ask.Path, Field: "Attr.ExecLabel.SELinux", Object: l.SELinux, Err: err}
		}
	}
	if l.AppArmor != "" {
		if err := apparmorMissing(); err != nil {
			return &spec.Error{Path: s.ask.Path, Field: "Attr.ExecLabel.AppArmor", Object: l.AppArmor, Err: err}
		}
	}
	return nil
}

func selinuxMissing() error {
	if list, err := kernel.Read("/proc/filesystems"); err == nil && !strings.Contains(list, "selinuxfs") {
		return noModule("SELinux")
	}
	return nil
}

func apparmorMissing() error {
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

// openLabels opens the files that take the labels. Only the process itself may
// write them, and from the same memory that opened them (fs/proc/base.c), so
// that neither the parent nor a first stage can do it. They are found through
// the caller's /proc: that of a joined mount namespace or of a new root is not
// one to trust (CVE-2019-16884).
func (b *builder) openLabels() {
	t := &b.table
	b.labels = b.labels[:0]
	for _, a := range b.ask.ExecAttrs() {
		at := t.lowestFree()
		t.setOpen(at, true)
		b.add(a.Field, program.Openat, num(t.at(b.given.procFD)), b.p.Str(a.Path), num(unix.O_WRONLY|unix.O_CLOEXEC), num(0))
		b.labels = append(b.labels, openLabel{a, b.p.Result(), at})
	}
}

// An openLabel is a file that takes a label: its descriptor, and the number that
// it has if no file of the parent's is in the way.
type openLabel struct {
	spec.ExecAttr
	fd program.Arg
	at int
}

// writeLabels writes the labels, with the child's credentials: it is they that
// the module asks whether the process may have the label.
func (b *builder) writeLabels() {
	p := b.p
	for _, l := range b.labels {
		b.add(l.Field, program.Write, l.fd, p.Str(l.Text), num(len(l.Text)))
		b.add(l.Field, program.Close, l.fd).Quiet = true
		b.table.setOpen(l.at, false)
	}
}
