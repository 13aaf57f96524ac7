//go:build amd64 || arm64

package sprog

import (
	"encoding/json"
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
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/atstart"
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

// A description is what a process sees of itself, in a form in which two
// processes that were started alike are equal.
type description struct {
	Args, Env       []string
	Cwd, Root       string
	Umask           int
	IDs             string // real, effective, saved
	Groups          []int
	LeadsSession    bool
	LeadsGroup      bool
	Session, Group  string // "parent's" or another
	FirstOfPIDs     bool
	Terminal        bool // a controlling one
	Limits          map[string]string
	Status          map[string]string // of /proc/self/status
	Namespaces      map[string]string // to "same" or "new"
	Maps            map[string]string // of the user namespace
	Files           map[int]string
	Cgroup          string
	ParentDeathSig  int
	Dumpable        int
	ThreadsOfParent bool // whether the parent is seen
}

// describe FD SID PGID NAMESPACES: write a description of the process to the
// descriptor, given the session, group and namespaces of its parent. The status
// is 7.
var _ = helper("describe", func(args []string) int {
	fd, _ := strconv.Atoi(args[0])
	d := describe(args[1], args[2], strings.Split(args[3], ","))
	if err := json.NewEncoder(os.NewFile(uintptr(fd), "out")).Encode(d); err != nil {
		return 1
	}
	return 7
})

// A helper program stays on its first thread: the parent-death signal, and not
// only that, is the thread's.
func init() {
	if os.Getenv(helperVar) != "" {
		runtime.LockOSThread()
	}
}

// describing are the arguments for describe.
func describing(fd int) []string {
	sid, _ := unix.Getsid(0)
	return []string{strconv.Itoa(fd), strconv.Itoa(sid), strconv.Itoa(unix.Getpgrp()), strings.Join(namespaceLinks(), ",")}
}

var namespaceNames = []string{"cgroup", "ipc", "mnt", "net", "pid", "pid_for_children", "time", "time_for_children", "user", "uts"}

func namespaceLinks() (links []string) {
	for _, name := range namespaceNames {
		link, _ := os.Readlink("/proc/self/ns/" + name)
		links = append(links, link)
	}
	return links
}

func describe(sid, pgid string, namespaces []string) description {
	d := description{
		Args: os.Args[1:2], Env: os.Environ(), Umask: syscall.Umask(0),
		FirstOfPIDs: os.Getpid() == 1, ThreadsOfParent: os.Getppid() != 0,
		Namespaces: map[string]string{}, Files: openFiles(), Cgroup: contentsOf("/proc/self/cgroup"),
		Status: statusOf("/proc/self/status"), Maps: map[string]string{},
	}
	d.Cwd, _ = os.Getwd()
	if link, err := os.Readlink("/proc/self/cwd"); err == nil {
		d.Cwd = link
	}
	d.Root, _ = os.Readlink("/proc/self/root")
	ruid, euid, suid := unix.Getresuid()
	rgid, egid, sgid := unix.Getresgid()
	d.IDs = fmt.Sprint(ruid, euid, suid, rgid, egid, sgid)
	d.Groups, _ = unix.Getgroups()
	d.describeSession(sid, pgid)
	d.Limits = limitsOf()
	for i, link := range namespaceLinks() {
		d.Namespaces[namespaceNames[i]] = "new"
		if link == namespaces[i] {
			d.Namespaces[namespaceNames[i]] = "same"
		}
	}
	for _, name := range []string{"uid_map", "gid_map", "setgroups"} {
		d.Maps[name] = strings.Join(strings.Fields(contentsOf("/proc/self/"+name)), " ")
	}
	var sig int32
	unix.Prctl(unix.PR_GET_PDEATHSIG, uintptr(unsafe.Pointer(&sig)), 0, 0, 0)
	d.ParentDeathSig = int(sig)
	d.Dumpable, _ = unix.PrctlRetInt(unix.PR_GET_DUMPABLE, 0, 0, 0, 0)
	return d
}

func (d *description) describeSession(sid, pgid string) {
	s, _ := unix.Getsid(0)
	g := unix.Getpgrp()
	d.LeadsSession, d.LeadsGroup = s == os.Getpid(), g == os.Getpid()
	d.Session, d.Group = "another", "another"
	if strconv.Itoa(s) == sid {
		d.Session = "parent's"
	}
	if strconv.Itoa(g) == pgid {
		d.Group = "parent's"
	}
	if fd, err := unix.Open("/dev/tty", unix.O_RDWR|unix.O_CLOEXEC, 0); err == nil {
		unix.Close(fd)
		d.Terminal = true
	}
}

// statusOf are the fields of a status file that do not change by themselves.
func statusOf(file string) map[string]string {
	fields := map[string]string{}
	for _, name := range []string{"SigBlk", "SigIgn", "CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb",
		"NoNewPrivs", "Seccomp", "TracerPid", "Cpus_allowed", "Mems_allowed", "THP_enabled"} {
		fields[name] = procField(file, name)
	}
	return fields
}

// limitsOf are the resource limits. The one on open files has been raised by
// the runtime.
func limitsOf() map[string]string {
	limits := map[string]string{"nofile at start": fmt.Sprint(atstart.NofileCur, atstart.NofileMax)}
	for line := range strings.Lines(contentsOf("/proc/self/limits")) {
		if len(line) > 26 && !strings.HasPrefix(line, "Max open files") {
			limits[strings.TrimSpace(line[:26])] = strings.Join(strings.Fields(line[26:]), " ")
		}
	}
	return limits
}

// openFiles are the descriptors that the process was given.
func openFiles() map[int]string {
	files := map[int]string{}
	for fd := range 1 << 13 {
		flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
		if err != nil || flags&unix.FD_CLOEXEC != 0 {
			continue
		}
		mode, _ := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0)
		to, err := os.Readlink("/proc/self/fd/" + strconv.Itoa(fd))
		if err != nil {
			to = "?"
		}
		if before, _, numbered := strings.Cut(to, ":["); numbered {
			to = before
		}
		files[fd] = fmt.Sprintf("%s %#o", to, mode)
	}
	return files
}

