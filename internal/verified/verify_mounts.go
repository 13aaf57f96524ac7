package verified

import (
	"encoding/binary"
	"strings"

	"github.com/sprog-dev/sprog/internal/program"
)

// How the verifier sees the calls that a view is put together with. A descriptor of a part
// of the view leads to nothing that is not to be seen, but it is not to be met on
// the way of a path that somebody has prepared, and not to be left to the program.

// Flags of openat2(2) and open_tree(2).
const (
	resolveNoMagiclinks = 2
	resolveBeneath      = 8
	resolveInRoot       = 0x10
	treeCloexec         = openCloexec
	noSuchFlag          = 1 << 31 // with which no call succeeds
)

// single reports whether a path is a name in a directory, which leads nowhere else.
func single(path string) bool { return path != "" && path != ".." && !strings.Contains(path, "/") }

func (c verifiedCall) openTree() (uint64, outcome) {
	if c.arg(c.step, 2)&noSuchFlag != 0 {
		return 0, fails
	}
	switch path := c.path(1); {
	case c.arg(c.step, 0) == atFDCWD:
		c.follows(1)
	default:
		c.uses(0)
		if path != "" && !single(path) {
			c.report(c.state, "follows a path from a directory that may have links in it")
		}
	}
	return c.opens(program.OfView, c.arg(c.step, 2)&treeCloexec != 0)
}

func (c verifiedCall) fsmount() (uint64, outcome) {
	c.uses(0)
	return c.opens(program.OfView, c.arg(c.step, 1)&1 != 0)
}

func (c verifiedCall) usesFirst() (uint64, outcome) {
	c.uses(0)
	return 0, either
}

// openat2 may follow what it meets, if that does not lead out of the directory.
func (c verifiedCall) openat2() (uint64, outcome) {
	how := c.stages[c.stage].p.BytesAt(c.step.Args[2], 24)
	if len(how) < 24 {
		c.report(c.state, "opens a path in a way that is not known")
		return c.opens(program.OfView, true)
	}
	resolve := binary.NativeEndian.Uint64(how[16:])
	within := c.arg(c.step, 0) != atFDCWD
	if within {
		if f, ok := c.uses(0); ok && c.foreign && f.kind != program.OfView && f.kind != program.Harmless {
			c.report(c.state, "opens a path from descriptor %d, which is none of the view's", f.fd)
		}
	}
	if resolve&resolveNoMagiclinks == 0 || within && resolve&(resolveInRoot|resolveBeneath) == 0 {
		c.report(c.state, "opens a path that may lead out of the root")
	}
	return c.opens(program.OfView, binary.NativeEndian.Uint64(how)&openCloexec != 0)
}

// moveMount attaches a mount to a descriptor, to a name in a directory, or on top of the root.
func (c verifiedCall) moveMount() (uint64, outcome) {
	c.uses(0)
	if c.arg(c.step, 2) == atFDCWD {
		c.follows(3)
		return 0, either
	}
	c.uses(2)
	if path := c.path(3); path != "" && !single(path) {
		c.report(c.state, "mounts at a path that may have links in it")
	}
	return 0, either
}

// makesIn is for calls that make a name in a directory.
func (c verifiedCall) makesIn(dir int) (uint64, outcome) {
	if f, ok := c.uses(dir); ok && c.foreign && f.kind != program.OfView && f.kind != program.Harmless {
		c.report(c.state, "makes a file from descriptor %d, which is none of the view's", f.fd)
	}
	if !single(c.path(dir + 1)) {
		c.report(c.state, "makes a file at a path that may have links in it")
	}
	return 0, either
}

func (c verifiedCall) mkdirat() (uint64, outcome)   { return c.makesIn(0) }
func (c verifiedCall) symlinkat() (uint64, outcome) { return c.makesIn(1) }

// pivotRoot leaves the old root on top of the new one, until it is unmounted.
func (c verifiedCall) pivotRoot() (uint64, outcome) {
	c.foreign, c.outside, c.oldRoot = true, true, true
	return 0, either
}

func (c verifiedCall) umount2() (uint64, outcome) {
	if c.path(0) != "." {
		c.report(c.state, "unmounts what a path leads to")
	}
	c.oldRoot = false
	return 0, either
}
