//go:build amd64 || arm64

package sprog

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/atstart"
	"github.com/sprog-dev/sprog/internal/compile"
	"github.com/sprog-dev/sprog/internal/launch"
	"github.com/sprog-dev/sprog/internal/spec"
)

var update = flag.Bool("update", false, "rewrite the listings in testdata from what the package does now")

// golden compares got with a file in testdata, or rewrites it.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s: got\n%s\nwant\n%s\n(-update accepts what is there now)", path, got, want)
	}
}

// standardError is what os.Stderr is at first: under -json, package testing
// makes it the standard output.
var standardError = os.Stderr

// startedPlainly makes plans the same whatever limit on open files and output
// the test was started with.
func startedPlainly(t *testing.T) {
	cur, most, stderr := atstart.NofileCur, atstart.NofileMax, os.Stderr
	t.Cleanup(func() { atstart.NofileCur, atstart.NofileMax, os.Stderr = cur, most, stderr })
	atstart.NofileCur, atstart.NofileMax, os.Stderr = 4096, 4096, standardError
}

// FileAt opens /dev/null at a descriptor number, so that a plan can name it.
func fileAt(t *testing.T, n int) *os.File {
	t.Helper()
	null, err := unix.Open("/dev/null", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(null)
	if unix.Dup3(null, n, unix.O_CLOEXEC) != nil {
		t.Fatal(err)
	}
	f := os.NewFile(uintptr(n), "/dev/null")
	t.Cleanup(func() { f.Close() })
	return f
}

// planned is a command whose plan is the same everywhere, once prepare has
// had its way.
func planned(prepare func(*Cmd)) *Cmd {
	c := &Cmd{Path: "/bin/app", Args: []string{"app", "arg"}, Env: []string{"A=1", "B=2"}}
	if prepare != nil {
		prepare(c)
	}
	return c
}

// with is a command with these attributes only.
func with(sys *syscall.SysProcAttr) func(*Cmd) {
	return func(c *Cmd) { c.SysProcAttr = sys }
}

// by is a command with these attributes of this package only.
func by(attr *Attr) func(*Cmd) {
	return func(c *Cmd) { c.Attr = attr }
}

type planCase struct {
	name    string
	prepare func(*Cmd)
}

// noteAsked notes the fields that are set.
func noteAsked(asked map[string]bool, a *Attr) {
	if a == nil {
		return
	}
	v := reflect.ValueOf(*a)
	for i := range v.NumField() {
		if !v.Field(i).IsZero() {
			asked[v.Type().Field(i).Name] = true
		}
	}
}

// allPlans are all starts whose listings are compared.
func allPlans(t *testing.T) []planCase {
	a, b, tty := fileAt(t, 100), fileAt(t, 101), fileAt(t, 102)
	return slices.Concat(plansOfFiles(a, b), plansOfTables(a, b), plansOfIDs, plansOfSessions(tty), plansOfPlaces, plansOfJoining,
		plansOfInside, plansOfSockets, plansOfForbidding, plansOfAttr, plansOfCredentials, plansOfSignals, plansOfSched, plansOfMuch(a, tty),
		plansOfLandlock, plansOfIDMap, plansOfSeccomp, plansOfCgroups, plansOfViews(a))
}

// TestPlans compares the listing of a plan with testdata/plans/NAME.golden,
// for every field there is.
func TestPlans(t *testing.T) {
	startedPlainly(t)
	mayAdministerAs(t, true)
	standingAs(t, compile.Standing{Root: true, Capable: true, Guarded: true})
	coresAre(t, unix.Rlimit{}, false)
	exeIsSafeAs(t, true)
	clonesTreesAs(t, true)
	all := allPlans(t)
	listed := map[string]bool{"join-process-unprivileged.golden": true}
	for _, test := range plansOfGuarded {
		listed[test.name+".golden"] = true
	}
	asked := map[string]bool{}
	for _, test := range all {
		listed[test.name+".golden"] = true
		t.Run(test.name, func(t *testing.T) {
			c := planned(test.prepare)
			noteAsked(asked, c.Attr)
			p, err := c.Plan()
			if err != nil {
				t.Fatal(err)
			}
			listing := p.String()
			if test.name == "deny-tiocsti" { // whose filter is of the architecture's ways to call
				listing = regexp.MustCompile(`\{len=\d+\}`).ReplaceAllString(listing, "{len=NN}")
			}
			golden(t, "plans/"+test.name+".golden", listing)
		})
	}
	asked["InheritAll"] = true // whose plan depends on what is open in the test
	for _, f := range spec.Facilities {
		if !asked[f.Field] {
			t.Errorf("no plan asks for Attr.%s: see plan_linux_test.go", f.Field)
		}
	}
	files, _ := filepath.Glob("testdata/plans/*.golden")
	for _, f := range files {
		if !listed[filepath.Base(f)] && !*update {
			t.Errorf("%s belongs to no test", f)
		}
	}
}

func TestPlanAsJSON(t *testing.T) {
	startedPlainly(t)
	standingAs(t, compile.Standing{Root: true, Capable: true, Guarded: true})
	coresAre(t, unix.Rlimit{}, false)
	for _, test := range []planCase{
		{"nothing", nil},
		{"init-map", func(c *Cmd) {
			c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER, UidMappings: toRoot, GidMappings: toRoot}
			c.Attr = &Attr{Init: &Init{}}
		}},
	} {
		p, err := planned(test.prepare).Plan()
		if err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		enc := json.NewEncoder(&out)
		enc.SetIndent("", "\t")
		enc.SetEscapeHTML(false)
		if err := enc.Encode(p); err != nil {
			t.Fatal(err)
		}
		golden(t, "plans/"+test.name+".json", out.String())
	}
}

