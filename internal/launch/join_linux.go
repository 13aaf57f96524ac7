//go:build amd64 || arm64

package launch

import (
	"slices"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/compile"
	"github.com/sprog-dev/sprog/internal/kernel"
	"github.com/sprog-dev/sprog/internal/listing"
	"github.com/sprog-dev/sprog/internal/ownproc"
	"github.com/sprog-dev/sprog/internal/pathwalk"
	"github.com/sprog-dev/sprog/internal/spec"
	"github.com/sprog-dev/sprog/internal/terms"
)

// openJoins opens the namespaces, and decides about the order.
func (s *attempt) openJoins() *spec.Error {
	s.given.StageField = s.ask.SecondStage()
	for i := range s.ask.Attr.Join {
		if err := s.opener(i).open(); err != nil {
			return err
		}
	}
	if err := s.orderJoins(); err != nil {
		return err
	}
	return s.nullBefore(func(u compile.Use, mode int) (int, error) {
		return s.makeFile(u, func() (int, error) { return unix.Open("/dev/null", mode|unix.O_CLOEXEC, 0) })
	})
}

// supposeJoins does it for a plan, in which a process is in other namespaces than this one.
func (s *attempt) supposeJoins() *spec.Error {
	s.given.StageField = s.ask.SecondStage()
	for i := range s.ask.Attr.Join {
		if err := s.opener(i).suppose(); err != nil {
			return err
		}
	}
	if err := s.orderJoins(); err != nil {
		return err
	}
	return s.nullBefore(func(u compile.Use, _ int) (int, error) { return s.given.Use(u), nil })
}

func (s *attempt) opener(i int) joinOpener {
	return joinOpener{s, &s.ask.Attr.Join[i], spec.Index("Attr.Join", i)}
}

// orderJoins decides about the order of what is to be joined.
func (s *attempt) orderJoins() *spec.Error {
	if len(s.ask.Attr.Join) == 0 {
		return nil
	}
	for _, kind := range []spec.NamespaceKind{spec.PIDNamespace, spec.UserNamespace} { // found among all those of a process
		if !s.given.Joins.Has(kind) {
			continue
		}
		if err := s.ask.CheckJoinAndNew(kind); err != nil {
			return err
		}
	}
	s.given.Joins.Privileged = MayAdminister()
	slices.SortStableFunc(s.given.Joins.List, func(a, b spec.Joined) int { return s.given.Joins.Rank(a.Kind) - s.given.Joins.Rank(b.Kind) })
	return s.joinInStage()
}

// joinInStage is for a process whose namespaces turn out to be of a kind that is
// joined in a second stage.
func (s *attempt) joinInStage() *spec.Error {
	kind := spec.TimeNamespace
	if s.given.Joins.Has(spec.MountNamespace) {
		kind = spec.MountNamespace
	}
	switch {
	case s.ask.InPlace || s.given.StageField != "" || !s.given.Joins.Has(kind):
		return nil
	case !s.ask.MayHaveStages():
		return spec.Invalid("Attr.Join", kind.String(), "takes a second stage, which cannot be combined with {SysProcAttr.Ptrace} or a listener ({Attr.Seccomp})")
	}
	s.given.StageField = "Attr.Join"
	return nil
}

// MayAdminister reports whether this process has CAP_SYS_ADMIN in its user
// namespace. Tests put another answer.
var MayAdminister = func() bool { return kernel.HasCap(unix.CAP_SYS_ADMIN) }

// nullBefore opens /dev/null where the child is to have it, since the mount
// namespace that it joins may have something else at that path.
func (s *attempt) nullBefore(open func(u compile.Use, mode int) (hole int, err error)) *spec.Error {
	if !s.given.Joins.Has(spec.MountNamespace) {
		return nil
	}
	for _, f := range s.given.Files {
		to, mode := &s.given.Joins.NullReader, unix.O_RDONLY
		switch f.Source {
		case spec.NullRead:
		case spec.NullWrite:
			to, mode = &s.given.Joins.NullWriter, unix.O_WRONLY
		default:
			continue
		}
		if *to != compile.NotOpen {
			continue
		}
		hole, err := open(compile.Use{Fd: compile.Unopened, Name: "/dev/null", Field: f.Field, Own: true}, mode)
		if err != nil {
			return &spec.Error{Path: s.ask.Path, Step: "open", Object: "/dev/null", Field: f.Field, Err: err}
		}
		*to = hole
	}
	return nil
}

// A joinOpener opens the namespaces of one entry.
type joinOpener struct {
	*attempt
	n     *spec.Namespace
	field string
}

