package verified

import (
	"slices"
	"strings"

	"github.com/sprog-dev/sprog/internal/listing"
	"github.com/sprog-dev/sprog/internal/program"
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
	step *program.Step
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
var effects = [program.NumCalls]func(verifiedCall) (uint64, outcome){
	program.Chdir:                 verifiedCall.chdir,
	program.Chroot:                verifiedCall.chroot,
	program.Close:                 verifiedCall.close,
	program.CloseRange:            verifiedCall.closeRange,
	program.Dup3:                  verifiedCall.dup3,
	program.Execve:                verifiedCall.execve,
	program.Execveat:              verifiedCall.execveat,
	program.Fchdir:                verifiedCall.fchdir,
	program.Fcntl:                 verifiedCall.fcntl,
	program.Fsconfig:              verifiedCall.usesFirst,
	program.Fsmount:               verifiedCall.fsmount,
	program.Fsopen:                verifiedCall.opensHarmless,
	program.LandlockCreateRuleset: verifiedCall.opensHarmless,
	program.MemfdCreate:           verifiedCall.opensHarmless,
	program.Mkdirat:               verifiedCall.mkdirat,
	program.Mknodat:               verifiedCall.mkdirat,
	program.Mount:                 verifiedCall.mount,
	program.MountSetattr:          verifiedCall.usesFirst,
	program.MoveMount:             verifiedCall.moveMount,
	program.OpenTree:              verifiedCall.openTree,
	program.Openat:                verifiedCall.openat,
	program.Openat2:               verifiedCall.openat2,
	program.PivotRoot:             verifiedCall.pivotRoot,
	program.Readlinkat:            verifiedCall.mkdirat,
	program.Seccomp:               verifiedCall.seccomp,
	program.Sendmsg:               verifiedCall.sendmsg,
	program.Setns:                 verifiedCall.setns,
	program.Socket:                verifiedCall.opensHarmless,
	program.Statx:                 verifiedCall.statx,
	program.Symlinkat:             verifiedCall.symlinkat,
	program.Umount2:               verifiedCall.umount2,
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
func (c verifiedCall) opens(kind program.FileKind, cloexec bool) (uint64, outcome) {
	c.changes()
	if len(c.rest) > 0 {
		c.report(c.state, "opens a file while there may be others of the parent's")
	}
	return c.open(file{kind: kind, cloexec: cloexec}), either
}

func (c verifiedCall) opensHarmless() (uint64, outcome) {
	if c.step.Call == program.Socket {
		return c.opens(program.Harmless, c.arg(c.step, 1)&openCloexec != 0)
	}
	return c.opens(program.Harmless, true)
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
	case strings.HasPrefix(path, "/proc/") && !followsGiven(c.step):
		c.report(c.state, "trusts the /proc of another root")
	case len(c.rest) > 0:
		c.report(c.state, "follows a path while files of the parent's may be open")
	}
	for _, f := range c.files {
		switch {
		case f.kind == program.HostDirectory:
			c.report(c.state, "follows a path while descriptor %d, a directory of the host's, is open", f.fd)
		case f.kind == program.OfView:
			c.report(c.state, "follows a path while descriptor %d, a part of the view, is open", f.fd)
		case f.kind == program.HostFile && c.step.Call == program.Openat:
			c.report(c.state, "opens a file while descriptor %d, a file of the host's, is open", f.fd)
		}
	}
}

// followsGiven reports whether a step may follow a path that the start was asked
// to follow. Other paths are its own.
func followsGiven(s *program.Step) bool {
	switch s.Call {
	case program.Openat:
		return strings.HasPrefix(s.Field, "Attr.Files") || strings.HasPrefix(s.Field, "Attr.Landlock.Files")
	case program.Execve:
		return s.Field == ""
	}
	return true
}

// path is the path in an argument. One that is not known is none that can be
// trusted.
func (c verifiedCall) path(n int) string {
	a := c.step.Args[n]
	if a.Kind == program.Number && a.Value == 0 {
		return ""
	}
	if path := c.stages[c.stage].p.StrAt(a); path != "" || a.Kind == program.Address {
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
	if ok && f.kind == program.HostDirectory {
		return true
	}
	if path != "" && !(f.kind == program.OfView && (single(path) || path == "..")) { // above the root is itself
		c.report(c.state, "follows a path from descriptor %d, which is no directory of the host's", f.fd)
	}
	return false
}

func (c verifiedCall) openat() (uint64, outcome) {
	flags, path := c.arg(c.step, 2), c.path(1)
	writes := flags&openWrites != 0 && flags&openPathOnly == 0
	kind := program.Harmless
	dir := c.at(int(c.arg(c.step, 0)))
	ofView := dir != nil && dir.kind == program.OfView && flags&openPathOnly != 0
	switch host := c.from(0); {
	case writes && host:
		kind = program.HostFile
	case writes:
	case ofView, path == "..": // what is on top of the root
		kind = program.OfView
	case host && !slices.Contains(procFiles, path), !host && !c.foreign && path != "/dev/null":
		kind = program.HostDirectory // for all that is known
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
	c.outside = ok && c.foreign && f.kind != program.Harmless && f.kind != program.OfView // until there is another one
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

// sendmsg hands files over, which the child has opened for it.
func (c verifiedCall) sendmsg() (uint64, outcome) {
	c.usesFirst()
	for _, fd := range listing.SentFiles(c.stages[c.stage].p, c.step.Args[1]) {
		switch f := c.at(fd); {
		case f == nil:
			c.report(c.state, "sends descriptor %d, which is not open", fd)
		case f.kind != program.Harmless:
			c.report(c.state, "sends descriptor %d, which was not opened to be sent", fd)
		}
	}
	return 0, either
}

func (c verifiedCall) seccomp() (uint64, outcome) {
	if c.arg(c.step, 1)&filterListener != 0 {
		return c.opens(program.Harmless, true)
	}
	return 0, either
}

func (c verifiedCall) execveat() (uint64, outcome) {
	c.uses(0)
	return c.execve()
}

// execve ends the stage.
func (c verifiedCall) execve() (uint64, outcome) {
	if c.step.Call == program.Execve {
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