var _ = helper("plan", func([]string) int {
	p, err := planned(nil).Plan()
	if err != nil {
		os.Stderr.WriteString(err.Error())
		return 1
	}
	os.Stdout.WriteString(p.String())
	return 0
})

// The plan of a process whose limit on open files was raised by the runtime.
func TestPlanRestoresTheLimitOnFiles(t *testing.T) {
	out, err := Command("/bin/sh", "-c", `ulimit -Sn 777 && ulimit -Hn 2000 && exec "$0" plan`, testBinary()).Output()
	if err != nil {
		t.Fatal(err)
	}
	const step = "prlimit64(0, RLIMIT_NOFILE, {rlim_cur=777, rlim_max=2000}, NULL)"
	if n := strings.Count(string(out), step); n != 1 {
		t.Errorf("plan has %d times %s; want it once:\n%s", n, step, out)
	}
}

var (
	toRoot     = []syscall.SysProcIDMap{{ContainerID: 0, HostID: 1000, Size: 1}}
	severalIDs = []syscall.SysProcIDMap{{ContainerID: 0, HostID: 1000, Size: 1}, {ContainerID: 1, HostID: 100000, Size: 65536}}
)

// plansOfFiles are about descriptors; a is the parent's 100, b its 101.
func plansOfFiles(a, b *os.File) []planCase {
	return []planCase{
		{"nothing", nil},
		{"stdin", func(c *Cmd) { c.Stdin = a }},
		{"stdio-closed", func(c *Cmd) {
			var none *os.File
			c.Stdin, c.Stdout, c.Stderr = none, none, none
		}},
		{"stdio-inherited", func(c *Cmd) { c.Stdin, c.Stdout, c.Stderr = os.Stdin, os.Stdout, os.Stderr }},
		{"stdio-one-file", func(c *Cmd) { c.Stdout, c.Stderr = a, a }},
		{"stdio-crossed", func(c *Cmd) { c.Stdin, c.Stdout, c.Stderr = os.Stderr, os.Stdin, os.Stdout }},
		{"pipes", func(c *Cmd) {
			c.Stdin, c.Stdout, c.Stderr = strings.NewReader(""), new(bytes.Buffer), new(bytes.Buffer)
		}},
		{"pipe-for-both", func(c *Cmd) {
			c.Stdout = new(bytes.Buffer)
			c.Stderr = c.Stdout
		}},
		{"extra-files", func(c *Cmd) { c.ExtraFiles = []*os.File{a, nil, b} }},
		{"extra-files-swapped", func(c *Cmd) {
			c.Stdin, c.Stdout, c.Stderr = os.Stdout, os.Stdin, os.Stderr
			c.ExtraFiles = []*os.File{os.Stderr, os.Stdin, a}
		}},
		{"many-arguments", func(c *Cmd) { c.Args = strings.Fields(strings.Repeat("word ", 1000)) }},
		{"odd-strings", func(c *Cmd) {
			c.Path, c.Args, c.Dir = "/bin/a b\"c\n", []string{"", "\x01é\xff"}, "dir with spaces"
		}},
		{"environment-empty", func(c *Cmd) { c.Env = []string{} }},
	}
}

