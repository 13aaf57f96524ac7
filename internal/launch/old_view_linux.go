//go:build amd64 || arm64

package launch

import (
	"errors"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/explain"
	"github.com/sprog-dev/sprog/internal/kernel"
	"github.com/sprog-dev/sprog/internal/machine"
	"github.com/sprog-dev/sprog/internal/mountinfo"
	"github.com/sprog-dev/sprog/internal/program"
	"github.com/sprog-dev/sprog/internal/spec"
	"github.com/sprog-dev/sprog/internal/terms"
)

// checkOldView refuses what mount(2) cannot do: flags on everything that is mounted below a directory, so that
// nothing is without them for a moment.
func (s *attempt) checkOldView() *spec.Error {
	if s.given.Joins.Has(spec.MountNamespace) {
		return needsMountSetattr(s.ask.ViewField(), "", "views in a joined mount namespace take")
	}
	if r := s.ask.Attr.Root; r != nil && r.Host && r.Flags != 0 {
		return needsMountSetattr(spec.RootField+".Flags", "/", "flags of all that is mounted on the host take")
	}
	root, field, first := s.ask.ViewRoot()
	if root != nil {
		if err := s.checkOldMount(root, field); err != nil {
			return err
		}
	}
	for i := first; i < len(s.ask.Attr.Mounts); i++ {
		field := spec.Index(spec.MountsField, i)
		if err := s.checkOldMount(&s.ask.Attr.Mounts[i], field); err != nil {
			return err
		}
		if err := checkOldChange(&s.ask.Attr.Mounts[i], s.ask.Attr.Mounts[first:i], field); err != nil {
			return err
		}
	}
	return nil
}

// checkOldChange refuses flags of what is there where the view has mounted something below: they are set by a mount of
// the directory on itself, which would uncover what those mounts hide.
func checkOldChange(m *spec.Mount, before []spec.Mount, field string) *spec.Error {
	if m.Source() != "" || m.Flags|m.Clear == 0 {
		return nil
	}
	for i := range before {
		if at := before[i].At(); strings.HasPrefix(filepath.Clean(at), filepath.Clean(m.At())+"/") {
			return needsMountSetattr(field, m.At(), terms.Plain("the view has a mount below, at "+terms.Printable(at)+", and flags of both take"))
		}
	}
	return nil
}

func (s *attempt) checkOldMount(m *spec.Mount, field string) *spec.Error {
	from := m.Bind
	if m.Source() == "" {
		from = m.At()
	}
	switch {
	case m.Overlay != nil && m.Overlay.Private:
		return needsMountSetattr(field+".Overlay", m.At(), "changes that vanish take")
	case m.Proc != nil && m.Proc.Fallback == spec.ProcOfCaller:
		return needsMountSetattr(field+".Proc.Fallback", m.At(), "the caller's /proc, read-only with all that is mounted in it, takes")
	case m.IDMap != nil:
		return needsMountSetattr(field+".IDMap", m.At(), "ids take")
	case m.Shallow && m.Source() != "" || m.Flags|m.Clear == 0 || from == "": // see checkOldChange
		return nil
	}
	below, err := mountedBelow(from, s.to.Flight.stopper().Asked())
	switch {
	case err == unix.EINTR:
		return &spec.Error{Step: "chdir", Object: from, Field: field, Err: *s.to.Flight.why.Load()}
	case below != "":
		return needsMountSetattr(field, from, terms.Plain("something is mounted below, at "+terms.Printable(below)+", and flags of both take"))
	}
	return nil
}

// mountedBelow is a mount point of this process's below a path, or "". Who looks at the path is a process that the
// start can give up on.
func mountedBelow(path string, stop <-chan struct{}) (string, error) {
	real, err := machine.FindDir(path, stop)
	switch err {
	case nil:
		path = real
	case unix.EINTR, unix.ENOTDIR:
		return "", err
	case errors.ErrUnsupported:
		if real, err := filepath.EvalSymlinks(path); err == nil {
			path = real
		}
	}
	text, _ := kernel.Read("/proc/self/mountinfo")
	for m := range mountinfo.Mounts(text) {
		if strings.HasPrefix(m.Point, strings.TrimSuffix(path, "/")+"/") && m.Point != "/" {
			return m.Point, nil
		}
	}
	return "", nil
}

func needsMountSetattr(field, object string, what terms.Text) *spec.Error {
	return &spec.Error{Field: field, Object: object, Hint: explain.EmulatedView(), Err: terms.Message{Text: what + " mount_setattr, Linux 5.12", Err: unix.EOPNOTSUPP}}
}

// missingForView looks whether a view came to nothing for want of a call that there is a substitute for.
func missingForView(res machine.Result, first, second *program.Program) kernel.Missing {
	p := first
	if res.Place == machine.InSecond {
		p = second
	}
	if res.Place != machine.InChild && res.Place != machine.InSecond || p == nil || res.Step >= p.Len() {
		return 0
	}
	switch p.Steps[res.Step].Call {
	case program.OpenTree, program.Fsopen, program.Fsconfig, program.Fsmount, program.MountSetattr, program.MoveMount:
		if res.Errno == unix.ENOSYS || res.Errno == unix.EPERM && kernel.OpenTreeDenied() {
			return kernel.NoMountSetattr
		}
	case program.Openat2:
		if res.Errno == unix.ENOSYS || res.Errno == unix.EPERM && kernel.Openat2Denied() {
			return kernel.NoOpenat2
		}
	}
	return 0
}
