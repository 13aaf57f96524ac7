//go:build amd64 || arm64

package launch

import (
	"slices"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/compile"
	"github.com/sprog-dev/sprog/internal/machine"
	"github.com/sprog-dev/sprog/internal/program"
	"github.com/sprog-dev/sprog/internal/seccomp"
	"github.com/sprog-dev/sprog/internal/spec"
	"github.com/sprog-dev/sprog/internal/terms"
)

// Compile returns the file of a launcher: the steps of an Exec, for somebody else to run. It
// opens nothing and asks the kernel nothing, unless that is to be frozen.
func Compile(r *spec.Start, to Options) ([]byte, error) {
	r.FillIn()
	r.InPlace = true
	useArch(r)
	if err := resolveForLauncher(r); err != nil {
		return nil, r.Refused(err)
	}
	s := new(memory).begin(r, to, tried{})
	if err := s.supposeLauncher(); err != nil {
		return nil, r.Refused(err)
	}
	s.given.Copied = true // nobody shares the table
	s.given.KernelCaps = capsOf(r)
	s.given.Clock = compile.NoClock
	s.made = compile.Compile(&s.given, &s.memory.compile)
	s.bindLauncher()
	if to.Inspect != nil {
		to.Inspect(s.made.First, nil)
	}
	if program.Compiled != nil {
		program.Compiled(s.given.Verifiable(&s.made, s.bound))
	}
	return s.launcher(), nil
}

// useArch has filters be for the launcher's architecture.
func useArch(r *spec.Start) {
	filter := r.Attr.Seccomp
	if filter == nil || len(filter.Archs) > 0 {
		return
	}
	for _, arch := range seccomp.Native(r.Launcher.Arch) {
		filter.Archs = append(filter.Archs, arch.String())
	}
}

// resolveForLauncher completes what is asked for, without a look at this process.
func resolveForLauncher(r *spec.Start) *spec.Error {
	if err := r.Validate(); err != nil {
		return err
	}
	for _, look := range [...]func(*spec.Start) *spec.Error{checkGroups, checkCaps} {
		if err := look(r); err != nil {
			return err
		}
	}
	return nil
}

// supposeLauncher notes what the launcher has, and what it opens for itself.
func (s *attempt) supposeLauncher() *spec.Error {
	const none = compile.Unopened
	s.given.Stderr = s.given.Use(compile.Use{Fd: 2, Name: "stderr"})
	s.given.ChildList = s.ask.Attr.Init != nil && s.ask.Sys.Cloneflags&unix.CLONE_NEWPID == 0
	if name := s.ask.NeedsProc(); name != "" && name != spec.InitField {
		use := procUse(name)
		use.Path, use.Flags = "/proc", unix.O_PATH|unix.O_DIRECTORY
		s.given.ProcFD = s.given.Use(use)
	}
	enter := func(dir, field string) {
		hole := s.given.Use(compile.Use{Fd: none, Path: dir + "/cgroup.procs", Flags: unix.O_WRONLY, Name: "cgroup", Field: field, Own: true})
		s.given.Enters = append(s.given.Enters, compile.Enter{Hole: hole, Field: field})
	}
	if dir := s.ask.Launcher.Cgroup; dir != "" {
		enter(dir, "CompileOptions.Cgroup")
	}
	for i, dir := range s.ask.Attr.CgroupV1 {
		enter(dir, spec.Index("Attr.CgroupV1", i))
	}
	s.filesForLauncher()
	s.supposeLandlock()
	return s.resolveLandlock()
}

// filesForLauncher has the launcher make what a parent makes, and open what is to be opened first.
func (s *attempt) filesForLauncher() {
	s.given.Files = slices.Clone(s.given.Files)
	for i := range s.given.Files {
		switch f := &s.given.Files[i]; {
		case f.Source == spec.Inline:
			f.Source = spec.MadeFirst
		case f.Source == spec.Opened && slices.Contains(s.ask.Launcher.OpenFirst, f.N):
			f.Source = spec.OpenedFirst
		}
	}
}

// bindLauncher fills the program's holes: its descriptors are those that it is called with.
func (s *attempt) bindLauncher() {
	for _, h := range s.made.Held {
		s.bound = append(s.bound, compile.Bound{At: h.Fd})
	}
	s.made.BindFiles(s.bound, 0)
	s.made.BindStrings(s.ask.Path, s.ask.Dir, s.ask.Argv, s.ask.Env)
}

// launcher makes the file. The plan in it is that of the steps as they are shown, without
// what is run after a failure.
func (s *attempt) launcher() []byte {
	l, p := s.ask.Launcher, s.made.First
	var plan lister
	plan.program(p, func(int) string { return "self" })
	s.tellFailures()
	argv, env := s.made.Strings()
	file := machine.Launcher{
		Program: p, Arch: archNamed(l.Arch), Handler: s.handler, Refusal: s.refuse(),
		Args: len(s.ask.Argv), Argv: argv, Vars: len(s.ask.Env), Env: env,
		Appends: l.AppendArgs, Privileged: l.Privileged,
		Notes: []machine.Note{{Owner: machine.NoteOwner, Kind: machine.NoteLine, Text: l.Line},
			{Owner: machine.NoteOwner, Kind: machine.NotePlan, Text: s.to.PlanText(plan.steps)}},
	}
	file.Names, file.Keeps = s.names()
	for _, id := range s.made.OwnIDs {
		kind := uint64(machine.OwnUser)
		if id.Group {
			kind = machine.OwnGroup
		}
		file.Numbers = append(file.Numbers, machine.OwnNumber{Last: id.Last, Kind: kind})
	}
	return file.File()
}

func archNamed(name string) machine.Arch {
	if name == "arm64" {
		return machine.ARM64
	}
	return machine.AMD64
}

// names are those of the variables that the program does not get from the launcher's caller, or
// else of the only ones that it does. Those that it has a value for it never does.
func (s *attempt) names() (list program.Arg, keeps bool) {
	l := s.ask.Launcher
	own := slices.Clone(l.UnsetEnv)
	for _, kv := range s.ask.Env {
		own = append(own, spec.VariableName(kv))
	}
	if l.PassesAll() {
		return s.made.First.Strs(own), false
	}
	passed := slices.DeleteFunc(slices.Clone(l.PassEnv), func(name string) bool { return slices.Contains(own, name) })
	return s.made.First.Strs(passed), true
}

// notPrivileged is what a launcher says that was given rights which it was not compiled for.
const notPrivileged = "sprog: this launcher has rights that its caller lacks, and was not compiled for that: see {CompileOptions.Privileged}\n"

// refuse adds the steps of a launcher that does not run.
func (s *attempt) refuse() int {
	p := s.made.First
	first, text := p.Len(), terms.Text(notPrivileged).In(s.to.Words)
	p.Add("", program.Write, compile.Num(2), p.Str(text), compile.Num(len(text))).Ignore(program.AnyErrno)
	p.Add("", program.ExitGroup, compile.Num(exitFailed)).Ignore(program.AnyErrno)
	p.Add("", program.Move, compile.Num(0))
	return first
}

// endingsOfLauncher are how a step of a launcher can fail. Nobody can say more of it beforehand: it runs
// elsewhere.
func (s *attempt) endingsOfLauncher(step int) []ending {
	code := exitFailed
	switch {
	case step == s.made.NotFound:
		code = exitNotFound
	case s.made.First.Steps[step].Call == program.Execve:
		code = exitCannot
	}
	return []ending{{code: code}}
}