var plansOfIDs = []planCase{
	{"credential", with(&syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 1000, Gid: 100}})},
	{"credential-groups", with(&syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 1000, Gid: 100, Groups: []uint32{4, 24, 4294967294}}})},
	{"credential-nosetgroups", with(&syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 4294967294, NoSetGroups: true}})},
	{"ambient-caps", with(&syscall.SysProcAttr{AmbientCaps: []uintptr{unix.CAP_NET_BIND_SERVICE, unix.CAP_CHECKPOINT_RESTORE}})},
	{"ambient-caps-credential", with(&syscall.SysProcAttr{
		Credential: &syscall.Credential{Uid: 1000}, AmbientCaps: []uintptr{unix.CAP_SYS_TIME},
	})},
	{"userns-born", with(&syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER, UidMappings: toRoot, GidMappings: toRoot})},
	{"userns-born-no-maps", with(&syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER})},
	{"userns-born-setgroups", with(&syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWUSER, UidMappings: severalIDs, GidMappings: severalIDs, GidMappingsEnableSetgroups: true,
		Credential: &syscall.Credential{Uid: 5, Gid: 5, Groups: []uint32{6}},
	})},
	{"userns-born-credential", with(&syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWUSER, UidMappings: toRoot, GidMappings: toRoot, Credential: &syscall.Credential{},
	})},
	{"userns-unshared", with(&syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWUSER, UidMappings: toRoot, GidMappings: toRoot})},
	{"userns-unshared-setgroups", with(&syscall.SysProcAttr{
		Unshareflags: syscall.CLONE_NEWUSER, UidMappings: severalIDs, GidMappings: severalIDs, GidMappingsEnableSetgroups: true,
	})},
	{"userns-gid-only", with(&syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER, GidMappings: toRoot})},
}

// plansOfSessions are about sessions, groups and terminals; tty is the
// parent's 102.
func plansOfSessions(tty *os.File) []planCase {
	return []planCase{
		{"setsid", with(&syscall.SysProcAttr{Setsid: true})},
		{"setpgid", with(&syscall.SysProcAttr{Setpgid: true})},
		{"setpgid-joined", with(&syscall.SysProcAttr{Setpgid: true, Pgid: 1234})},
		{"foreground", with(&syscall.SysProcAttr{Foreground: true, Ctty: 102})},
		{"foreground-joined", with(&syscall.SysProcAttr{Foreground: true, Ctty: 102, Pgid: 1234})},
		{"setctty", func(c *Cmd) {
			c.Stdin, c.Stdout, c.Stderr = tty, tty, tty
			c.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
		}},
		{"setctty-extra", func(c *Cmd) {
			c.ExtraFiles = []*os.File{tty}
			c.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true, Ctty: 3}
		}},
		{"noctty", func(c *Cmd) {
			c.Stdin = tty
			c.SysProcAttr = &syscall.SysProcAttr{Noctty: true}
		}},
		{"pdeathsig", with(&syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM})},
		{"pdeathsig-new-pid", with(&syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Cloneflags: syscall.CLONE_NEWPID})},
		{"pdeathsig-realtime", with(&syscall.SysProcAttr{Pdeathsig: 34})},
		{"ptrace", with(&syscall.SysProcAttr{Ptrace: true})},
		{"pidfd", with(&syscall.SysProcAttr{PidFD: new(int)})},
		{"cgroup", with(&syscall.SysProcAttr{UseCgroupFD: true, CgroupFD: 100})},
	}
}

