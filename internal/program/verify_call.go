package program

import (
	"slices"
	"strings"
)

// Numbers that calls are told apart by, which are the same on every
// architecture.
const (
	atFDCWD         = 1<<64 - 100
	openWrites      = 3        // O_WRONLY|O_RDWR, with which no directory can be opened
	openCloexec     = 0x80000  // O_CLOEXEC
	openPathOnly    = 0x200000 // O_PATH
	newMount        = 0x20000  // CLONE_NEWNS
	fcntlSetFD      = 2        // F_SETFD
	rangeUnshare    = 2        // CLOSE_RANGE_UNSHARE
	rangeCloexec    = 4        // CLOSE_RANGE_CLOEXEC
	filterListener  = 8        // SECCOMP_FILTER_FLAG_NEW_LISTENER
	highestPossible = 1<<31 - 1
	ownFile         = "self/fd/"
)

// procFiles are files below /proc, which are opened from its directory.
var procFiles = []string{"thread-self/children", "thread-self/stat"}

// A verifiedCall is a system call as the verifier does it: the state is what it
// leaves behind if it succeeds.
type verifiedCall struct {
	*verifier
	*state
	step *Step
}

// An outcome says how a call can go.
type outcome uint8

const (
	either     outcome = iota
	succeeds           // it does not fail with an errno that steps catch
	fails              // it cannot succeed, or nothing follows it
	allTheSame         // the state is the same if it fails
)

// run does what the call does. It returns the result, and how the call can go.
func (c verifiedCall) run() (result uint64, how outcome) {
	if do := effects[c.step.Call]; do != nil {
		return do(c)
	}
	return unknown, either
}

// effects are the calls that change what the verifier knows, or may not be made
// in every state.
var effects = [numCalls]func(verifiedCall) (uint64, outcome){
	Chdir:                 verifiedCall.chdir,
	Chroot:                verifiedCall.chroot,
	Close:                 verifiedCall.close,
	CloseRange:            verifiedCall.closeRange,
	Dup3:                  verifiedCall.dup3,
	Execve:                verifiedCall.execve,
	Execveat:              verifiedCall.execveat,
	Fchdir:                verifiedCall.fchdir,
	Fcntl:                 verifiedCall.fcntl,
	Fsconfig:              verifiedCall.usesFirst,
	Fsmount:               verifiedCall.fsmount,
	Fsopen:                verifiedCall.opensHarmless,
	LandlockCreateRuleset: verifiedCall.opensHarmless,
	Mkdirat:               verifiedCall.mkdirat,
	Mknodat:               verifiedCall.mkdirat,
	Mount:                 verifiedCall.mount,
	MountSetattr:          verifiedCall.usesFirst,
	MoveMount:             verifiedCall.moveMount,
	OpenTree:              verifiedCall.openTree,
	Openat:                verifiedCall.openat,
	Openat2:               verifiedCall.openat2,
	PivotRoot:             verifiedCall.pivotRoot,
	Readlinkat:            verifiedCall.mkdirat,
	Seccomp:               verifiedCall.seccomp,
	Setns:                 verifiedCall.setns,
	Socket:                verifiedCall.opensHarmless,
	Statx:                 verifiedCall.statx,
	Symlinkat:             verifiedCall.symlinkat,
	Umount2:               verifiedCall.umount2,
}

// uses looks up the descriptor in an argument.
func (c verifiedCall) uses(n int) (f file, ok bool) {
	fd := c.arg(c.step, n)
	switch f := c.at(int(fd)); {
	case fd < unknown && f != nil:
		return *f, true
	case fd >= unknown:
		c.report(c.state, "uses a descriptor that is not known")
	case c.mayBeOpen(int(fd)):
		c.report(c.state, "uses descriptor %d, which is the parent's", fd)
	default:
		c.report(c.state, "uses descriptor %d, which is not open", fd)
	}
	return file{}, false
}

// changes looks whether the table may be changed.
func (c verifiedCall) changes() {
	if c.shared {
		c.report(c.state, "changes the parent's descriptor table")
	}
}