func (o joinOpener) open() *spec.Error {
	switch {
	case o.n.Path != "":
		return o.add(o.n.Kinds, o.n.Path, func() (int, error) { return pathwalk.OpenNamespace(o.n.Path) })
	case o.n.File != nil:
		fd, err := spec.FD(o.n.File)
		if err != nil {
			return o.error("", o.n.File.Name(), err)
		}
		if !o.ours(o.n.Kinds, fd) {
			o.join(spec.Joined{Kind: o.n.Kinds, Fd: fd, Name: o.n.File.Name(), Given: true})
		}
		return nil
	case o.n.PidFD != nil:
		return o.ofPidFD()
	}
	pidfd, err := unix.PidfdOpen(o.n.PID, 0)
	if err == unix.ENOSYS || err == unix.EPERM { // before Linux 5.3, or a filter
		return o.ofProcess(o.n.PID, -1)
	}
	if err != nil {
		return o.error("pidfd_open", spec.Itoa(o.n.PID), err)
	}
	defer unix.Close(pidfd)
	pid, err := ownproc.NumberOf(pidfd)
	if err != nil {
		return o.error("", "process "+spec.Itoa(o.n.PID), err)
	}
	return o.ofProcess(pid, pidfd)
}

// suppose lists what open would find.
func (o joinOpener) suppose() *spec.Error {
	joined := spec.Joined{Kind: o.n.Kinds, Fd: compile.Unopened, Name: o.n.Path}
	switch {
	case o.n.Path != "":
		o.join(joined)
		return nil
	case o.n.File != nil:
		joined.Name, joined.Given = o.n.File.Name(), true
		if _, err := spec.FD(o.n.File); err != nil {
			return o.error("", joined.Name, err)
		}
		o.join(joined)
		return nil
	}
	return o.eachKind(o.n.PID, func(joined spec.Joined) *spec.Error {
		o.join(joined)
		return nil
	})
}

// join adds a namespace to those to be joined.
func (o joinOpener) join(n spec.Joined) {
	n.Field, n.Hole = o.field, compile.NotOpen
	o.given.Joins.List = append(o.given.Joins.List, n)
}

// ofPidFD finds out which process the pidfd means.
func (o joinOpener) ofPidFD() *spec.Error {
	fd, err := spec.FD(o.n.PidFD)
	if err != nil {
		return o.error("", o.n.PidFD.Name(), err)
	}
	pid, err := ownproc.NumberOf(fd)
	if err == ownproc.ErrNoPidFD {
		err = terms.Message{Text: terms.Of(err), Err: unix.EINVAL}
	}
	if err != nil {
		return o.error("", "pidfd "+spec.Itoa(fd), err)
	}
	return o.ofProcess(pid, fd)
}

// ofProcess opens namespaces of a process, and then looks whether it was that
// process all the time.
func (o joinOpener) ofProcess(pid, pidfd int) *spec.Error {
	err := o.eachKind(pid, func(n spec.Joined) *spec.Error {
		err := o.add(n.Kind, n.Name, func() (int, error) { return pathwalk.OpenNamespace(n.Name) })
		if err != nil && o.n.Kinds == 0 && err.Err == unix.ENOENT { // a kernel without that kind
			return nil
		}
		return err
	})
	switch {
	case err != nil && err.Err == unix.EACCES:
		return o.ofProgram(pid, err)
	case err != nil:
		return err
	}
	const pollin = 1
	if pidfd >= 0 {
		ended := []unix.PollFd{{Fd: int32(pidfd), Events: pollin}}
		if n, err := unix.Poll(ended, 0); err == nil && n > 0 {
			return o.error("", "process "+spec.Itoa(pid), unix.ESRCH)
		}
	}
	return nil
}

// eachKind goes through the namespaces of a process.
func (o joinOpener) eachKind(pid int, do func(spec.Joined) *spec.Error) *spec.Error {
	kinds := o.n.Kinds
	if kinds == 0 {
		kinds = spec.AllKinds &^ o.ask.Named()
	}
	for _, k := range spec.NamespaceKinds {
		if kinds&k.Kind == 0 {
			continue
		}
		n := spec.Joined{Kind: k.Kind, Fd: compile.Unopened, Name: "/proc/" + spec.Itoa(pid) + "/ns/" + k.File}
		if err := do(n); err != nil {
			return err
		}
	}
	return nil
}