const allNamespaces = syscall.CLONE_NEWNS | syscall.CLONE_NEWUTS | syscall.CLONE_NEWIPC | syscall.CLONE_NEWUSER |
	syscall.CLONE_NEWPID | syscall.CLONE_NEWNET | syscall.CLONE_NEWCGROUP | syscall.CLONE_NEWTIME

var plansOfPlaces = []planCase{
	{"dir", func(c *Cmd) { c.Dir = "/srv" }},
	{"chroot", with(&syscall.SysProcAttr{Chroot: "/srv/root"})},
	{"chroot-dir", func(c *Cmd) { c.Dir, c.SysProcAttr = "/home", &syscall.SysProcAttr{Chroot: "/srv/root"} }},
	{"chroot-relative-dir", func(c *Cmd) { c.Dir, c.SysProcAttr = "home", &syscall.SysProcAttr{Chroot: "root"} }},
	{"namespaces-born", with(&syscall.SysProcAttr{Cloneflags: allNamespaces})},
	{"namespaces-unshared", with(&syscall.SysProcAttr{Unshareflags: allNamespaces})},
	{"mount-unshared", with(&syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS})},
	{"clone-harmless", with(&syscall.SysProcAttr{Cloneflags: syscall.CLONE_VFORK | syscall.CLONE_IO | uintptr(syscall.SIGCHLD)})},
	{"unshare-others", with(&syscall.SysProcAttr{Unshareflags: syscall.CLONE_FS | syscall.CLONE_SYSVSEM})},
}

func mask(bits uint32) *uint32 { return &bits }

var plansOfAttr = []planCase{
	{"umask", by(&Attr{Umask: mask(0o27)})},
	{"deny-tiocsti", by(&Attr{DenyTIOCSTI: true, NoNewPrivs: true})},
	{"umask-zero", by(&Attr{Umask: mask(0)})},
	{"no-new-privs", by(&Attr{NoNewPrivs: true})},
	{"rlimits", by(&Attr{Rlimits: []Rlimit{
		{Resource: unix.RLIMIT_CPU, Cur: 1, Max: 2},
		{Resource: unix.RLIMIT_CORE, Cur: 0, Max: RlimitInfinity},
		{Resource: unix.RLIMIT_RTTIME, Cur: RlimitInfinity, Max: RlimitInfinity},
	}})},
	{"rlimits-nofile", by(&Attr{Rlimits: []Rlimit{{Resource: unix.RLIMIT_NOFILE, Cur: 64, Max: 128}}})},
	{"rlimits-nofile-raised", by(&Attr{Rlimits: []Rlimit{{Resource: unix.RLIMIT_NOFILE, Cur: 64, Max: 8192}}})},
	{"user-namespaces-at-the-end", by(&Attr{UserNamespace: os.Stdin, RefuseUserNamespaces: true})},
	{"wait-for", by(&Attr{WaitFor: os.Stdin})},
	{"init-that-lingers", by(&Attr{Init: &Init{Linger: true, Visible: true, Keep: []*os.File{os.Stdin}, Locks: []string{"/lock"}}})},
	{"init", by(&Attr{Init: &Init{}})},
	{"init-session", func(c *Cmd) {
		c.Attr, c.SysProcAttr = &Attr{Init: &Init{ReportStops: true}}, &syscall.SysProcAttr{Setsid: true}
	}},
	{"init-job-control", func(c *Cmd) {
		c.Stdin, c.Attr = os.Stdin, &Attr{Init: &Init{JobControl: true}}
		c.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	}},
	{"init-pid-namespace", func(c *Cmd) {
		c.Attr, c.SysProcAttr = &Attr{Init: &Init{}}, &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWPID}
	}},
	{"zero-values", func(c *Cmd) { c.Attr, c.SysProcAttr = &Attr{}, &syscall.SysProcAttr{} }},
}