// opens adds a descriptor to the table.
func (c verifiedCall) opens(kind FileKind, cloexec bool) (uint64, outcome) {
	c.changes()
	if len(c.rest) > 0 {
		c.report(c.state, "opens a file while there may be others of the parent's")
	}
	return c.open(file{kind: kind, cloexec: cloexec}), either
}

func (c verifiedCall) opensHarmless() (uint64, outcome) {
	if c.step.Call == Socket {
		return c.opens(Harmless, c.arg(c.step, 1)&openCloexec != 0)
	}
	return c.opens(Harmless, true)
}

// follows looks whether the path in an argument may be followed, from the root
// or the working directory. The root itself cannot be a link, and some paths of
// the host are nobody else's.
func (c verifiedCall) follows(n int) {
	path := c.path(n)
	switch {
	case path == "" || path == "/":
		return
	case c.oldRoot:
		c.report(c.state, "follows a path while the old root is still there")
	case c.outside:
		c.report(c.state, "follows a path while the working directory is outside of the root")
	case !c.foreign:
		return
	case strings.HasPrefix(path, "/proc/") && !c.step.followsGiven():
		c.report(c.state, "trusts the /proc of another root")
	case len(c.rest) > 0:
		c.report(c.state, "follows a path while files of the parent's may be open")
	}
	for _, f := range c.files {
		switch {
		case f.kind == HostDirectory:
			c.report(c.state, "follows a path while descriptor %d, a directory of the host's, is open", f.fd)
		case f.kind == OfView:
			c.report(c.state, "follows a path while descriptor %d, a part of the view, is open", f.fd)
		case f.kind == HostFile && c.step.Call == Openat:
			c.report(c.state, "opens a file while descriptor %d, a file of the host's, is open", f.fd)
		}
	}
}

// followsGiven reports whether a step may follow a path that the start was asked
// to follow. Other paths are its own.
func (s *Step) followsGiven() bool {
	switch s.Call {
	case Openat:
		return strings.HasPrefix(s.Field, "Attr.Files") || strings.HasPrefix(s.Field, "Attr.Landlock.Files")
	case Execve:
		return s.Field == ""
	}
	return true
}

// path is the path in an argument. One that is not known is none that can be
// trusted.
func (c verifiedCall) path(n int) string {
	a := c.step.Args[n]
	if a.Kind == Number && a.Value == 0 {
		return ""
	}
	if path := c.stages[c.stage].p.StrAt(a); path != "" || a.Kind == Address {
		return path
	}
	return "?"
}

// from tells whether the path in the argument after a directory's descriptor is
// one below a directory of the host's. It looks at the path if not.
func (c verifiedCall) from(dir int) (host bool) {
	path := c.path(dir + 1)
	if c.arg(c.step, dir) == atFDCWD || strings.HasPrefix(path, "/") {
		c.follows(dir + 1)
		return false
	}
	f, ok := c.uses(dir)
	if ok && f.kind == HostDirectory {
		return true
	}
	if path != "" && !(f.kind == OfView && (single(path) || path == "..")) { // above the root is itself
		c.report(c.state, "follows a path from descriptor %d, which is no directory of the host's", f.fd)
	}
	return false
}

func (c verifiedCall) openat() (uint64, outcome) {
	flags, path := c.arg(c.step, 2), c.path(1)
	writes := flags&openWrites != 0 && flags&openPathOnly == 0
	kind := Harmless
	dir := c.at(int(c.arg(c.step, 0)))
	ofView := dir != nil && dir.kind == OfView && flags&openPathOnly != 0
	switch host := c.from(0); {
	case writes && host:
		kind = HostFile
	case writes:
	case ofView, path == "..": // what is on top of the root
		kind = OfView
	case host && !slices.Contains(procFiles, path), !host && !c.foreign && path != "/dev/null":
		kind = HostDirectory // for all that is known
	}
	return c.opens(kind, flags&openCloexec != 0)
}

func (c verifiedCall) chdir() (uint64, outcome) {
	c.follows(0)
	c.outside = false
	return 0, either
}

func (c verifiedCall) chroot() (uint64, outcome) {
	c.follows(0)
	c.foreign, c.outside = true, true
	return 0, either
}

