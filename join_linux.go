//go:build amd64 || arm64

package sprog

import (
	"slices"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/kernel"
	"github.com/sprog-dev/sprog/internal/ownproc"
	"github.com/sprog-dev/sprog/internal/pathwalk"
	"github.com/sprog-dev/sprog/internal/program"
	"github.com/sprog-dev/sprog/internal/spec"
	"github.com/sprog-dev/sprog/internal/terms"
)

// joins is what the start knows of the namespaces to join.
type joins struct {
	list       []joined // in the order in which they are joined
	late       []joined // those that are joined in the second stage
	privileged bool     // the caller needs no right that only the user namespace gives
	relays     bool     // a process that is made on the way goes on

	nullReader, nullWriter int // the caller's /dev/null, or notOpen
}

// A joined namespace is one that the child joins.
type joined struct {
	kind  spec.NamespaceKind
	fd    int
	name  string
	field string
	given bool // the descriptor is the caller's, and stays open
}

// joins reports whether a namespace of the kind is joined.
func (j *joins) joins(kind spec.NamespaceKind) bool {
	return holds(j.list, kind) || holds(j.late, kind)
}

func holds(list []joined, kind spec.NamespaceKind) bool {
	return slices.ContainsFunc(list, func(n joined) bool { return n.kind == kind })
}

// openJoins opens the namespaces, and decides about the order.
func (s *starter) openJoins() *spec.Error {
	s.given.stageField = s.ask.SecondStage()
	s.given.joins = joins{list: s.given.joins.list[:0], late: s.given.joins.late[:0], nullReader: notOpen, nullWriter: notOpen}
	if len(s.ask.Attr.Join) == 0 {
		return nil
	}
	for i := range s.ask.Attr.Join {
		n := &s.ask.Attr.Join[i]
		o := joinOpener{s, n, spec.Index("Attr.Join", i)}
		if err := o.open(); err != nil {
			return err
		}
	}
	for _, kind := range []spec.NamespaceKind{spec.PIDNamespace, spec.UserNamespace} { // found among all those of a process
		if !s.given.joins.joins(kind) {
			continue
		}
		if err := s.ask.CheckJoinAndNew(kind); err != nil {
			return err
		}
	}
	s.given.joins.privileged = mayAdminister()
	slices.SortStableFunc(s.given.joins.list, func(a, b joined) int { return s.given.joins.rank(a.kind) - s.given.joins.rank(b.kind) })
	if err := s.joinInStage(); err != nil {
		return err
	}
	return s.openNullBefore()
}

// joinInStage is for a process whose namespaces turn out to be of a kind that is
// joined in a second stage.
func (s *starter) joinInStage() *spec.Error {
	kind := spec.TimeNamespace
	if s.given.joins.joins(spec.MountNamespace) {
		kind = spec.MountNamespace
	}
	switch {
	case s.ask.InPlace || s.given.stageField != "" || !s.given.joins.joins(kind):
		return nil
	case !s.ask.MayHaveStages():
		return spec.Invalid("Attr.Join", kind.String(), "takes a second stage, which cannot be combined with SysProcAttr.Ptrace or a listener (Attr.Seccomp)")
	}
	s.given.stageField = "Attr.Join"
	return nil
}

// rank is a kind's place in the order. What is left once the user namespace
// has its place does not matter, but that a time namespace takes a second stage.
func (j *joins) rank(kind spec.NamespaceKind) int {
	if kind == spec.UserNamespace && j.privileged {
		return len(spec.NamespaceKinds)
	}
	for i, k := range spec.NamespaceKinds {
		if k.Kind == kind {
			return i
		}
	}
	return -1
}

// mayAdminister reports whether this process has CAP_SYS_ADMIN in its user
// namespace. Tests put another answer.
var mayAdminister = func() bool {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	return unix.Capget(&header, &data[0]) == nil && data[0].Effective>>unix.CAP_SYS_ADMIN&1 != 0
}

// openNullBefore opens /dev/null where the child is to have it, since the mount
// namespace that it joins may have something else at that path.
func (s *starter) openNullBefore() *spec.Error {
	if !s.given.joins.joins(spec.MountNamespace) {
		return nil
	}
	for _, f := range s.given.files {
		to, mode := &s.given.joins.nullReader, unix.O_RDONLY
		switch f.Source {
		case spec.NullRead:
		case spec.NullWrite:
			to, mode = &s.given.joins.nullWriter, unix.O_WRONLY
		default:
			continue
		}
		if *to != notOpen {
			continue
		}
		fd, err := s.makeFile(f.Field, program.ForProgram, func() (int, error) { return unix.Open("/dev/null", mode|unix.O_CLOEXEC, 0) })
		if err != nil {
			return &spec.Error{Path: s.ask.Path, Step: "open", Object: "/dev/null", Field: f.Field, Err: err}
		}
		*to = fd
	}
	return nil
}

