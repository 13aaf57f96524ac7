//go:build amd64 || arm64

package launch

import (
	"os"
	"sync"

	"github.com/sprog-dev/sprog/internal/atstart"
	"github.com/sprog-dev/sprog/internal/compile"
	"github.com/sprog-dev/sprog/internal/kernel"
	"github.com/sprog-dev/sprog/internal/machine"
	"github.com/sprog-dev/sprog/internal/program"
	"github.com/sprog-dev/sprog/internal/spec"
)

// build makes what the program needs in the parent, and compiles it.
func (s *attempt) build() *spec.Error {
	s.to.Tracer.phaseOfOpening()
	if err := s.prepare(); err != nil {
		return err
	}
	s.compile()
	if err := s.reserve(); err != nil {
		return err
	}
	s.bind()
	if s.to.Inspect != nil {
		s.to.Inspect(s.made.First, s.made.Second)
	}
	if program.Compiled != nil {
		program.Compiled(s.given.Verifiable(&s.made, s.bound))
	}
	return nil
}

// bind fills the programs' holes.
func (s *attempt) bind() {
	s.made.BindFiles(s.bound, s.given.Highest)
	s.made.BindJoins(s.given.Joins.List)
	if s.ask.Waits {
		return // what else there is to bind comes with the rest
	}
	s.made.BindStrings(s.ask.Path, s.ask.Dir, s.ask.Argv, s.ask.Env)
	s.made.BindView(s.cwd)
}

// compile compiles the programs.
func (s *attempt) compile() {
	s.given.Copied = s.given.Lacks.Has(kernel.NoCloseRange | kernel.OnlyVfork)
	if s.given.Lacks.Has(kernel.NoCloseRange) {
		s.given.Highest = highestFile() + moreFiles
	}
	if s.ask.Sys.Pdeathsig != 0 {
		s.given.Ppid = parent(s.ask)
	}
	s.given.KernelCaps = kernel.Caps()
	s.given.Nofile = compile.Nofile{Cur: atstart.NofileCur, Max: atstart.NofileMax, Known: atstart.NofileKnown, Raised: nofileRaised()}
	s.given.Clock = compile.NoClock
	if s.to.Tracer != nil {
		s.given.Clock = s.to.Tracer.times.Clock
	}
	s.to.Tracer.Phase("compile", "compile the program", "")
	s.made = compile.Compile(&s.given, &s.memory.compile)
}

// prepareLaunch says how the child comes to be.
func (s *attempt) prepareLaunch() {
	sys := s.ask.Sys
	s.launch = machine.Launch{
		Program:     s.made.First,
		Mask:        s.made.FirstMask,
		Namespaces:  s.given.BornInto(),
		Hides:       s.undumpableAtBirth(),
		Cgroup:      s.cgroup(),
		CopyFiles:   s.given.Copied,
		OldClone:    s.given.Lacks.Has(kernel.NoClone3),
		NoPidFD:     s.given.NoPidFD,
		Plain:       s.given.Lacks.Has(kernel.OnlyVfork),
		Permanent:   sys.Pdeathsig != 0 && !sys.Ptrace,
		Credentials: s.ask.ChangesCredentials() && s.made.Second == nil,
	}
	s.launch.Stop, s.launch.Told = s.to.Flight.stopper(), s.to.Told
	if s.launch.Stop != nil && s.launch.OldClone && sys.PidFD == nil {
		s.launch.NoPidFD = true // clone(2) has room for one of them; a stop needs the number
	}
	if s.ask.Listens() {
		s.launch.Handover, s.launch.Door = &s.made.Handover, s.door
	}
	if s.to.Tracer != nil {
		s.launch.Times = &s.to.Tracer.times
	}
	// A traced child may stop before it executes, for its parent to say how to
	// go on: that parent must not wait in vfork.
	s.launch.Vfork = s.ask.InCgroup() && !sys.Ptrace
	if s.given.Joins.MakesSibling { // the process that goes on is born into them
		s.launch.Namespaces, s.launch.CopyFiles, s.launch.Vfork = 0, false, false
		s.launch.Sibling = &machine.Sibling{Pid: s.made.ChildPid, PidFD: s.made.ChildPidFD, Left: s.made.ChildLeft}
	}
	if s.given.MeetsEarly() {
		s.launch.Rendezvous = s.writeMaps
		s.launch.Go = s.made.GoWord
	}
	s.launch.ReadsProc = s.readsProc()
	// That a start was like others tells what else the kernel can.
	if s.to.UntilEnd != nil && kernel.Known.Clone3Works.Load() && s.given.Lacks == 0 && s.made.Second == nil {
		s.launch.UntilEnd = s
	}
}

// Began passes on that there is a process.
func (s *attempt) Began(pid int) { s.to.UntilEnd.Began(s.ask, s.to.Birth, pid) }

// missingCalls is what is known to be missing.
func missingCalls() kernel.Missing {
	emulated.Do(func() {
		if machine.OnValgrind() {
			kernel.Known.Learn(kernel.NoClone3 | kernel.OnlyVfork)
		}
	})
	return kernel.Known.Missing()
}

var emulated sync.Once

// parent is who the parent-death signal is about.
func parent(r *spec.Start) int {
	if r.InPlace {
		return os.Getppid()
	}
	return os.Getpid()
}
