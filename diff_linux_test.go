//go:build amd64 || arm64

package sprog

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/launch"
	"github.com/sprog-dev/sprog/internal/spec"
)

var (
	diffN    = flag.Int("diff.n", 250, "how many random starts are compared with os/exec's")
	diffSeed = flag.Uint64("diff.seed", 1, "the seed of the random starts; 0 takes one from the clock")
)

// A random is a start with random attributes, valid or not, for this package
// and for os/exec.
type random struct {
	*rand.Rand
	pool *randomPool

	path, dir string
	args, env []string
	stdio     [3]any // *os.File, pipe, or nil
	extra     []*os.File
	sys       syscall.SysProcAttr
}

// pipe in stdio stands for a reader or writer that is no file.
type pipe struct{}

// A randomPool is what random starts refer to.
type randomPool struct {
	program, dir, text string
	out, a, b, tty     *os.File
	cgroup             int
}

func newRandomPool(t *testing.T) *randomPool {
	p := &randomPool{program: publicBinary(t), dir: t.TempDir(), out: tempFile(t), a: tempFile(t), b: tempFile(t), cgroup: -1}
	p.text = p.a.Name()
	if terminals.works() == nil {
		var master *os.File
		master, p.tty = newTerminal(t)
		// A program that crashes has much to say, and waits for a reader.
		go io.Copy(io.Discard, master)
	} else {
		p.tty = p.b
	}
	if cgroup2.works() == nil {
		p.cgroup = int(newCgroup(t).Fd())
	}
	return p
}

// oneIn is true once in n times.
func (r *random) oneIn(n int) bool { return r.IntN(n) == 0 }

func pick[T any](r *random, list ...T) T { return list[r.IntN(len(list))] }

func newRandom(seed, n uint64, pool *randomPool) *random {
	r := &random{Rand: rand.New(rand.NewPCG(seed, n)), pool: pool, path: pool.program}
	if r.oneIn(15) {
		r.path = pick(r, "/nonexistent", "/", pool.text, pool.program+"/x", "program", "./program", strings.Repeat("x", 5000))
	}
	if r.oneIn(4) {
		r.dir = pick(r, "/", ".", pool.dir, "/nonexistent", pool.text, "/proc/self", "a\x00b")
	}
	r.files()
	r.strings()
	r.session()
	r.ids()
	r.namespaces()
	return r
}

func (r *random) files() {
	p := r.pool
	one := func() *os.File { return pick(r, nil, p.a, p.b, p.tty, os.Stderr) }
	for i := range r.stdio {
		switch r.IntN(3) {
		case 0:
			r.stdio[i] = one()
		case 1:
			r.stdio[i] = pipe{}
		}
	}
	for range r.IntN(6) {
		r.extra = append(r.extra, one())
	}
	r.extra = append(r.extra, p.out)
}

func (r *random) strings() {
	r.args = append([]string{"program", "describe"}, describing(2+len(r.extra))...)
	if r.oneIn(4) {
		r.env = []string{"A=1", "B=", "A=2", "", "junk", helperEnv, "PWD=/there"}
	}
	if r.oneIn(40) {
		r.env = append(r.env, helperEnv, "N=\x00")
	}
	if r.oneIn(40) {
		r.args[0] = "\x00"
	}
}

func (r *random) session() {
	s := &r.sys
	s.Setsid, s.Noctty, s.Foreground = r.oneIn(5), r.oneIn(25), r.oneIn(25)
	if r.oneIn(5) {
		s.Setpgid, s.Pgid = true, pick(r, 0, 0, unix.Getpgrp(), 1<<30, -3)
	}
	if r.oneIn(6) {
		s.Setctty, s.Ctty = true, pick(r, 0, 3, 4, 99, -1)
		s.Setsid = s.Setsid || r.oneIn(2)
	}
	if r.oneIn(6) {
		s.Pdeathsig = pick(r, syscall.SIGTERM, syscall.SIGKILL, syscall.Signal(64), syscall.Signal(65), syscall.Signal(-1))
	}
	if r.oneIn(6) {
		s.UseCgroupFD, s.CgroupFD = true, pick(r, r.pool.cgroup, r.pool.cgroup, 9999, int(r.pool.a.Fd()))
	}
	if r.oneIn(4) {
		s.PidFD = new(int)
	}
}