// A joinOpener opens the namespaces of one entry.
type joinOpener struct {
	*starter
	n     *spec.Namespace
	field string
}

func (o joinOpener) open() *spec.Error {
	switch {
	case o.n.Path != "":
		return o.add(o.n.Kinds, o.n.Path, func() (int, error) { return openNamespace(o.n.Path) })
	case o.n.File != nil:
		fd, err := spec.FD(o.n.File)
		if err != nil {
			return o.error("", o.n.File.Name(), err)
		}
		if o.describing || !o.ours(o.n.Kinds, fd) {
			o.given.joins.list = append(o.given.joins.list, joined{o.n.Kinds, fd, o.n.File.Name(), o.field, true})
		}
		return nil
	case o.describing:
		return o.ofProcess(o.n.PID, -1)
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

// ofPidFD finds out which process the pidfd means.
func (o joinOpener) ofPidFD() *spec.Error {
	fd, err := spec.FD(o.n.PidFD)
	if err != nil {
		return o.error("", o.n.PidFD.Name(), err)
	}
	pid, err := ownproc.NumberOf(fd)
	if err == ownproc.ErrNoPidFD {
		err = spec.InvalidReason(err.Error())
	}
	if err != nil {
		return o.error("", "pidfd "+spec.Itoa(fd), err)
	}
	return o.ofProcess(pid, fd)
}

// ofProcess opens namespaces of a process, and then looks whether it was that
// process all the time.
func (o joinOpener) ofProcess(pid, pidfd int) *spec.Error {
	kinds := o.n.Kinds
	if kinds == 0 {
		kinds = spec.AllKinds &^ o.ask.Named()
	}
	for _, k := range spec.NamespaceKinds {
		if kinds&k.Kind == 0 {
			continue
		}
		path := "/proc/" + spec.Itoa(pid) + "/ns/" + k.File
		err := o.add(k.Kind, path, func() (int, error) { return openNamespace(path) })
		if err != nil && err.Err == unix.EACCES {
			return o.ofProgram(pid, err)
		}
		if err != nil && (o.n.Kinds != 0 || err.Err != unix.ENOENT) { // a kernel without that kind
			return err
		}
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

// add opens a namespace, unless the child will be in it anyway.
func (o joinOpener) add(kind spec.NamespaceKind, name string, open func() (int, error)) *spec.Error {
	if o.describing {
		o.standIn++
		o.given.joins.list = append(o.given.joins.list, joined{kind, o.standIn - 1, name, o.field, false})
		return nil
	}
	fd, err := open()
	if no, ok := err.(noNamespace); ok {
		return &spec.Error{Path: o.ask.Path, Step: "setns", Object: name, Field: o.field, Err: unix.EINVAL, Hint: no.why()}
	}
	if err != nil {
		return o.error("open", name, err)
	}
	if o.ours(kind, fd) {
		unix.Close(fd)
		return nil
	}
	o.afterwards(func(bool) { unix.Close(fd) })
	o.given.joins.list = append(o.given.joins.list, joined{kind, fd, name, o.field, false})
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
	file := spec.NamespaceKinds[(&joins{}).rank(kind)].File
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

// openNamespace opens a namespace, and nothing else that may be there: to open
// other files has effects, and so has it to close them (see mayBeLocked). They
// are what setns(2) would say.
func openNamespace(path string) (int, error) {
	file, err := unix.Open(path, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	defer unix.Close(file)
	if !pathwalk.OnNamespaces(pathwalk.Seen(file)) && !pathwalk.OnProc(pathwalk.Seen(file)) { // before Linux 3.19 they were files of /proc
		return -1, noNamespace(path)
	}
	return unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC|unix.O_NONBLOCK|unix.O_NOCTTY, 0)
}

// A noNamespace is the path of another file.
type noNamespace string

func (noNamespace) Error() string { return unix.EINVAL.Error() }
func (n noNamespace) why() string {
	return terms.Printable(string(n)) + " is no namespace: those are files such as /proc/PID/ns/net"
}

// divideJoins has all namespaces joined in the second stage, if there is one: a
// time namespace, as a process enters it only that shares its memory with
// nobody; a mount namespace, so that /proc/PID/exe is no file of the caller's there;
// and all others too, so that the image is executed in the caller's user
// namespace and out of reach for whoever is root in another.
func (s *starter) divideJoins() *spec.Error {
	j := &s.given.joins
	if s.given.stageField == "" && !s.ask.InPlace {
		// A process in another PID namespace is made, not moved; and new
		// namespaces belong to the user namespace that their maker is in.
		s.given.joins.relays = j.joins(spec.PIDNamespace) || len(j.list) > 0 && s.given.bornInto()&uint64(spec.AllKinds) != 0
		return nil
	}
	for _, n := range j.list {
		s.given.uses = append(s.given.uses, use{fd: n.fd, field: n.field, kind: program.Harmless, own: !n.given})
	}
	j.list, j.late, s.given.joins.relays = j.late[:0], j.list, false
	return nil
}

// join joins namespaces, while the child still shares the parent's descriptors
// and has their numbers. Processes inside may be allowed to trace one that is
// in with them. The memory is the parent's, and must be out of their reach
// before.
func (b *builder) join() {
	j := &b.given.joins
	if len(j.list) == 0 {
		return
	}
	b.add("Attr.Join", program.Prctl, num(unix.PR_SET_DUMPABLE), num(0))
	for _, n := range j.list {
		b.add(n.field, program.Setns, num(n.fd), num(n.kind))
	}
	if b.given.joins.relays {
		b.relay()
	}
}

// joinLate joins what is joined in the second stage, first of all there: it
// was executed in the namespaces of the caller, so that undumpable means out of
// reach for whoever is root in another user namespace.
func (b *builder) joinLate() {
	if !b.ask.InPlace {
		b.joinRest()
	}
}

func (b *builder) joinRest() {
	j := &b.given.joins
	if len(j.late) == 0 {
		return
	}
	b.add("Attr.Join", program.Prctl, num(unix.PR_SET_DUMPABLE), num(0))
	for _, n := range j.late {
		b.add(n.field, program.Setns, num(b.table.at(n.fd)), num(n.kind))
	}
}

// relay has the child make another child of the parent's, in the PID
// namespace just joined, and in new namespaces if there are to be any. That one goes on.
func (b *builder) relay() {
	m, p := &b.made, b.p
	m.childPid, m.childPidFD, m.childLeft = p.Words(0), p.Words(1<<32-1), p.Words(1)
	name := "Attr.Join"
	flags := unix.CLONE_VM | unix.CLONE_FILES | unix.CLONE_PARENT | unix.CLONE_CHILD_CLEARTID | b.given.bornInto()
	if b.given.bornInto() != 0 {
		name = spec.Field("Cloneflags")
	}
	if b.given.copied {
		flags &^= unix.CLONE_FILES
	}
	if !b.given.noPidFD {
		flags |= unix.CLONE_PIDFD
	}
	if b.given.lacks.Has(kernel.NoClone3) {
		// The place of the address that is cleared depends on the
		// architecture; without CLONE_SETTLS the other one is ignored.
		b.add(name, program.Clone, num(flags), num(0), m.childPidFD, m.childLeft, m.childLeft).Into(m.childPid).Relay = true
		return
	}
	// The kernel notes the number before the new process runs, whatever
	// becomes of the old one.
	flags |= unix.CLONE_PARENT_SETTID
	args := p.Words(flags, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
	for i, at := range []program.Arg{m.childPidFD, m.childLeft, m.childPid} {
		p.Point(args.Plus(8+8*i), at)
	}
	b.add(name, program.Clone3, args, num(88)).Into(m.childPid).Relay = true
}

// describeFile makes the error of a step name the namespace or the cgroup that
// a descriptor is of.
func (s *starter) describeFile(e *spec.Error) {
	for i, dir := range s.ask.Attr.CgroupV1 {
		if e.Step == "write" && e.Field == spec.Index("Attr.CgroupV1", i) {
			e.Object = dir + "/cgroup.procs"
		}
	}
	for _, n := range slices.Concat(s.given.joins.list, s.given.joins.late) {
		if e.Step == "setns" && e.Object == program.CloneFlags(uint64(n.kind)) {
			e.Object = n.name
		}
	}
}
