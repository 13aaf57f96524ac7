//go:build amd64 || arm64

package compile

import (
	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/kernel"
	"github.com/sprog-dev/sprog/internal/program"
	"github.com/sprog-dev/sprog/internal/spec"
)

// resetHandlers does what CLONE_CLEAR_SIGHAND does, for kernels without it:
// every signal that has a handler gets its default action, and ignored ones
// stay ignored. A handler is the runtime's, and would run in the parent's
// memory.
func (b *builder) resetHandlers() {
	if !b.given.Lacks.Has(kernel.NoClone3) || b.ask.InPlace {
		return
	}
	const (
		sigIgn  = 1
		nsig    = 64
		actSize = 32
	)
	p := b.p
	sig := p.Words(1)
	old := p.Buffer(actSize)
	dfl := p.Buffer(actSize)
	again, ignored := p.Here(), p.Ahead()
	b.add("", program.RtSigaction, Num(1), Num(0), old, Num(8))
	asked := p.Slot(0)
	p.GotoIf("", old, Num(sigIgn), &ignored).Quiet = true
	b.add("", program.RtSigaction, Num(1), dfl, Num(0), Num(8)).Ignore(uint32(unix.EINVAL)).Quiet = true // SIGKILL and SIGSTOP
	set := p.Slot(0)
	ignored.Place()
	p.CountUp(sig, Num(nsig+1), &again, set, asked)
}

func (b *builder) setsid() {
	if b.ask.Sys.Setsid {
		b.add(spec.Field("Setsid"), program.Setsid)
	}
}

func (b *builder) setpgid() {
	if b.ask.Sys.Setpgid || b.ask.Sys.Foreground {
		name := spec.Field("Setpgid")
		if !b.ask.Sys.Setpgid {
			name = spec.Field("Foreground")
		}
		b.add(name, program.Setpgid, Num(0), Num(b.ask.Sys.Pgid))
	}
}

// foreground makes the child's group the terminal's foreground group. Ctty is
// a descriptor of the parent's.
func (b *builder) foreground() {
	if !b.ask.Sys.Foreground {
		return
	}
	group := b.p.Words(uint64(uint32(b.ask.Sys.Pgid)))
	if b.ask.Sys.Pgid == 0 {
		b.add(spec.Field("Foreground"), program.Getpid).Into(group)
	}
	b.add(spec.Field("Foreground"), program.Ioctl, Num(b.fds.at(b.given.TerminalFD)), Num(unix.TIOCSPGRP), group)
}

func (b *builder) unshare() {
	flags := b.ask.Sys.Unshareflags
	if flags == 0 {
		return
	}
	b.add(spec.Field("Unshareflags"), program.Unshare, Num(flags))
	if flags&unix.CLONE_NEWUSER != 0 {
		b.writeOwnMaps()
	}
	if flags&unix.CLONE_NEWNS != 0 {
		// Most systems mount / shared, and what is mounted in the new
		// namespace would appear in the old one.
		spread := unix.MS_PRIVATE
		if b.ask.HasView() { // what a path of autofs's leads to still has to appear
			spread = unix.MS_SLAVE
		}
		b.add(spec.Field("Unshareflags"), program.Mount, b.p.Str("none"), b.p.Str("/"), Num(0), Num(unix.MS_REC|spread), Num(0)).Of(program.OfRoot)
	}
}

func (b *builder) chroot() {
	if b.ask.Sys.Chroot == "" {
		return
	}
	b.add(spec.Field("Chroot"), program.Chroot, b.p.Str(b.ask.Sys.Chroot))
	// chroot(2) leaves the working directory outside of the new root, from
	// where the rest of the host can be reached: also by Dir, should that be a
	// link to /proc/self/cwd.
	b.add(spec.Field("Chroot"), program.Chdir, b.p.Str("/"))
}

func (b *builder) chdir() {
	switch {
	case len(b.ask.Attr.Dirs) > 0:
		b.enterFirst()
	case b.ask.HasView():
		b.enterView()
	case b.ask.Dir != "":
		b.made.dir = b.p.Hole("dir")
		b.add("Dir", program.Chdir, b.made.dir)
	case b.ask.Attr.DirFile != nil:
		b.add("Attr.DirFile", program.Fchdir, Num(b.fds.at(b.given.DirFD)))
	}
}