// plansOfMuch combine fields.
func plansOfMuch(a, tty *os.File) []planCase {
	return []planCase{
		{"foreground-setpgid-credential", func(c *Cmd) {
			c.Stdin, c.Stdout, c.Stderr = tty, tty, tty
			c.SysProcAttr = &syscall.SysProcAttr{
				Setpgid: true, Foreground: true, Ctty: 102, Credential: &syscall.Credential{Uid: 1},
			}
		}},
		{"everything", func(c *Cmd) {
			c.Dir, c.Stdin, c.Stdout, c.ExtraFiles = "work", tty, new(bytes.Buffer), []*os.File{a, tty}
			c.SysProcAttr = everything()
			c.Attr = everyAttr()
		}},
	}
}

// everything has every field that goes with the others.
func everything() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{
		Chroot: "/srv/root", Credential: &syscall.Credential{Uid: 1, Gid: 2, Groups: []uint32{3}},
		Setsid: true, Setctty: true, Ctty: 4, Noctty: true, Pdeathsig: syscall.SIGHUP,
		Cloneflags: allNamespaces, Unshareflags: syscall.CLONE_NEWNS,
		UidMappings: severalIDs, GidMappings: severalIDs, GidMappingsEnableSetgroups: true,
		AmbientCaps: []uintptr{unix.CAP_KILL}, UseCgroupFD: true, CgroupFD: 100, PidFD: new(int),
	}
}

func everyAttr() *Attr {
	return &Attr{
		Rlimits: []Rlimit{{Resource: unix.RLIMIT_NPROC, Cur: 10, Max: 20}, {Resource: unix.RLIMIT_NOFILE, Cur: 30, Max: 5000}},
		Umask:   mask(0o77), NoNewPrivs: true, Init: &Init{},
	}
}

// plansOfTables are about Attr.Files and its kin; a is the parent's 100, b its
// 101.
func plansOfTables(a, b *os.File) []planCase {
	return []planCase{
		{"files", by(&Attr{Files: []File{
			{FD: 9, File: a}, {FD: 4, Path: "/etc/passwd"}, {FD: 3, Path: "log", Flags: os.O_WRONLY | os.O_CREATE | os.O_APPEND, Mode: 0o640},
			{FD: 6, Dup: new(9)}, {FD: 7, Dup: new(4)}, {FD: 1, Closed: true}, {FD: 2, File: b},
		}})},
		{"files-data", by(&Attr{Files: []File{{FD: 0, Data: []byte("a line\n")}, {FD: 5, Data: bytes.Repeat([]byte("x"), 100)}}})},
		{"files-cycle", by(&Attr{Files: []File{{FD: 0, File: os.Stdout}, {FD: 1, File: os.Stdin}, {FD: 5, File: os.Stdout}}})},
		{"files-sparse", by(&Attr{Files: []File{{FD: 1000, File: a}, {FD: 50, File: b}}})},
		{"files-stderr-to-stdout", func(c *Cmd) {
			c.Stdout, c.Attr = new(bytes.Buffer), &Attr{Files: []File{{FD: 2, Dup: new(1)}}}
		}},
		{"inherit", by(&Attr{Inherit: []int{100, 2}})},
		{"program-file", by(&Attr{Program: a})},
		{"program-file-kept", by(&Attr{Program: a, Files: []File{{FD: 3, File: a}}})},
		{"program-file-init", by(&Attr{Program: a, Init: &Init{}})},
		{"dir-file", by(&Attr{DirFile: a})},
	}
}

// plansOfJoining are those of somebody who may administer his user namespace;
// the others begin with the user namespace.
var plansOfJoining = []planCase{
	{"join-net", by(&Attr{Join: []Namespace{{Kinds: NetworkNamespace, Path: "/run/netns/blue"}}})},
	{"join-process", by(&Attr{Join: []Namespace{{PID: 42, Kinds: NamespaceKind(spec.AllKinds) &^ TimeNamespace}}})},
	{"join-all", by(&Attr{Join: []Namespace{{Kinds: NetworkNamespace, Path: "/run/netns/blue"}, {PID: 42}}})},
	{"join-and-unshare", func(c *Cmd) {
		c.Attr = &Attr{Join: []Namespace{{PID: 42, Kinds: UserNamespace | IPCNamespace}}}
		c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWPID, Unshareflags: syscall.CLONE_NEWNS}
	}},
	{"join-init", by(&Attr{Join: []Namespace{{PID: 42}}, Init: &Init{}})},
}

