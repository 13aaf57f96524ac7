//go:build amd64 || arm64

package sprog

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/program"
)

// makeCgroup makes the new cgroup with its limits, before the child is born in
// it. It goes away with a start that fails.
func (s *starter) makeCgroup() *StartError {
	s.group, s.cgroupSays = nil, ""
	c := s.attr.Cgroup
	switch {
	case c == nil:
		return nil
	case s.describing:
		s.describeCgroup(c)
		return nil
	}
	s.phase("cgroup", "make the cgroup", cgroupField)
	g, parent, err := c.make()
	if err == nil {
		s.phaseOfOpening()
	}
	if err != nil {
		return ofCgroup(s.path, err)
	}
	s.group = g
	s.afterwards(func(started bool) {
		defer parent.close()
		if started {
			s.birth.Cgroup = g
			return
		}
		s.cgroupSays = g.reason()
		g.discard(parent)
	})
	if s.entersByItself() {
		return s.openProcs(cgroupField, cgroupDir{g.dir, g.path})
	}
	return nil
}

// entersByItself reports whether the child has to go to the new cgroup by a
// step of its own, since the kernel has no CLONE_INTO_CGROUP.
func (s *starter) entersByItself() bool {
	return s.attr.Cgroup != nil && s.lacks.has(noClone3|noIntoCgroup)
}

// openProcs opens a cgroup.procs for the child to write to. The kernel asks
// for the rights of who has opened it: the child's may be none.
func (s *starter) openProcs(field string, d cgroupDir) *StartError {
	fd, err := s.makeFile(field, func() (int, error) {
		f, err := d.open("cgroup.procs", unix.O_WRONLY)
		if err != nil {
			return -1, err
		}
		defer f.Close()
		return unix.FcntlInt(f.Fd(), unix.F_DUPFD_CLOEXEC, 3)
	})
	if err != nil {
		return ofFile(s.path, field, err)
	}
	s.enters = append(s.enters, use{fd, field})
	return nil
}

// ofCgroup is the error of a start whose cgroup cannot be made.
func ofCgroup(program string, err *cgroupError) *StartError {
	e := ofFile(program, cgroupField, err)
	if err.label != "" {
		e.Field += "." + err.label
	}
	if err.holder != "" {
		e.Err = fmt.Errorf("%w: choose a Parent without processes, or set Evacuate, which moves them to %s", e.Err, leafName)
	}
	e.Hint = err.hint
	return e
}

// ofFile is the error of a start that an operation on a file ends.
func ofFile(program, field string, err error) *StartError {
	e := &StartError{Path: program, Field: field, Err: err}
	var of *fs.PathError
	if errors.As(err, &of) {
		e.Step, e.Object, e.Err = of.Op, of.Path, of.Err
	}
	return e
}

// openCgroupV1 opens the v1 cgroups that the child is put into.
func (s *starter) openCgroupV1() *StartError {
	for i, dir := range s.attr.CgroupV1 {
		name := index("Attr.CgroupV1", i)
		d := cgroupDir{path: dir}
		if !s.describing {
			var err error
			if d, err = openCgroup(dir, unix.CGROUP_SUPER_MAGIC); err != nil {
				return ofFile(s.path, name, err)
			}
			defer d.close()
		}
		if err := s.openProcs(name, d); err != nil {
			return err
		}
	}
	return nil
}

// enterCgroups has the child enter the cgroups that it is not born in: by
// descriptors that the parent has opened, before its own rights, its root or
// its view of the cgroups are others.
func (b *builder) enterCgroups() {
	for _, e := range b.enters {
		b.add(e.field, program.Write, num(b.table.at(e.fd)), b.p.Str("0"), num(1))
	}
}

// inCgroup reports whether the child is, before it executes, in a cgroup that
// its parent is not in. Its memory is the parent's then. If the memory of the
// cgroup runs out, the OOM killer kills every process that has the memory
// which the one it chose has; but it does not choose one that is in vfork(2).
func (r *request) inCgroup() bool {
	return r.sys.UseCgroupFD || r.attr.Cgroup != nil || len(r.attr.CgroupV1) > 0
}

// make makes the cgroup in its parent, or in the first of those that this
// process may use in which everything can be had.
func (c *Cgroup) make() (*CgroupHandle, cgroupDir, *cgroupError) {
	none := cgroupDir{}
	parents, err := c.parents()
	if err != nil {
		return nil, none, failed("Parent", err)
	}
	parent, err := c.choose(parents)
	for _, p := range parents {
		if err != nil || p != parent {
			p.close()
		}
	}
	if err != nil {
		return nil, none, failed("", err)
	}
	g, e := c.makeIn(parent)
	if e != nil {
		parent.close()
	}
	return g, parent, e
}

func (c *Cgroup) makeIn(parent cgroupDir) (*CgroupHandle, *cgroupError) {
	g, err := c.mkdir(parent)
	if errors.Is(err, fs.ErrPermission) {
		e := failed("Parent", err)
		e.hint = parent.path + " is not delegated to user " + strconv.Itoa(os.Geteuid())
		return nil, e
	}
	if err != nil {
		return nil, failed("Name", err)
	}
	if err := c.fill(g); err != nil {
		g.discard(parent)
		return nil, err
	}
	return g, nil
}

