package sprog

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"

	"github.com/sprog-dev/sprog/internal/launch"
	"github.com/sprog-dev/sprog/internal/spec"
	"github.com/sprog-dev/sprog/internal/terms"
)

// CompileOptions say how a launcher differs from the [Cmd] that it is compiled from: it runs
// later, elsewhere, and maybe for somebody else.
type CompileOptions struct {
	// Arch is the architecture that the launcher is for, "amd64" or "arm64". Empty is that of
	// this process.
	Arch string
	// AppendArgs has the launcher append its own arguments, without its argument 0, to
	// those of Cmd.Args. They are never interpreted. Otherwise it ignores them.
	AppendArgs bool
	// PassEnv are names of the launcher's own variables that the program gets, beside those of
	// Cmd.Env, which come first. "*" is all of them. Where Cmd.Env is nil, all are passed on.
	PassEnv []string
	// UnsetEnv are names of variables that are not passed on.
	UnsetEnv []string
	// OpenFirst are numbers of Attr.Files with a Path: those that the launcher opens before
	// it changes anything, as whoever runs it. The others are opened by the program's user, in its root.
	OpenFirst []int
	// Cgroup is the directory of a cgroup that the launcher enters, or empty. It has to be
	// there when the launcher runs.
	Cgroup string
	// Freeze has names of groups looked up now, and has "all" in Attr.Caps mean the capabilities of
	// the running kernel. Otherwise both are refused.
	Freeze bool
	// Privileged allows the launcher to run with rights that its caller lacks: with a
	// set-user-ID bit, or capabilities of its file. One that was compiled without it refuses to.
	// With it, nothing may be left to the caller: Path and Dir must be absolute, Cmd.Env set, Attr.Umask,
	// Attr.Signals and the limits on memory, CPU time, files, stack and processes in Attr.Rlimits given.
	// Compile never sets such a bit itself.
	Privileged bool
	// Line is what the launcher's note says it was made from.
	Line string
}

// Compile writes a launcher: a static ELF file that does, when it is executed, what [Cmd.Exec]
// would do, without Go, a loader, this package or a configuration beside it. It is some
// 15 KiB long. The same command and options make the same bytes.
//
// Nothing of this process is compiled in: not its environment, its working directory, its
// ids, its limits or its descriptors. Stdin, Stdout and Stderr may be os.Stdin, os.Stdout and
// os.Stderr, which stand for the launcher's own, or nil. The numbers in Attr.Inherit
// are the launcher's own descriptors. An id of -1 in SysProcAttr.UidMappings and GidMappings is that of
// whoever runs it. A Path without a slash is looked for in the PATH of Cmd.Env, when the launcher runs.
//
// With Attr.Init the launcher stays above the program, and ends as that does. So it does with CLONE_NEWPID,
// which needs it: the program is PID 1 of the namespace then, and the launcher outside.
//
// What cannot be compiled is refused by a [*StartError] that names the field: all that
// Exec refuses otherwise, and what stands for something that is there only now.
//
// If a step fails, the launcher prints what [Cmd.Exec] would, without the hint in
// parentheses, and exits with the same codes. A program that is not there
// makes it 127, whatever the reason is that the kernel has for that.
//
// A launcher takes Linux 5.9.
func (c *Cmd) Compile(w io.Writer, o CompileOptions) error {
	var r spec.Start
	if err := c.launcher(&r, o); err != nil {
		return err
	}
	words := terms.From(c.ctx)
	file, err := launch.Compile(&r, launch.Options{Inspect: c.inspect, Words: words, PlanText: func(steps []launch.PlanStep) string {
		for i := range steps {
			if steps[i].Field != "" {
				steps[i].Field = terms.Field(steps[i].Field).In(words)
			}
		}
		return (&Plan{Path: r.Path, Steps: each(steps, func(s launch.PlanStep) PlanStep { return PlanStep(s) })}).String()
	}})
	if err != nil {
		return public(err)
	}
	_, err = w.Write(file)
	return err
}

// launcher fills in what a launcher asks for.
func (c *Cmd) launcher(r *spec.Start, o CompileOptions) error {
	bare := &Cmd{Path: c.Path, Args: c.Args, Env: c.Env, Dir: c.Dir, Stdin: c.Stdin, Stdout: c.Stdout, Stderr: c.Stderr,
		ExtraFiles: c.ExtraFiles, SysProcAttr: c.SysProcAttr, Attr: c.Attr, WaitDelay: c.WaitDelay, Cancel: c.Cancel, Err: c.Err,
		ctx: c.ctx, pipes: c.pipes}
	if c.Env == nil { // which is not this process's
		bare.Env, o.PassEnv = []string{}, append(slices.Clone(o.PassEnv), "*")
		switch {
		case filepath.IsAbs(c.Dir):
			bare.Env = append(bare.Env, "PWD="+c.Dir)
		case c.Dir != "":
			o.UnsetEnv = append(slices.Clone(o.UnsetEnv), "PWD")
		}
	}
	if err := bare.inPlaceWith(r, launcherFile); err != nil {
		return err
	}
	field := ""
	switch {
	case c.Ending != nil:
		field = "Ending"
	case c.Trace != nil:
		field = "Trace"
	case c.Born != nil:
		field = "Born"
	}
	if field != "" {
		return &StartError{Path: c.Path, Field: field, Err: errors.New("needs a process that stands by the program: it cannot be compiled"), inPlace: true}
	}
	if o.Arch == "" {
		o.Arch = runtime.GOARCH
	}
	r.Launcher = &spec.Launcher{Arch: o.Arch, AppendArgs: o.AppendArgs, PassEnv: o.PassEnv, UnsetEnv: o.UnsetEnv, OpenFirst: o.OpenFirst,
		Cgroup: o.Cgroup, Privileged: o.Privileged, Freeze: o.Freeze, Line: o.Line}
	return nil
}

// launcherFile is the descriptor of a file that stands for one of a launcher's.
func launcherFile(f *os.File) (int, error) {
	switch f {
	case os.Stdin:
		return 0, nil
	case os.Stdout:
		return 1, nil
	case os.Stderr:
		return 2, nil
	}
	return spec.FD(f)
}
