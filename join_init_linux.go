//go:build amd64 || arm64

package sprog

import (
	"slices"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/compile"
	"github.com/sprog-dev/sprog/internal/ownproc"
	"github.com/sprog-dev/sprog/internal/spec"
)

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
