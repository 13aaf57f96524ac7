//go:build amd64 || arm64

package launch

import (
	"fmt"
	"os"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/compile"
	"github.com/sprog-dev/sprog/internal/kernel"
	"github.com/sprog-dev/sprog/internal/machine"
	"github.com/sprog-dev/sprog/internal/program"
	"github.com/sprog-dev/sprog/internal/spec"
)

// A Waiting is a child that was born with all that takes long: it waits for the program, the
// files and the directory. It is good for one start, and never comes back to this state.
type Waiting struct {
	Process *os.Process

	ask    spec.Start
	attr   spec.Attr
	given  compile.Input
	rest   compile.Waiting
	stage  *machine.Second
	res    machine.Result
	socket int
	birth  Birth

	from     inherited
	verified *program.Start // for the verifier, in tests
}

// Wait makes a child that waits. Of what is asked for, the program, its arguments, variables, files and
// directory may be anything, or nothing.
func Wait(r *spec.Start, to Options) (*Waiting, error) {
	w := &Waiting{attr: spec.NoAttr, socket: -1, from: inherit()}
	if r.Attr != nil {
		w.attr = *r.Attr
	}
	w.attr.Files = nil
	ask := *r
	ask.Attr, ask.Files, ask.Waits = &w.attr, nil, true
	to.waiting, to.Birth = w, &w.birth
	p, err := Start(&ask, to)
	if err != nil {
		return nil, err
	}
	w.Process, w.ask = p, ask
	return w, nil
}

// CannotWait is the field that keeps a start from being one of a child that waits, or "".
func CannotWait(r *spec.Start) string {
	r.FillIn()
	switch {
	case r.Sys.Ptrace:
		return spec.Field("Ptrace")
	case r.Sys.Foreground:
		return spec.Field("Foreground")
	case r.Sys.PidFD != nil:
		return spec.Field("PidFD")
	case r.Listens():
		return "Attr.Seccomp"
	case r.Attr.Cgroup != nil && r.Attr.Cgroup.Name != "": // which only one start can have
		return "Attr.Cgroup.Name"
	case r.Attr.WaitFor != nil:
		return "Attr.WaitFor"
	case r.Attr.Meet != nil: // which would not know the start that it is about
		return spec.MeetField
	case r.Attr.InheritAll:
		return spec.InheritField
	case len(r.Attr.Inherit) > 0:
		return "Attr.Inherit"
	}
	return ""
}

// openRest makes the socket that the child waits at. A message comes to it whole, and the end of the
// parent is the end of the file.
func (s *attempt) openRest() *spec.Error {
	if !s.ask.Waits {
		return nil
	}
	ends, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return &spec.Error{Path: s.ask.Path, Step: "socketpair", Field: s.given.StageField, Err: err}
	}
	s.restSocket = ends[0]
	s.afterwards(func(started bool) {
		unix.Close(ends[1])
		if !started {
			unix.Close(ends[0])
		}
	})
	s.given.RestFD = s.given.Use(compile.Use{Fd: ends[1], Name: "rest", Field: s.given.StageField, Own: true})
	return nil
}

// keep takes over what the start of the child has made.
func (w *Waiting) keep(s *attempt, res *machine.Result) {
	w.res, w.stage, w.rest, w.socket = *res, s.stage, s.made.Waiting, s.restSocket
	res.PidFD = -1
	if program.Compiled != nil {
		w.verified = s.given.Verifiable(&s.made, s.bound)
		w.verified.First, w.verified.Second = new(program.Program), new(program.Program)
		w.verified.First.CopyFrom(s.made.First)
		w.verified.Second.CopyFrom(s.made.Second)
	}
	w.given = s.given
	g := &w.given
	g.Uses, g.Enters, g.Joins.List, g.Joins.Late = nil, nil, slices.Clone(g.Joins.List), slices.Clone(g.Joins.Late)
}

// Limit writes other values to the child's cgroup.
func (w *Waiting) Limit(c *spec.Cgroup) error {
	if w.birth.Cgroup == nil || c == nil {
		return nil
	}
	return w.birth.Cgroup.Write(c.Spec().Writes)
}

// GoOn has the child become the program. It reports false if that has come to nothing, for
// whatever reason, and the child is gone: the caller makes another start of it, which may fail for the
// same reason and can say so. FitsRest has looked at r.
func (w *Waiting) GoOn(r *spec.Start, to Options) bool {
	defer w.close()
	ask := w.restOf(r)
	files, done, err := restFiles(ask.Files)
	defer done()
	if err != nil {
		w.kill()
		return false
	}
	m := memories.Get().(*memory)
	defer m.release()
	made := w.compile(ask, &m.compile)
	if !machine.FitsRest(made.Second) {
		w.kill()
		return false
	}
	if to.Inspect != nil {
		to.Inspect(nil, made.Second)
	}
	if program.Compiled != nil {
		program.Compiled(w.given.VerifiableRest(w.verified, &made, len(files)))
	}
	describeStage(w.stage, ask, &made)
	res := w.stage.GoOn(w.res, to.Flight.stopper(), w.socket, files)
	if res.OK && !to.Flight.stopper().Over() {
		res = res.End()
	}
	if w.res.PidFD = res.PidFD; !res.OK {
		w.Process.Release()
		w.discard()
		return false
	}
	if to.Told != nil {
		to.Told(w.Process.Pid)
	}
	takeStops(w.stage, &w.birth)
	takeEnd(w.stage, ask, &w.birth)
	if to.Birth != nil {
		*to.Birth = w.birth
	}
	return true
}