// mayAdministerAs makes plans those of a process that may, or may not,
// administer its user namespace, whoever runs the test.
func mayAdministerAs(t *testing.T, may bool) {
	before := launch.MayAdminister
	t.Cleanup(func() { launch.MayAdminister = before })
	launch.MayAdminister = func() bool { return may }
}

// Without rights of its own the child gets them from the user namespace.
func TestPlanOfOrdinaryUser(t *testing.T) {
	startedPlainly(t)
	mayAdministerAs(t, false)
	p, err := planned(by(&Attr{Join: []Namespace{{PID: 42, Kinds: NamespaceKind(spec.AllKinds) &^ TimeNamespace}}})).Plan()
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "plans/join-process-unprivileged.golden", p.String())
}

var plansOfForbidding = []planCase{
	{"forbid-userns", func(c *Cmd) {
		ids := []syscall.SysProcIDMap{{ContainerID: 0, HostID: 1000, Size: 1}}
		c.Attr = &Attr{ForbidUserNamespaces: true}
		c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER, UidMappings: ids, GidMappings: ids}
	}},
}

// viewed is a command with a view, in namespaces of its own, for which it takes no rights.
func viewed(root *Root, mounts ...Mount) func(*Cmd) {
	return func(c *Cmd) {
		c.Attr, c.Dir = &Attr{Root: root, Mounts: mounts}, "/"
		c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS | syscall.CLONE_NEWPID | syscall.CLONE_NEWIPC,
			UidMappings: toRoot, GidMappings: toRoot}
	}
}

// viewedByRoot is one of somebody who may mount.
func viewedByRoot(root *Root, mounts ...Mount) func(*Cmd) {
	return func(c *Cmd) {
		viewed(root, mounts...)(c)
		c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS}
	}
}

// exeIsSafeAs makes plans those of a process whose executable the program could not write to, or could.
func exeIsSafeAs(t *testing.T, safe bool) {
	before := launch.ExeIsSafe
	t.Cleanup(func() { launch.ExeIsSafe = before })
	launch.ExeIsSafe = func() bool { return safe }
}

// clonesTreesAs makes plans those of a process that may make mounts itself, or may not.
func clonesTreesAs(t *testing.T, may bool) {
	before := launch.ClonesTrees
	t.Cleanup(func() { launch.ClonesTrees = before })
	launch.ClonesTrees = func() bool { return may }
}

