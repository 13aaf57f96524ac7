//go:build amd64 || arm64

package launch

import (
	"cmp"
	"errors"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/compile"
	"github.com/sprog-dev/sprog/internal/explain"
	"github.com/sprog-dev/sprog/internal/kernel"
	"github.com/sprog-dev/sprog/internal/mountinfo"
	"github.com/sprog-dev/sprog/internal/ownproc"
	"github.com/sprog-dev/sprog/internal/pathwalk"
	"github.com/sprog-dev/sprog/internal/program"
	"github.com/sprog-dev/sprog/internal/spec"
	"github.com/sprog-dev/sprog/internal/terms"
)

// treeUse is what the child uses a mount for that this process has made.
func treeUse(field string) compile.Use {
	return compile.Use{Fd: compile.Unopened, Name: "mount", Field: field, Kind: program.OfView, Own: true}
}

// openMapped makes a mount whose files belong to other ids. The kernel asks for rights over the file system,
// which a user namespace of the child's does not give. So this process makes it, whatever the child is in.
func (s *attempt) openMapped(m *spec.Mount, field string, index int) *spec.Error {
	tree := compile.Tree{Mount: index, Hole: compile.NotOpen}
	var err error
	tree.Hole, err = s.makeFile(treeUse(field), func() (int, error) {
		fd, err := s.mappedTree(m, field+".IDMap")
		if err != nil {
			return -1, err
		}
		return fd, nil
	})
	var failed *spec.Error
	switch {
	case err == nil:
	case errors.As(err, &failed) && failed.Err == unix.ENOSYS:
		return needsMountSetattr(field+".IDMap", m.At(), "ids take")
	case m.Optional && failed.Step == "open_tree" && (failed.Err == unix.ENOENT || failed.Err == unix.ENOTDIR):
		tree.LeftOut = true
	default:
		return failed
	}
	s.given.Trees = append(s.given.Trees, tree)
	return nil
}

// mappedTree makes the mount, and those below it. The error is a *spec.Error.
func (s *attempt) mappedTree(m *spec.Mount, field string) (tree int, err error) {
	from, fd := m.Bind, unix.AT_FDCWD
	if m.File != nil {
		from = m.File.Name()
		if fd, err = spec.FD(m.File); err != nil {
			return -1, &spec.Error{Object: from, Field: field, Err: err}
		}
	}
	if tree, err = cloneTree(fd, m.Bind, m.Shallow); err != nil {
		e := &spec.Error{Step: "open_tree", Object: from, Field: field, Err: err}
		e.Hint = explain.Failure{Ask: s.ask, E: e, Errno: err.(unix.Errno)}.MappedHint()
		return -1, e
	}
	ns, failed := s.namespaceOf(startOf(m.IDMap), field)
	if failed != nil {
		unix.Close(tree)
		return -1, failed
	}
	defer unix.Close(ns)
	if err := mapIDs(tree, ns); err != nil {
		unix.Close(tree)
		at, why := whyNotMapped(m, from, ns, err)
		return -1, &spec.Error{Step: "mount_setattr", Object: at, Field: field, Err: err, Hint: why}
	}
	return tree, nil
}

// describeMapped is for a plan.
func (s *attempt) describeMapped(m *spec.Mount, field string) {
	note := func(call, text string) {
		s.parentSteps = append(s.parentSteps, PlanStep{By: "parent", Call: call, Text: text, Field: field + ".IDMap"})
	}
	from, flags := "AT_FDCWD, "+strconv.Quote(m.Bind), "OPEN_TREE_CLONE|OPEN_TREE_CLOEXEC"
	if m.File != nil {
		from, flags = "<"+m.File.Name()+">, \"\"", flags+"|AT_EMPTY_PATH"
	}
	if !m.Shallow {
		flags += "|AT_RECURSIVE"
	}
	note("open_tree", "open_tree("+from+", "+flags+")")
	s.describeNamespace(startOf(m.IDMap), field+".IDMap")
	note("mount_setattr", `mount_setattr(<mount>, "", AT_EMPTY_PATH|AT_RECURSIVE, {attr_set=MOUNT_ATTR_IDMAP, propagation=MS_PRIVATE, userns_fd=<user>}, 32)`)
}

// startOf is a start in a user namespace that has the ids.
func startOf(m *spec.MountIDMap) *spec.Start {
	ids := spec.IDMaps{Uids: spec.LinesOf(m.UIDs), Gids: spec.LinesOf(m.GIDs)}
	return &spec.Start{Attr: &spec.Attr{}, IDMaps: ids, Sys: &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWUSER, UidMappings: ids.Uids, GidMappings: ids.Gids}}
}

// describeNamespace is for a plan.
func (s *attempt) describeNamespace(r *spec.Start, field string) {
	s.parentSteps = append(s.parentSteps, PlanStep{By: "parent", Call: "clone3", Text: "clone3({flags=CLONE_NEWUSER})", Field: field})
	for _, f := range r.MapFiles() {
		text := f.Write(strconv.Quote("/proc/CHILD/" + f.Name))
		s.parentSteps = append(s.parentSteps, PlanStep{By: "parent", Call: "write", Text: text, Field: field})
	}
}