func (r *random) ids() {
	s := &r.sys
	if r.oneIn(4) {
		s.Credential = &syscall.Credential{
			Uid: pick[uint32](r, 0, 1, 65534), Gid: pick[uint32](r, 0, 1, 65534),
			Groups: pick(r, nil, []uint32{1}, []uint32{5, 3, 4, 3}), NoSetGroups: r.oneIn(3),
		}
	}
	for r.oneIn(8) {
		s.AmbientCaps = append(s.AmbientCaps, uintptr(r.IntN(43)))
	}
	if r.oneIn(6) {
		s.Chroot = pick(r, "/", "/", "/nonexistent", r.pool.text, r.pool.dir)
	}
}

func (r *random) namespaces() {
	s := &r.sys
	all := []uintptr{unix.CLONE_NEWNS, unix.CLONE_NEWUTS, unix.CLONE_NEWIPC, unix.CLONE_NEWPID, unix.CLONE_NEWCGROUP}
	if r.oneIn(5) {
		s.Cloneflags = pick(r, all...)
		s.Cloneflags |= pick(r, all...)
	}
	if r.oneIn(5) {
		s.Unshareflags = pick(r, all...) | pick[uintptr](r, 0, 0, unix.CLONE_FS, 1)
	}
	if r.oneIn(5) {
		*pick(r, &s.Cloneflags, &s.Cloneflags, &s.Unshareflags) |= unix.CLONE_NEWUSER
		s.UidMappings, s.GidMappings = r.mapping(os.Getuid()), r.mapping(os.Getgid())
		s.GidMappingsEnableSetgroups = r.oneIn(2)
	}
	// No maps without a user namespace: in os/exec the child then waits for the
	// parent, which waits for the child in vfork. No empty maps for the child to
	// write: there it panics.
	if s.Unshareflags&unix.CLONE_NEWUSER != 0 && (len(s.UidMappings) == 0 || len(s.GidMappings) == 0) {
		s.UidMappings, s.GidMappings = nil, nil
	}
}

func (r *random) mapping(id int) []syscall.SysProcIDMap {
	return pick(r, nil, idOf(0, id), idOf(0, id), idOf(id, id), idOf(1, id), rangesOfIDs, idOf(0, 5),
		[]syscall.SysProcIDMap{}, idOf(-1, id), idOf(0, -1),
		[]syscall.SysProcIDMap{{ContainerID: 0, HostID: 0, Size: 0}}, append(idOf(0, 0), idOf(0, 1)...), append(idOf(0, 0), idOf(1, 0)...))
}

func (r *random) String() string {
	return fmt.Sprintf("path %.30q dir %q args %q env %q stdio %v extra %d\n%+v, credential %+v", r.path, r.dir, r.args[:1], r.env, r.stdio, len(r.extra), r.sys, r.sys.Credential)
}

// attributes are a copy for one of the two starts.
func (r *random) attributes() *syscall.SysProcAttr {
	sys := r.sys
	if sys.PidFD != nil {
		fd := -1
		sys.PidFD = &fd
	}
	return &sys
}

// An outcome of a start is how it ended, and what the child saw.
type startOutcome struct {
	end, description string
}

func (r *random) ours(t *testing.T) startOutcome {
	c := &Cmd{Path: r.path, Args: r.args, Env: r.env, Dir: r.dir, ExtraFiles: r.extra, SysProcAttr: r.attributes()}
	if in := r.stdio[0]; in != nil {
		c.Stdin = reader(in)
	}
	if out := r.stdio[1]; out != nil {
		c.Stdout = writer(out)
	}
	if out := r.stdio[2]; out != nil {
		c.Stderr = writer(out)
	}
	return r.outcome(t, c.Start, c.Wait, c.SysProcAttr)
}

func (r *random) theirs(t *testing.T) startOutcome {
	c := &exec.Cmd{Path: r.path, Args: r.args, Env: r.env, Dir: r.dir, ExtraFiles: r.extra, SysProcAttr: r.attributes()}
	if in := r.stdio[0]; in != nil {
		c.Stdin = reader(in)
	}
	if out := r.stdio[1]; out != nil {
		c.Stdout = writer(out)
	}
	if out := r.stdio[2]; out != nil {
		c.Stderr = writer(out)
	}
	// Package os/exec loses the flag, and, if clone does not succeed, the pipe
	// that the child would wait for its maps at.
	defer unix.Prctl(unix.PR_SET_DUMPABLE, 1, 0, 0, 0)
	if r.sys.UidMappings != nil || r.sys.GidMappings != nil {
		defer closeOthers(snapshot().fds)
	}
	return r.outcome(t, c.Start, c.Wait, c.SysProcAttr)
}