func (c *Cgroup) parents() ([]cgroupDir, error) {
	if c.Parent == "" {
		return usableParents()
	}
	d, err := openCgroup(path.Clean(c.Parent), unix.CGROUP2_SUPER_MAGIC)
	return []cgroupDir{d}, err
}

// choose finds the parent, and enables the controllers in it.
func (c *Cgroup) choose(parents []cgroupDir) (cgroupDir, error) {
	need := c.controllers()
	var first error
	for _, d := range parents {
		err := d.enable(need)
		if err == nil {
			return d, nil
		}
		if first == nil {
			first = err
		}
	}
	var inTheWay *refusal
	if !c.Evacuate || !errors.As(first, &inTheWay) || inTheWay.holder != parents[0].path {
		return cgroupDir{}, first
	}
	if err := parents[0].evacuate(); err != nil {
		return cgroupDir{}, err
	}
	return parents[0], parents[0].enable(need)
}

func (c *Cgroup) mkdir(parent cgroupDir) (*CgroupHandle, error) {
	name := c.Name
	for {
		if c.Name == "" {
			name = "sprog-" + strconv.FormatUint(rand.Uint64(), 36)
		}
		err := parent.mkdir(name)
		if err == nil {
			break
		}
		if c.Name != "" || !errors.Is(err, fs.ErrExist) {
			return nil, err
		}
	}
	d, err := parent.sub(name)
	if err != nil {
		parent.rmdir(name)
		return nil, err
	}
	return &CgroupHandle{path: d.path, name: name, keep: c.Keep, dir: d.file}, nil
}

// fill writes the limits.
func (c *Cgroup) fill(g *CgroupHandle) *cgroupError {
	d := cgroupDir{g.dir, g.path}
	for _, w := range c.writes() {
		value := w.value
		var err error
		if w.file == "io.max" {
			value, err = resolveDevice(value)
		}
		if err == nil {
			err = d.write(w.file, value)
		}
		if err != nil {
			e := failed(w.label, err)
			e.hint = explainCgroupFile(err, value)
			return e
		}
	}
	return nil
}

// explainCgroupFile says what the kernel means where a file of a cgroup does not
// take a value. The error comes to name the value.
func explainCgroupFile(err error, value string) string {
	var of *fs.PathError
	if !errors.As(err, &of) {
		return ""
	}
	if of.Op == "write" {
		of.Path += " " + strconv.Quote(value)
	}
	switch {
	case of.Op == "open" && errors.Is(err, fs.ErrNotExist):
		return "this kernel's cgroups do not have the file"
	case of.Op != "write":
		return ""
	case errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ERANGE):
		return "the file does not take that value"
	case errors.Is(err, unix.ENODEV):
		return "there is no such device"
	}
	return ""
}

// describeCgroup lists what the parent would do. Which cgroup is the parent
// only a start finds out.
func (s *starter) describeCgroup(c *Cgroup) {
	parent, name := c.Parent, c.Name
	if parent == "" {
		parent = "DELEGATED"
	}
	if name == "" {
		name = "sprog-NAME"
	}
	note := func(call, text, field string) {
		s.parentSteps = append(s.parentSteps, PlanStep{By: "parent", Call: call, Text: text, Field: field})
	}
	write := func(file, value, field string) {
		note("write", "write("+strconv.Quote(file)+", "+strconv.Quote(value)+", "+itoa(len(value))+")", field)
	}
	if need := c.controllers(); len(need) > 0 {
		write(parent+"/cgroup.subtree_control", enabling(need), cgroupField)
	}
	dir := parent + "/" + name
	note("mkdir", "mkdir("+strconv.Quote(dir)+", 0755)", cgroupField)
	for _, w := range c.writes() {
		write(dir+"/"+w.file, w.value, cgroupField+"."+w.label)
	}
	s.standInCgroup = s.standIn
	s.standIn++
}

// cgroup is the descriptor of the cgroup that the child is born in, or -1.
func (s *starter) cgroup() int {
	switch {
	case s.sys.UseCgroupFD:
		return s.sys.CgroupFD
	case s.attr.Cgroup == nil || s.entersByItself():
		return -1
	case s.describing:
		return s.standInCgroup
	}
	return int(s.group.dir.Fd())
}

// explainCgroup says what the kernel means where a child cannot be born in its
// cgroup.
func explainCgroup(errno error) string {
	switch errno {
	case unix.EACCES, unix.EPERM:
		return "cgroup.procs of the nearest cgroup above both this process's and the new one must be writable"
	case unix.EBUSY:
		return "a cgroup whose cgroup.subtree_control has controllers cannot hold processes"
	case unix.EOPNOTSUPP:
		return "the cgroup is below one that is threaded"
	case unix.ENOENT:
		return "the cgroup has been removed, or is outside of this process's cgroup namespace"
	case unix.EBADF:
		return "it is not open, or not the directory of a cgroup of version 2"
	case unix.ENODEV:
		return "the cgroup has been removed"
	}
	return ""
}