// openLast makes the user namespace that the program enters when all else is set up.
func (s *attempt) openLast() *spec.Error {
	if s.ask.Last == nil {
		return nil
	}
	var failed *spec.Error
	hole, err := s.makeFile(lastUse(), func() (int, error) {
		fd, e := s.namespaceOf(s.ask.Last, "Attr.IDMap.Last")
		if failed = e; e != nil {
			return -1, e
		}
		return fd, nil
	})
	if err == nil {
		s.given.UserFD = hole
	}
	return failed
}

func (s *attempt) supposeLast() *spec.Error {
	if s.ask.Last != nil {
		s.given.UserFD = s.given.Use(lastUse())
		s.describeNamespace(s.ask.Last, "Attr.IDMap.Last")
	}
	return nil
}

func lastUse() compile.Use {
	return compile.Use{Fd: compile.Unopened, Name: "user namespace", Field: "Attr.IDMap.Last", Own: true}
}

// mapIDs maps the ids of a mount that nobody has seen yet, and of those below it.
func mapIDs(tree, ns int) error {
	attr := &unix.MountAttr{Attr_set: unix.MOUNT_ATTR_IDMAP, Propagation: unix.MS_PRIVATE, Userns_fd: uint64(ns)}
	return unix.MountSetattr(tree, "", unix.AT_EMPTY_PATH|unix.AT_RECURSIVE, attr)
}

// namespaceOf makes a user namespace with the ids, in which nothing runs: a process is made in it that ends at
// its execve, as the path is too long for any kernel.
func (s *attempt) namespaceOf(of *spec.Start, field string) (fd int, failed *spec.Error) {
	s.to.Tracer.Phase("clone3", "make a user namespace", field)
	fd = -1
	r := &spec.Start{Path: strings.Repeat("x", unix.PathMax), Argv: []string{"sprog"}, Env: []string{}, Dir: "/", Attr: of.Attr, Sys: of.Sys, Watched: true}
	_, err := s.start(r, Options{Flight: s.to.Flight, Born: func(pid int) error {
		proc, err := ownproc.Open()
		if err != nil {
			return err
		}
		defer proc.Close()
		if fd >= 0 { // of an attempt before this one
			unix.Close(fd)
		}
		fd, err = proc.OpenFile(pid, "ns/user", unix.O_RDONLY)
		return err
	}})
	var e *spec.Error
	if errors.As(err, &e) && e.Step == "execve" && e.Err == unix.ENAMETOOLONG && fd >= 0 {
		return fd, nil
	}
	if fd >= 0 {
		unix.Close(fd)
	}
	if e == nil {
		e = &spec.Error{Err: err}
	}
	return -1, &spec.Error{Step: e.Step, Object: e.Object, Field: field, Err: e.Err, Hint: e.Hint}
}

// whyNotMapped finds the mount whose ids cannot be mapped, among those at and below a path, and the reason.
func whyNotMapped(m *spec.Mount, from string, ns int, err error) (at string, why terms.Text) {
	if fd, err := openSource(m); err == nil {
		from = cmp.Or(pathwalk.RealPath(fd), from)
		unix.Close(fd)
	}
	text, _ := kernel.Read("/proc/self/mountinfo")
	for _, one := range mountsAt(text, from, m.Shallow) {
		at := max(from, one.Point)
		tree, err2 := cloneTree(unix.AT_FDCWD, at, true)
		if err2 != nil {
			continue
		}
		err2 = mapIDs(tree, ns)
		unix.Close(tree)
		if err2 == err {
			return at, whyOf(one, err)
		}
	}
	return from, ""
}

// openSource opens what a mount is made of, for its path alone.
func openSource(m *spec.Mount) (fd int, err error) {
	if m.File == nil {
		return unix.Open(m.Bind, unix.O_PATH|unix.O_CLOEXEC, 0)
	}
	if fd, err = spec.FD(m.File); err != nil {
		return -1, err
	}
	return unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
}

// mountsAt are the mount that a path is on, and those below it.
func mountsAt(text, from string, shallow bool) (list []mountinfo.Mount) {
	on := -1
	for m := range mountinfo.Mounts(text) {
		switch {
		case isBelow(from, m.Point) && (on < 0 || len(m.Point) >= len(list[on].Point)):
			if on < 0 {
				list, on = slices.Insert(list, 0, m), 0
			}
			list[on] = m
		case !shallow && isBelow(m.Point, from):
			list = append(list, m)
		}
	}
	return list
}

// isBelow reports whether a path is another one, or below it.
func isBelow(path, dir string) bool {
	return path == dir || strings.HasPrefix(path, strings.TrimSuffix(dir, "/")+"/")
}

// whyOf is what the kernel has against the ids of one mount.
func whyOf(m mountinfo.Mount, err error) terms.Text {
	switch {
	case err == unix.EPERM && slices.Contains(m.Flags, "idmapped"):
		return "its ids are mapped already, which is possible once"
	case err == unix.EPERM:
		return "it takes CAP_SYS_ADMIN in the user namespace that the file system belongs to"
	case err == unix.EINVAL:
		return "this kernel maps no ids of " + terms.Plain(terms.Printable(m.Type)) + " there: mount_setattr(2) has the list of file systems"
	}
	return ""
}