// End ends a child that nobody has a use for.
func (w *Waiting) End() {
	w.kill()
	w.close()
}

// kill ends the child. One that has rights which this process has given up ends by itself, since nobody
// will send it anything.
func (w *Waiting) kill() {
	unix.Close(w.socket)
	w.socket = -1
	if err := w.Process.Kill(); err != nil && err != os.ErrProcessDone {
		go func() {
			w.Process.Wait()
			w.discard()
		}()
		return
	}
	w.Process.Wait()
	w.discard()
}

// discard removes what was made for a child that is gone.
func (w *Waiting) discard() {
	if g := w.birth.Cgroup; g != nil {
		g.Kill()
		g.Remove()
	}
}

func (w *Waiting) close() {
	if w.socket >= 0 {
		unix.Close(w.socket)
	}
	w.stage.Close()
	if w.res.PidFD >= 0 {
		unix.Close(w.res.PidFD)
	}
}

// An inherited is what a child has from this process, as far as it matters and can be told. Others than those that a
// start changes by itself, like the umask, are not looked at.
type inherited struct {
	ids      [6]int
	groups   string
	caps     [kernel.CapSets]uint64
	secure   int // securebits
	noNew    int
	limits   [unix.RLIMIT_RTTIME + 1]unix.Rlimit // all
	dev, ino uint64                              // of the working directory
}

func inherit() (i inherited) {
	i.ids[0], i.ids[1], i.ids[2] = unix.Getresuid()
	i.ids[3], i.ids[4], i.ids[5] = unix.Getresgid()
	groups, _ := unix.Getgroups()
	i.groups = fmt.Sprint(groups)
	i.caps = kernel.OwnSets()
	i.secure, _ = unix.PrctlRetInt(unix.PR_GET_SECUREBITS, 0, 0, 0, 0)
	i.noNew, _ = unix.PrctlRetInt(unix.PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0)
	for n := range i.limits {
		unix.Prlimit(0, n, nil, &i.limits[n])
	}
	var st unix.Stat_t
	if unix.Stat(".", &st) == nil {
		i.dev, i.ino = uint64(st.Dev), st.Ino
	}
	return i
}

// IsOurs reports whether a child of this process would inherit the same now: a process that has given
// up rights has to start none that has them.
func (w *Waiting) IsOurs() bool { return w.from == inherit() }

// restOf is what the child is asked for now: all that it was born with, and the rest.
func (w *Waiting) restOf(r *spec.Start) *spec.Start {
	attr := w.attr
	attr.Files, attr.Rlimits, attr.Umask = r.Attr.Files, r.Attr.Rlimits, r.Attr.Umask
	ask := w.ask
	ask.Waits, ask.Attr = false, &attr
	ask.Path, ask.Argv, ask.Env, ask.Dir, ask.Files = r.Path, r.Argv, r.Env, r.Dir, slices.Clone(r.Files)
	return &ask
}

// FitsRest reports whether a start can be one of a child that waits, as far as that can be told
// before.
func FitsRest(r *spec.Start) bool {
	r.FillIn()
	for i := range r.Files {
		if !compile.MayWait(&r.Files[i]) {
			return false
		}
	}
	return r.ValidateRest() == nil && checkFiles(r) == nil
}

func (w *Waiting) compile(ask *spec.Start, m *compile.Memory) compile.Plan {
	g := &w.given
	g.Ask, g.Files = ask, ask.Files
	g.Relimits = !slices.Equal(ask.Attr.Rlimits, w.attr.Rlimits)
	made := compile.CompileRest(g, &w.rest, m)
	made.BindStrings(ask.Path, ask.Dir, ask.Argv, ask.Env)
	if ask.HasView() {
		made.BindView(ownDir())
	}
	return made
}

// restFiles are the descriptors that the child is to get, in the order of their numbers there. It
// may be in a root without a /dev/null, so it gets that too.
func restFiles(files []spec.ChildFile) (fds []int, done func(), err error) {
	var own []int
	done = func() {
		for _, fd := range own {
			unix.Close(fd)
		}
	}
	null := [2]int{-1, -1}
	for i := range files {
		f := &files[i]
		var fd int
		switch f.Source {
		case spec.NullRead, spec.NullWrite:
			mode := unix.O_RDONLY
			if f.Source == spec.NullWrite {
				mode = unix.O_WRONLY
			}
			if fd = null[mode]; fd < 0 {
				if fd, err = unix.Open("/dev/null", mode|unix.O_CLOEXEC, 0); err != nil {
					return nil, done, err
				}
				own, null[mode] = append(own, fd), fd
			}
		case spec.Inline:
			if fd, err = sealedFile(f.File.Data); err != nil {
				return nil, done, err
			}
			own = append(own, fd)
		case spec.FromParent:
			fd = f.Fd
		default:
			continue
		}
		f.Source, f.Fd = spec.FromParent, fd
		fds = append(fds, fd)
	}
	return fds, done, nil
}