func (c verifiedCall) fchdir() (uint64, outcome) {
	f, ok := c.uses(0)
	c.outside = ok && c.foreign && f.kind != Harmless && f.kind != OfView // until there is another one
	return 0, either
}

// setns may change the root, and then the working directory with it.
func (c verifiedCall) setns() (uint64, outcome) {
	if len(c.rest) == 0 { // otherwise it is the parent's that is meant
		c.uses(0)
	}
	if c.arg(c.step, 1)&newMount != 0 {
		c.foreign, c.outside = true, false
	}
	return 0, either
}

func (c verifiedCall) mount() (uint64, outcome) {
	if strings.HasPrefix(c.path(1), ownFile) { // in the caller's /proc, which is the working directory
		return 0, either
	}
	c.follows(1)
	return 0, either
}

func (c verifiedCall) statx() (uint64, outcome) {
	c.from(0)
	return 0, either
}

func (c verifiedCall) close() (uint64, outcome) {
	c.changes()
	fd := c.arg(c.step, 0)
	if fd >= unknown {
		c.report(c.state, "closes a descriptor that is not known")
		return 0, either
	}
	how := fails
	switch {
	case c.at(int(fd)) != nil:
		how = succeeds
	case c.mayBeOpen(int(fd)):
		how = allTheSame // the number is not open then
	}
	c.state.closeRange(int(fd), int(fd))
	return 0, how
}

func (c verifiedCall) closeRange() (uint64, outcome) {
	first, last, flags := c.arg(c.step, 0), c.arg(c.step, 1), c.arg(c.step, 2)
	if flags&rangeUnshare != 0 {
		c.shared = false
	}
	c.changes()
	from, to := int(min(first, highestPossible)), int(min(last, highestPossible))
	if flags&rangeCloexec == 0 {
		c.state.closeRange(from, to)
		return 0, either
	}
	for i := range c.files {
		if f := &c.files[i]; from <= f.fd && f.fd <= to {
			f.cloexec = true
		}
	}
	return 0, either
}

// dup3 fails of a number to itself, and only then.
func (c verifiedCall) dup3() (uint64, outcome) {
	c.changes()
	f, ok := c.uses(0)
	to := c.arg(c.step, 1)
	if ok && f.fd == int(to) && c.step.Catch[0].Errno == 0 {
		c.report(c.state, "duplicates descriptor %d to itself, which fails", to)
	}
	if !ok || to >= unknown || f.fd == int(to) {
		return 0, fails
	}
	c.put(int(to), file{kind: f.kind, cloexec: c.arg(c.step, 2)&openCloexec != 0})
	return to, succeeds
}

func (c verifiedCall) fcntl() (uint64, outcome) {
	if c.arg(c.step, 1) != fcntlSetFD {
		return 0, either
	}
	c.changes()
	if f, ok := c.uses(0); ok {
		c.at(f.fd).cloexec = c.arg(c.step, 2)&1 != 0
	}
	return 0, either
}

func (c verifiedCall) seccomp() (uint64, outcome) {
	if c.arg(c.step, 1)&filterListener != 0 {
		return c.opens(Harmless, true)
	}
	return 0, either
}

func (c verifiedCall) execveat() (uint64, outcome) {
	c.uses(0)
	return c.execve()
}

// execve ends the stage.
func (c verifiedCall) execve() (uint64, outcome) {
	if c.step.Call == Execve {
		c.follows(0)
	}
	c.changes()
	c.execute()
	if c.stage == 0 && c.start.Second != nil {
		next := c.clone()
		next.stage, next.args, next.words = 1, nil, nil
		c.enter(next, 0)
		return 0, fails
	}
	c.ends()
	return 0, fails
}

// ends looks at what the program gets.
func (c verifiedCall) ends() {
	for _, f := range c.files {
		if !slices.Contains(c.start.Given, f.fd) {
			c.report(c.state, "leaves descriptor %d to the program, which did not ask for it", f.fd)
		}
	}
	for _, fd := range c.start.Given {
		if c.at(fd) == nil {
			c.report(c.state, "leaves the program without descriptor %d, which it is to have", fd)
		}
	}
}