// closeOthers closes the descriptors that were not open before.
func closeOthers(before map[string]string) {
	for fd := range snapshot().fds {
		if n, err := strconv.Atoi(fd); err == nil && before[fd] == "" {
			unix.Close(n)
		}
	}
}

func reader(v any) io.Reader {
	if f, ok := v.(*os.File); ok {
		return f
	}
	return strings.NewReader("input")
}

func writer(v any) io.Writer {
	if f, ok := v.(*os.File); ok {
		return f
	}
	return new(strings.Builder)
}

func (r *random) outcome(t *testing.T, start, wait func() error, sys *syscall.SysProcAttr) (o startOutcome) {
	r.pool.out.Truncate(0)
	r.pool.out.Seek(0, io.SeekStart)
	if err := start(); err != nil {
		var errno syscall.Errno
		o.end = "refused"
		if errors.As(err, &errno) {
			o.end = "errno " + errno.Error()
		}
		return o
	}
	o.end = fmt.Sprint(wait())
	o.description = canonical(contents(t, r.pool.out))
	if sys.PidFD != nil {
		o.end += fmt.Sprint(", a pidfd: ", *sys.PidFD >= 0)
		unix.Close(*sys.PidFD)
	}
	return o
}

// exceptions are where this package differs from os/exec on purpose. Each
// says what os/exec's outcome would be if it did the same.
var exceptions = []struct {
	reason  string
	applies func(r *random) bool
	adjust  func(theirs, ours *startOutcome)
}{
	{"a new root is entered, where os/exec leaves the directory outside unless there is an absolute one",
		func(r *random) bool { return r.sys.Chroot != "" && !filepath.IsAbs(r.dir) },
		func(theirs, _ *startOutcome) {
			theirs.description = cwdField.ReplaceAllString(theirs.description, `"Cwd":"/"`)
		}},
	{"a start that no kernel could do is refused as invalid before anything runs, and os/exec gets some errno",
		func(r *random) bool { return r.invalid() },
		func(theirs, ours *startOutcome) {
			if strings.HasPrefix(theirs.end, "errno ") || theirs.end == "refused" {
				theirs.end = ours.end
			}
		}},
}

// InvalidReason reports whether the package refuses the start without asking the
// kernel.
func (r *random) invalid() bool {
	q := spec.Start{Path: r.path, Argv: r.args, Env: r.env, Dir: r.dir, Sys: r.attributes(), Attr: &spec.NoAttr}
	for _, v := range r.stdio {
		q.Files = append(q.Files, spec.ChildFile{Source: sourceOf(v)})
	}
	for _, f := range r.extra {
		q.Files = append(q.Files, spec.ChildFile{Source: sourceOf(f)})
	}
	return launch.Resolve(&q) != nil || slices.ContainsFunc(r.env, hasNUL)
}

func sourceOf(v any) spec.FileSource {
	if f, ok := v.(*os.File); ok && f == nil {
		return spec.Closed
	}
	return spec.FromParent
}

// TestLikeOsExec compares random starts with os/exec's: they end alike, with
// the same errno if they do not succeed, and their children find themselves in
// the same state.
func TestLikeOsExec(t *testing.T) {
	if *diffSeed == 0 {
		*diffSeed = uint64(time.Now().UnixNano())
	}
	t.Logf("-diff.seed=%d", *diffSeed)
	runtime.LockOSThread() // parent-death signals are the thread's in os/exec
	defer runtime.UnlockOSThread()
	pool := newRandomPool(t)
	// What somebody forgot to mark is inherited from os/exec.
	unix.CloseRange(3, math.MaxUint32, unix.CLOSE_RANGE_CLOEXEC)
	n, ends := *diffN, map[string]int{}
	if testing.Short() {
		n /= 5
	}
	for i := range n {
		r := newRandom(*diffSeed, uint64(i), pool)
		ours, theirs := r.ours(t), r.theirs(t)
		for _, e := range exceptions {
			if e.applies(r) {
				e.adjust(&theirs, &ours)
			}
		}
		ends[ours.end]++
		if ours == theirs {
			continue
		}
		a, b := difference(ours.description, theirs.description)
		t.Errorf("start %d: %v\nours %s, %q\nos/exec %s, %q", i, r, ours.end, a, theirs.end, b)
	}
	t.Log(ends)
	if n >= 100 && ends["exit status 7"] < n/20 {
		t.Errorf("only %d of %d starts succeeded", ends["exit status 7"], n)
	}
}