// plansOfViews are those of a process whose executable is others', so that they have one stage; f is a
// file of the caller's.
func plansOfViews(f *os.File) []planCase {
	sticky := uint32(0o1777)
	return []planCase{
		{"view-host", viewed(nil, Mount{Target: "/tmp", Tmpfs: &Tmpfs{Mode: &sticky, Size: 1 << 20, Inodes: 100, Huge: "never"}})},
		{"view-host-read-only", viewed(&Root{Host: true, Flags: MountReadOnly | MountNoSUID}, Mount{Bind: "/srv/project"}, Mount{Target: "/proc", Proc: &Proc{}})},
		{"view-empty", viewed(&Root{Empty: true}, Mount{Bind: "/usr", Flags: MountReadOnly}, Mount{Target: "/bin", Symlink: "usr/bin"},
			Mount{Target: "/bin/tool", Bind: "/opt/tool"}, Mount{Target: "/var/lib/app", Dir: true})},
		{"view-rootfs", viewed(&Root{Dir: "/srv/rootfs", Flags: MountReadOnly}, Mount{Target: "/proc", Proc: &Proc{Hide: ProcHidePtraceable, PIDsOnly: true}},
			Mount{Target: "/dev", Dev: &Dev{Nodes: []string{"null", "zero"}}}, Mount{Target: "/dev/mqueue", Kernel: KernelMqueue})},
		{"view-at-root", viewed(nil, Mount{Bind: "/", Flags: MountReadOnly}, Mount{Target: "/srv", Tmpfs: &Tmpfs{}, Flags: MountReadOnly}, Mount{Target: "/srv/a", Bind: "/a"})},
		{"view-overlays", viewed(&Root{Overlay: &Overlay{Lower: []string{"/srv/a", "/srv/b"}}},
			Mount{Target: "/o", Overlay: &Overlay{Lower: []string{"/a:b"}, Upper: "/srv/upper", Work: "/srv/work"}, Optional: true},
			Mount{Target: "/p", Overlay: &Overlay{Lower: []string{"/c"}, Private: true}})},
		{"view-copies", viewedByRoot(nil, Mount{Target: "/etc/app.conf", Data: []byte("a = 1\n"), Mode: mask(0o640), Copy: true},
			Mount{Target: "/etc/app.conf", Mode: mask(0o400)})},
		{"view-data-and-masks", viewedByRoot(nil, Mount{Target: "/etc/app.conf", Data: []byte("a = 1\n"), Create: true}, Mount{Target: "/proc/kcore", Mask: true})},
		{"view-optional", viewed(&Root{Empty: true}, Mount{Bind: "/maybe", Optional: true}, Mount{Target: "/maybe/below", Tmpfs: &Tmpfs{}})},
		{"view-flags", viewedByRoot(nil, Mount{Target: "/usr", Flags: MountReadOnly | MountNoAtime, Shallow: true}, Mount{Target: "/maybe", Clear: MountNoExec, Optional: true},
			Mount{Target: "/", Flags: MountNoSUID}, Mount{Target: "/srv", Bind: "/opt", Flags: MountNoSymlinks, Propagation: PropagationSlave})},
		{"view-fallbacks", viewed(&Root{Empty: true, Propagation: PropagationSlave}, Mount{Target: "/proc", Proc: &Proc{Fallback: ProcOfCaller}}, Mount{Target: "/p", Proc: &Proc{Fallback: ProcEmpty}})},
		{"view-kernel", viewedByRoot(&Root{Empty: true}, Mount{Target: "/sys", Kernel: KernelSysfs}, Mount{Target: "/sys/fs/cgroup", Kernel: KernelCgroup2}, Mount{Target: "/pts", Kernel: KernelDevpts})},
		{"view-file", viewedByRoot(&Root{Empty: true}, Mount{Target: "/f", File: f, Flags: MountReadOnly})},
		{"view-file-by-path", viewed(&Root{Empty: true}, Mount{Target: "/f", File: f, Flags: MountReadOnly})},
		{"view-console", viewed(&Root{Empty: true}, Mount{Target: "/dev", Dev: &Dev{Nodes: []string{"null"}, ConsolePTY: true}})},
		{"view-ids", viewed(&Root{Empty: true}, Mount{Target: "/d", Bind: "/srv", Shallow: true, Flags: MountReadOnly, IDMap: ownedBy(1000)},
			Mount{Target: "/f", File: f, IDMap: ownedBy(7)})},
		{"view-dir", func(c *Cmd) {
			viewed(nil, Mount{Target: "/tmp", Tmpfs: &Tmpfs{}})(c)
			c.SysProcAttr.Cloneflags, c.SysProcAttr.Unshareflags = syscall.CLONE_NEWUSER, syscall.CLONE_NEWNS
			c.Attr.ForbidUserNamespaces, c.Attr.Umask = true, mask(0o27)
		}},
		{"dirs", by(&Attr{Dirs: []string{"/first", "/second"}})},
		{"look-path", func(c *Cmd) {
			c.Path, c.Env, c.Attr = "app", []string{"PATH=/usr/bin:.:/bin", "PWD=/"}, &Attr{LookPath: true, Dirs: []string{"/"}}
		}},
		{"view-init", func(c *Cmd) {
			viewed(&Root{Dir: "/srv/rootfs"}, Mount{Target: "/proc", Proc: &Proc{}})(c)
			c.Attr.Init = &Init{}
		}},
	}
}

// A program that could get at the caller's executable through its view is started by an image.
func TestPlanOfViewHasTwoStages(t *testing.T) {
	startedPlainly(t)
	exeIsSafeAs(t, false)
	for name, root := range map[string]*Root{"empty": {Empty: true}, "host": {Host: true}} {
		p, err := planned(viewed(root)).Plan()
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(p.String(), "sprog/second") {
			t.Errorf("%s: the plan has one stage; want two:\n%s", name, p)
		}
	}
}