// add opens a namespace, unless the child will be in it anyway.
func (o joinOpener) add(kind spec.NamespaceKind, name string, open func() (int, error)) *spec.Error {
	fd, err := open()
	if no, ok := err.(pathwalk.NoNamespace); ok {
		return &spec.Error{Path: o.ask.Path, Step: "setns", Object: name, Field: o.field, Err: unix.EINVAL, Hint: terms.Plain(no.Why())}
	}
	if err != nil {
		return o.error("open", name, err)
	}
	if o.ours(kind, fd) {
		unix.Close(fd)
		return nil
	}
	o.afterwards(func(bool) { unix.Close(fd) })
	o.join(spec.Joined{Kind: kind, Fd: fd, Name: name})
	return nil
}

func (o joinOpener) error(step, object string, err error) *spec.Error {
	e := &spec.Error{Path: o.ask.Path, Step: step, Object: object, Field: o.field, Err: err}
	if o.n.Path == "" && (err == unix.EACCES || err == unix.EPERM) {
		e.Hint = "the namespaces of a process are open to those who may trace it: ptrace(2)"
	}
	return e
}

// ours reports whether the child is born in that namespace: it is this thread's
// and, should another thread have the child, the process's.
func (o joinOpener) ours(kind spec.NamespaceKind, fd int) bool {
	var theirs unix.Stat_t
	if unix.Fstat(fd, &theirs) != nil {
		return false
	}
	file := spec.NamespaceKinds[(&compile.Joins{}).Rank(kind)].File
	if kind == spec.PIDNamespace || kind == spec.TimeNamespace {
		file += "_for_children"
	}
	for _, of := range []string{"thread-self", "self"} {
		var st unix.Stat_t
		if unix.Stat("/proc/"+of+"/ns/"+file, &st) != nil || st.Dev != theirs.Dev || st.Ino != theirs.Ino {
			return false
		}
	}
	return true
}

// divideJoins has all namespaces joined in the second stage, if there is one: a
// time namespace, as a process enters it only that shares its memory with
// nobody; a mount namespace, so that /proc/PID/exe is no file of the caller's there;
// and all others too, so that the image is executed in the caller's user
// namespace and out of reach for whoever is root in another.
func (s *attempt) divideJoins() *spec.Error {
	j := &s.given.Joins
	if s.given.StageField == "" && !s.ask.InPlace {
		// A process in another PID namespace is made, not moved; and new
		// namespaces belong to the user namespace that their maker is in.
		s.given.Joins.MakesSibling = j.Has(spec.PIDNamespace) || len(j.List) > 0 && s.given.BornInto()&uint64(spec.AllKinds) != 0
		return nil
	}
	for i, n := range j.List {
		j.List[i].Hole = s.given.Use(compile.Use{Fd: n.Fd, Name: n.Name, Field: n.Field, Own: !n.Given})
	}
	j.List, j.Late, s.given.Joins.MakesSibling = j.Late[:0], j.List, false
	return nil
}

// describeFile makes the error of a step name the namespace or the cgroup that
// a descriptor is of.
func (s *attempt) describeFile(e *spec.Error) {
	for i, dir := range s.ask.Attr.CgroupV1 {
		if e.Step == "write" && e.Field == spec.Index("Attr.CgroupV1", i) {
			e.Object = dir + "/cgroup.procs"
		}
	}
	for i := range s.ask.Attr.Mounts {
		if m := &s.ask.Attr.Mounts[i]; e.Step == "write" && e.Field == spec.Index(spec.MountsField, i) {
			e.Object = m.At()
		}
	}
	for _, n := range slices.Concat(s.given.Joins.List, s.given.Joins.Late) {
		if e.Step == "setns" && e.Object == listing.CloneFlags(uint64(n.Kind)) {
			e.Object = n.Name
		}
	}
}

// ofProgram opens the namespaces of the program that an init has started: the first
// of its children. The init's own are not open to whoever has made its
// user namespace, as they are not to root in that.
func (o joinOpener) ofProgram(init int, denied *spec.Error) *spec.Error {
	proc, err := ownproc.Open()
	if err != nil {
		return denied
	}
	defer proc.Close()
	name, _ := proc.Name(init)
	children := proc.Children(init)
	if name != compile.InitName || len(children) == 0 {
		return denied
	}
	program := children[0]
	pidfd, err := unix.PidfdOpen(program, 0)
	if err != nil {
		return denied
	}
	defer unix.Close(pidfd)
	if !slices.Contains(proc.Children(init), program) { // it was, and the number is another's
		return denied
	}
	return o.ofProcess(program, pidfd)
}
