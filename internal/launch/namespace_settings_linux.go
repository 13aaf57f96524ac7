//go:build amd64 || arm64

package launch

import (
	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/kernel"
	"github.com/sprog-dev/sprog/internal/spec"
	"github.com/sprog-dev/sprog/internal/terms"
)

// isInside reports whether the child leaves the caller's namespace of a kind.
// Unshare makes a PID namespace for the children of the child alone.
func (s *attempt) isInside(kind spec.NamespaceKind) bool {
	made := spec.NamespaceKind(s.ask.Sys.Cloneflags | s.ask.Sys.Unshareflags)
	if kind == spec.PIDNamespace {
		made = spec.NamespaceKind(s.ask.Sys.Cloneflags)
	}
	return made&kind != 0 || s.given.Joins.Has(kind)
}

// checkHost refuses what would change the host. Which namespaces of a process
// are joined is known only now.
func (s *attempt) checkHost() *spec.Error {
	a := s.ask.Attr
	for _, need := range []struct {
		field string
		asked bool
		kind  spec.NamespaceKind
		flag  string
	}{
		{"Attr.Hostname", a.Hostname != "", spec.UTSNamespace, "CLONE_NEWUTS"},
		{"Attr.Domainname", a.Domainname != "", spec.UTSNamespace, "CLONE_NEWUTS"},
		{"Attr.Loopback", a.Loopback, spec.NetworkNamespace, "CLONE_NEWNET"},
	} {
		if need.asked && !s.isInside(need.kind) {
			return spec.Invalid(need.field, "", terms.Sprintf("needs a new or joined %s namespace ({%s|SysProcAttr.Cloneflags: %s}): it would change the host", need.kind, need.flag, need.flag))
		}
	}
	for i, c := range a.Sysctls {
		if !s.isInside(c.Kind()) {
			return spec.Invalid(spec.Index("Attr.Sysctls", i), c.Name, terms.Sprintf("needs a new or joined %s namespace: it would change the host", c.Kind()))
		}
	}
	return nil
}

// checkRelease refuses what the running kernel does otherwise.
func (s *attempt) checkRelease() *spec.Error {
	a := s.ask.Attr
	for i, c := range a.Sysctls {
		if c.Path() == spec.PidMax && kernel.OlderThan(6, 14) {
			return spec.Invalid(spec.Index("Attr.Sysctls", i), c.Name, "belongs to no namespace before Linux 6.14: it would change the host")
		}
	}
	if a.TimeOffsets != nil && kernel.OlderThan(6, 2) {
		return &spec.Error{Field: "Attr.TimeOffsets", Err: unix.ENOSYS, Hint: "an execve enters a new time namespace since Linux 6.2"}
	}
	return nil
}
