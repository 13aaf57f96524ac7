// Package sprog starts Linux processes exactly as asked, or says exactly which
// step failed and why.
//
// It has the shape of os/exec: change the import, and [Command], [Cmd] and
// their methods work as before, with every field of [syscall.SysProcAttr].
// [StartProcess], [ForkExec] and [Exec] stand in for their namesakes in os and
// syscall.
//
// # How a start works
//
// A start is compiled into a list of system calls, which a small machine runs
// in the child. The child shares the parent's memory until it executes its
// program, so a start costs the same whatever the size of the parent, and no
// Go code runs between clone and execve. [Cmd.Plan] returns the list without
// starting anything.
//
// [FromExec] takes over a command of os/exec that some other package has prepared.
//
// # Errors
//
// A start that fails returns a [*StartError] with the step, what it acted on,
// the field that asked for it, and the kernel's answer. errors.Is finds the
// errno in it, and errors.As an [*io/fs.PathError]. So a program that does not
// exist is errors.Is(err, fs.ErrNotExist). [os.IsNotExist] and its kin look only at
// the types of package os, and answer false. Nothing of the process is left then. What cannot work whatever the kernel says is refused before
// anything is made.
//
// # Attributes
//
// [Cmd.Attr] holds what SysProcAttr lacks: capabilities, signals, the exact
// table of descriptors, namespaces to join and what is set in new ones, id
// maps, limits and scheduling, cgroups, filters of system calls, Landlock, an
// init process. Each attribute is one field, and its zero value is off. What
// this system cannot give is an error, never left out in silence; [Cmd.Birth] tells
// what was made and applied. [Probe] tells beforehand what the kernel offers.
//
// Numbers of the kernel's have constants: here, for limits, namespaces, mounts, Landlock,
// filters, policies, I/O classes and personalities; in package syscall, for signals and
// CLONE flags; and in golang.org/x/sys/unix, for the capabilities of
// SysProcAttr.AmbientCaps. [Caps] takes capabilities by name, as [Securebits] does its flags.
//
// # Other ways to start, and to end
//
// [Cmd.StartPTY] starts on a pseudo-terminal, [Cmd.Exec] becomes the program,
// with all attributes, in the place of this process. [Cmd.KillTree] ends a
// process with its descendants.
//
// # Differences from os/exec
//
// The child gets exactly the descriptors that it was given, whatever else is
// open, the limit on open files that this process was started with, and a
// working directory inside the new root where there is one. A child that is
// killed before it has executed its program is an error of Start. After a
// start this process is what it was before: its dumpable flag, its limits, its
// signal mask, the foreground group of its terminal. [Cmd.Wait] takes no
// thread for each command.
//
// # Systems
//
// Linux on amd64 and arm64. On other systems and architectures the package
// compiles, and every start answers [errors.ErrUnsupported].
package sprog