// parentDeathSig sets the signal, and looks whether the parent has died
// before: then no signal comes, and the child sends it to itself.
func (b *builder) parentDeathSig() {
	sig := b.ask.Sys.Pdeathsig
	if sig == 0 {
		if b.given.MeetsEarly() {
			b.add("", program.Prctl, Num(unix.PR_SET_PDEATHSIG), Num(0))
		}
		return
	}
	name, p := spec.Field("Pdeathsig"), b.p
	b.add(name, program.Prctl, Num(unix.PR_SET_PDEATHSIG), Num(int(sig)))
	if b.given.NeedsParentFD() {
		b.endWithoutParent(name)
		return
	}
	parent, alive := p.Words(0), p.Ahead()
	b.add(name, program.Getppid).Into(parent)
	p.GotoIf(name, parent, b.parent(), &alive).Quiet = true
	b.add(name, program.Getpid).Quiet = true
	b.add(name, program.Kill, p.Result(), Num(int(sig))).Quiet = true
	alive.Place()
}

// NeedsParentFD reports whether the child looks after its parent by a pidfd:
// in a new PID namespace, where the parent has no number, and where it waits
// for the parent.
func (g *Input) NeedsParentFD() bool {
	otherPIDs := g.Ask.Sys.Cloneflags&unix.CLONE_NEWPID != 0 || g.Joins.Has(spec.PIDNamespace)
	return g.MeetsEarly() || g.Ask.Sys.Pdeathsig != 0 && otherPIDs
}

// endWithoutParent ends the child if its parent is gone already. The first
// process of a PID namespace cannot send itself a signal that it would die of.
func (b *builder) endWithoutParent(name string) {
	if b.given.ParentFD == NotOpen {
		return // a kernel without pidfd_open
	}
	p := b.p
	gone, _ := b.lookForParent(name)
	alive := p.Ahead()
	p.GotoIf(name, gone, Num(0), &alive).Quiet = true
	b.add(name, program.ExitGroup, Num(125)).Quiet = true
	alive.Place()
}

// lookForParent adds a step after which a word is 0 while the parent is there.
func (b *builder) lookForParent(name string) (gone program.Arg, step *program.Step) {
	const pollin = 1
	p := b.p
	poll, now, gone := p.Words(uint64(b.fds.at(b.given.ParentFD))|pollin<<32), p.Words(0, 0), p.Words(0)
	return gone, b.add(name, program.Ppoll, poll, Num(1), now, Num(0), Num(8)).Ignore(uint32(unix.EINTR)).Into(gone)
}

func (b *builder) noctty() {
	if b.ask.Sys.Noctty {
		b.add(spec.Field("Noctty"), program.Ioctl, Num(0), Num(unix.TIOCNOTTY), Num(0))
	}
}

func (b *builder) setctty() {
	if b.ask.Sys.Setctty {
		b.add(spec.Field("Setctty"), program.Ioctl, Num(b.ask.Sys.Ctty), Num(unix.TIOCSCTTY), Num(1))
	}
}

func (b *builder) traceMe() {
	if b.ask.Sys.Ptrace {
		b.add(spec.Field("Ptrace"), program.Ptrace, Num(unix.PTRACE_TRACEME))
	}
}

// finish ends the last stage: it executes the program, or becomes the init
// that has a child do so.
func (b *builder) finish() {
	if b.ask.Attr.Init != nil {
		b.initProgram()
		return
	}
	b.lastSteps()
}

// lastSteps are those of the process that executes the program, which is not
// the child but the child of that where there is an init.
func (b *builder) lastSteps() {
	b.fileSize()     // of the program, where its init needs larger ones
	b.landlockSelf() // in the process that executes the program, which an init is not
	b.coreBack()     // a signal or a filter may leave a core file from here on
	b.traceMe()      // as late as can be: every later call would be traced
	b.seccomp()      // after every other call that the filter could deny
	b.execve()
}

func (b *builder) execve() {
	if b.ask.Launcher != nil {
		b.executeOrTell()
		return
	}
	if paths := candidates(b.ask); len(paths) > 0 {
		b.executeFirst(paths)
		return
	}
	m := &b.made
	argv, env := b.strings()
	if b.ask.Attr.Program != nil {
		b.executeFile("Attr.Program", m.Executable, argv, env).Of(program.OfProgram)
		return
	}
	m.path = b.p.Hole("path")
	b.add("", program.Execve, m.path, argv, env).Of(program.OfProgram)
}

// executeFile executes the file of a descriptor.
func (b *builder) executeFile(field string, fd int, argv, env program.Arg) *program.Step {
	if b.given.Lacks.Has(kernel.NoExecveat) {
		return b.add(field, program.Execve, b.p.Str("/proc/self/fd/"+spec.Itoa(fd)), argv, env)
	}
	return b.add(field, program.Execveat, Num(fd), b.p.Str(""), argv, env, Num(unix.AT_EMPTY_PATH))
}
