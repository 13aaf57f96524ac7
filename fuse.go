package sprog

import (
	"os"

	"github.com/sprog-dev/sprog/internal/exitwait"
	"github.com/sprog-dev/sprog/internal/launch"
	"github.com/sprog-dev/sprog/internal/spec"
)

// A fusion is a Run whose start lasts until the process has ended: this process then sleeps once, and not first
// until the program is executed. It takes one of the few threads that may be blocked for as long as
// a process runs.
type fusion uint8

const (
	noFusion fusion = iota
	mayFuse         // Run was called
	fused           // the start has the thread
)

// fusible reports whether nothing but the program and its files is asked for, and nothing but its end is awaited.
// Who learns of the process in another way, such as by what the program writes, finds Process
// in its place from the birth on.
func (c *Cmd) fusible() bool {
	return c.fusion == mayFuse && c.Attr == nil && c.SysProcAttr == nil && c.Ending == nil && c.ctx == nil && c.pipes == nil &&
		c.Trace == nil && c.Events == nil && c.Born == nil && c.prepared == nil
}

// fuse takes the thread, if there is one.
func (c *Cmd) fuse() bool {
	if !c.fusible() || !exitwait.TryBlock() {
		return false
	}
	c.fusion = fused
	return true
}

// A fusedCmd is a Cmd in such a start.
type fusedCmd Cmd

// Began notes the process, which has no handle: its number is its own until Wait reaps it.
func (c *fusedCmd) Began(r *spec.Start, b *launch.Birth, pid int) {
	(*Cmd)(c).began(r, &os.Process{Pid: pid}, b)
}
