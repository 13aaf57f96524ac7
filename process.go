package sprog

import (
	"os"
	"runtime"
	"strconv"
	"syscall"

	"github.com/sprog-dev/sprog/internal/launch"
	"github.com/sprog-dev/sprog/internal/nofile"
	"github.com/sprog-dev/sprog/internal/spec"
	"github.com/sprog-dev/sprog/internal/terms"
)

// StartProcess starts the program name with the arguments argv, where argv[0]
// is the name it is called by, and returns while it runs. It is
// [os.StartProcess] with this package's way of starting; [Cmd] is easier to
// use.
//
// A nil attr is the zero ProcAttr. Entry i of attr.Files becomes the child's
// descriptor i and is put into blocking mode; a nil entry, as everything that
// is not listed, is closed in the child. Env is passed on as it is, and nil
// stands for the environment of this process. An error is a [*StartError], in
// which errors.As finds an [*os.PathError] too.
//
// The result has to be waited for or released.
func StartProcess(name string, argv []string, attr *os.ProcAttr) (*os.Process, error) {
	if attr == nil {
		attr = &os.ProcAttr{}
	}
	r := spec.Start{Path: name, Argv: argv, Env: attr.Env, Dir: attr.Dir, Sys: attr.Sys}
	if r.Env == nil {
		r.Env = os.Environ()
	}
	for i, f := range attr.Files {
		file, err := passed(f, filesEntry(i), passedFd)
		if err != nil {
			return nil, ofProgram(name, err)
		}
		file.N = i
		r.Files = append(r.Files, file)
	}
	p, err := launch.Start(&r, launch.Options{})
	runtime.KeepAlive(attr) // no cleanup may close its files before the child has them
	return p, public(err)
}

// ForkExec starts the program argv0 and returns its process id. It is
// [syscall.ForkExec] with this package's way of starting: the process has to
// be waited for with [syscall.Wait4] or its kin.
//
// A nil attr is the zero ProcAttr. Env is passed on as it is: nil stands for
// an empty environment. Entry i of attr.Files becomes the child's descriptor i;
// an entry of ^uintptr(0) is closed in the child. An error is a [*StartError].
func ForkExec(argv0 string, argv []string, attr *syscall.ProcAttr) (pid int, err error) {
	if attr == nil {
		attr = &syscall.ProcAttr{}
	}
	r := spec.Start{Path: argv0, Argv: argv, Env: attr.Env, Dir: attr.Dir, Sys: attr.Sys}
	for i, fd := range attr.Files {
		file := spec.ChildFile{N: i, Source: spec.FromParent, Fd: int(fd), Field: filesEntry(i)}
		if file.Fd == -1 {
			file.Source = spec.Closed
		}
		r.Files = append(r.Files, file)
	}
	p, err := launch.Start(&r, launch.Options{})
	if err != nil {
		return 0, public(err)
	}
	pid = p.Pid
	p.Release() // the caller waits by pid
	return pid, nil
}

func filesEntry(i int) string { return "Files[" + strconv.Itoa(i) + "]" }

// Exec replaces this process by the program argv0: it is execve(2), and does
// not return unless there is an error, a [*StartError] whose step is "execve".
// argv must not be empty, and no string may have a NUL byte in it. The limit
// on open files that the Go runtime raised at its start is restored for the new
// program.
func Exec(argv0 string, argv, envv []string) error {
	if err := checkExec(argv0, argv, envv); err != nil {
		return err
	}
	restore := nofile.Keep() // syscall.Exec does not take back what it restores
	err := syscall.Exec(argv0, argv, envv)
	restore()
	return &StartError{Path: argv0, Step: "execve", Object: argv0, Err: err}
}

// checkExec refuses what cannot be expressed in an execve.
func checkExec(argv0 string, argv, envv []string) error {
	const nul = "contains a NUL byte"
	refused := func(field string, reason terms.Text) error {
		return ofProgram(argv0, spec.Refuse(field, "", reason))
	}
	if hasNUL(argv0) {
		return refused("argv0", nul)
	}
	if len(argv) == 0 {
		return refused("argv", "is empty")
	}
	for i, s := range argv {
		if hasNUL(s) {
			return refused("argv["+strconv.Itoa(i)+"]", nul)
		}
	}
	for i, s := range envv {
		if hasNUL(s) {
			return refused("envv["+strconv.Itoa(i)+"]", nul)
		}
	}
	return nil
}