func contentsOf(file string) string {
	b, err := os.ReadFile(file)
	if err != nil {
		return err.Error()
	}
	return string(b)
}

// A runner is a command of this package or of os/exec. Some checks are made
// on both: they say what this package does better, and that os/exec still
// does not.
type runner interface {
	Start() error
	Wait() error
	Run() error
}

// ways turn a command into one of this package, or of os/exec.
var ways = map[string]func(*Cmd) runner{
	"sprog":   func(c *Cmd) runner { return c },
	"os/exec": func(c *Cmd) runner { return &execCmd{Cmd: execOf(c), of: c} },
}

// An execCmd is started by os/exec, and tells the command that it was made of.
type execCmd struct {
	*exec.Cmd
	of *Cmd
}

func (c *execCmd) Start() error {
	err := c.Cmd.Start()
	c.of.Process = c.Process
	return err
}

func (c *execCmd) Run() error {
	if err := c.Start(); err != nil {
		return err
	}
	return c.Wait()
}

func execOf(c *Cmd) *exec.Cmd {
	return &exec.Cmd{
		Path: c.Path, Args: c.Args, Env: c.Env, Dir: c.Dir,
		Stdin: c.Stdin, Stdout: c.Stdout, Stderr: c.Stderr,
		ExtraFiles: c.ExtraFiles, SysProcAttr: c.SysProcAttr,
	}
}

// better wants a check to succeed with this package, and reports whether
// os/exec fails it. Should it succeed there some day, that is no fault of
// ours, but worth a look.
func better(t *testing.T, check func(of func(*Cmd) runner) error) {
	t.Helper()
	if err := check(ways["sprog"]); err != nil {
		t.Errorf("sprog: %v", err)
	}
	if err := check(ways["os/exec"]); err != nil {
		t.Logf("os/exec: %v", err)
	} else if !mended[t.Name()] {
		t.Errorf("os/exec passes too: if this Go has mended it, add %q to mended", t.Name())
	}
}

// mended are the checks that os/exec passes in newer versions of Go.
var mended = map[string]bool{}
