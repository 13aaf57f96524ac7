//go:build amd64 || arm64

package sprog

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/signal"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// limitNames are the names that /proc/PID/limits has for the resources.
var limitNames = [...]string{
	unix.RLIMIT_CPU: "Max cpu time", unix.RLIMIT_FSIZE: "Max file size", unix.RLIMIT_DATA: "Max data size",
	unix.RLIMIT_STACK: "Max stack size", unix.RLIMIT_CORE: "Max core file size", unix.RLIMIT_RSS: "Max resident set",
	unix.RLIMIT_NPROC: "Max processes", unix.RLIMIT_NOFILE: "Max open files", unix.RLIMIT_MEMLOCK: "Max locked memory",
	unix.RLIMIT_AS: "Max address space", unix.RLIMIT_LOCKS: "Max file locks", 11: "Max pending signals",
	12: "Max msgqueue size", 13: "Max nice priority", 14: "Max realtime priority", 15: "Max realtime timeout",
}

// limitsIn reads the soft and hard limits out of /proc/PID/limits.
func limitsIn(text string) map[string][2]string {
	limits := map[string][2]string{}
	for line := range strings.Lines(text) {
		for _, name := range limitNames {
			if rest, ok := strings.CutPrefix(line, name+" "); ok {
				f := strings.Fields(rest)
				limits[name] = [2]string{f[0], f[1]}
			}
		}
	}
	return limits
}

// someLimits are values for every resource that leave a small program enough,
// and that this user may set: few may raise a hard limit.
func someLimits(t *testing.T) (list []Rlimit) {
	t.Helper()
	for resource := range limitNames {
		l := Rlimit{Resource: RlimitResource(resource), Cur: 1<<30 + uint64(resource), Max: 1<<31 + uint64(resource)}
		if resource == unix.RLIMIT_NOFILE {
			l.Cur, l.Max = 90, 100 // there is a hard limit of the hard limit, fs.nr_open
		}
		var now unix.Rlimit
		if err := unix.Getrlimit(resource, &now); err != nil {
			t.Fatal(err)
		}
		if raisingLimits.works() != nil {
			l.Max = min(l.Max, now.Max)
			l.Cur = min(l.Cur, l.Max)
		}
		list = append(list, l)
	}
	return list
}

func TestRlimits(t *testing.T) {
	list := someLimits(t)
	wantLimits(t, &Attr{Rlimits: list}, list)
	for _, l := range list { // each alone
		wantLimits(t, &Attr{Rlimits: []Rlimit{l}}, []Rlimit{l})
	}
}

func wantLimits(t *testing.T, attr *Attr, list []Rlimit) {
	t.Helper()
	got := limitsIn(printed(t, nil, attr, "/bin/cat", "/proc/self/limits"))
	for _, l := range list {
		want := [2]string{strconv.FormatUint(l.Cur, 10), strconv.FormatUint(l.Max, 10)}
		for i, v := range []uint64{l.Cur, l.Max} {
			if v == RlimitInfinity {
				want[i] = "unlimited"
			}
		}
		if name := limitNames[l.Resource]; got[name] != want {
			t.Errorf("%s = %v; want %v", name, got[name], want)
		}
	}
}

func TestRlimitInfinity(t *testing.T) {
	var now unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_CORE, &now); err != nil {
		t.Fatal(err)
	}
	if now.Max != RlimitInfinity {
		requires(t, raisingLimits)
	}
	wantLimits(t, &Attr{Rlimits: []Rlimit{
		{Resource: unix.RLIMIT_CORE, Cur: 0, Max: RlimitInfinity},
	}}, []Rlimit{{unix.RLIMIT_CORE, 0, RlimitInfinity}})
}

// In the order given: the last one counts.
func TestRlimitTwice(t *testing.T) {
	for _, resource := range []RlimitResource{RlimitCPU, RlimitNofile} {
		last := Rlimit{resource, 70, 80}
		wantLimits(t, &Attr{Rlimits: []Rlimit{{resource, 60, 100}, last}}, []Rlimit{last})
	}
}

// A limit below the number of files that the start itself needs is no
// obstacle.
func TestRlimitNofile(t *testing.T) {
	few := Rlimit{unix.RLIMIT_NOFILE, 4, 4} // cat needs one
	wantLimits(t, &Attr{Rlimits: []Rlimit{few}}, []Rlimit{few})
	c := Command("/bin/sh", "-c", "ulimit -n; [ -e /proc/$$/fd/7 ]")
	c.ExtraFiles = []*os.File{nil, nil, nil, nil, devNullFile(t)}
	c.Attr = &Attr{Rlimits: []Rlimit{{unix.RLIMIT_NOFILE, 5, 5}}}
	if got := outputOf(t, c); got != "5\n" {
		t.Errorf("limit = %q; want 5", got)
	}
}

func TestRlimitNofileRaised(t *testing.T) {
	requires(t, raisingLimits)
	var now unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &now); err != nil {
		t.Fatal(err)
	}
	more := Rlimit{unix.RLIMIT_NOFILE, now.Max + 10, now.Max + 10}
	wantLimits(t, &Attr{Rlimits: []Rlimit{more}}, []Rlimit{more})
}

func devNullFile(t *testing.T) *os.File {
	t.Helper()
	f, err := os.OpenFile("/dev/null", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func TestRlimitRaisedWithoutPrivilege(t *testing.T) {
	requires(t, userNamespaces) // whose capabilities do not count
	var now unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &now); err != nil {
		t.Fatal(err)
	}
	c := Command("/bin/true")
	c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER, UidMappings: oneID(0, os.Geteuid())}
	c.Attr = &Attr{Rlimits: []Rlimit{{unix.RLIMIT_NOFILE, 64, now.Max + 1}}}
	err := c.Run()
	want := fmt.Sprintf("sprog: start /bin/true: prlimit64 RLIMIT_NOFILE (Attr.Rlimits[0]): operation not permitted"+
		" (the hard limit is %d, and to raise it to %d takes CAP_SYS_RESOURCE in the initial user namespace, which a child in a new one does not have)", now.Max, now.Max+1)
	if !errors.Is(err, syscall.EPERM) || err.Error() != want {
		t.Errorf("Run() = %v; want %s", err, want)
	}
}

// The limits are set while the privileges are still there that it takes.
func TestRlimitWithCredential(t *testing.T) {
	requires(t, asRoot, raisingLimits)
	var now unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &now); err != nil {
		t.Fatal(err)
	}
	c := Command("/bin/sh", "-c", "ulimit -Hn")
	c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	c.Attr = &Attr{Rlimits: []Rlimit{{unix.RLIMIT_NOFILE, 64, now.Max + 5}}}
	if got, want := outputOf(t, c), strconv.FormatUint(now.Max+5, 10)+"\n"; got != want {
		t.Errorf("hard limit = %q; want %q", got, want)
	}
}

func TestUmask(t *testing.T) {
	before := procField("/proc/self/status", "Umask")
	for want, mask := range map[string]*uint32{before: nil, "0000": mask(0), "0027": mask(0o27), "0777": mask(0o777)} {
		text := printed(t, nil, &Attr{Umask: mask}, "/bin/cat", "/proc/self/status")
		if got := fieldOf(text, "Umask"); got != want {
			t.Errorf("Umask = %s; want %s", got, want)
		}
	}
	if after := procField("/proc/self/status", "Umask"); after != before {
		t.Errorf("the parent's Umask = %s; want %s", after, before)
	}
}

func TestNoNewPrivs(t *testing.T) {
	for want, set := range map[string]bool{"0": false, "1": true} {
		text := printed(t, nil, &Attr{NoNewPrivs: set}, "/bin/cat", "/proc/self/status")
		if own := procField("/proc/self/status", "NoNewPrivs"); own != "0" {
			t.Skip("this process has no_new_privs itself")
		}
		if got := fieldOf(text, "NoNewPrivs"); got != want {
			t.Errorf("NoNewPrivs = %s; want %s", got, want)
		}
	}
}

func TestPersonality(t *testing.T) {
	for _, want := range []Personality{0, AddrNoRandomize, AddrNoRandomize | Linux32} {
		for _, init := range []*Init{nil, {}} {
			out := printed(t, nil, &Attr{Personality: &want, Init: init}, "cat", "/proc/self/personality")
			if got := strings.TrimSpace(out); got != fmt.Sprintf("%08x", uint32(want)) {
				t.Errorf("personality = %s; want %08x", got, uint32(want))
			}
		}
	}
	maps := func() string {
		return printed(t, nil, &Attr{Personality: persona(AddrNoRandomize)}, "grep", "stack", "/proc/self/maps")
	}
	if a, b := maps(), maps(); a != b {
		t.Errorf("the stack is at %s, then at %s; want it at the same place", a, b)
	}
}

func TestSessionKeyring(t *testing.T) {
	requires(t, keyrings)
	own, err := unix.KeyctlGetKeyringID(unix.KEY_SPEC_SESSION_KEYRING, false)
	if err != nil {
		t.Fatal(err)
	}
	sys := &syscall.SysProcAttr{}
	owner := uint32(os.Getuid())
	if os.Getuid() == 0 {
		owner = 65534
		sys.Credential = &syscall.Credential{Uid: owner, Gid: 65534}
	}
	for _, test := range []struct{ name, want string }{{"", "_ses"}, {"sprog test", "sprog test"}} {
		for _, init := range []*Init{nil, {}} {
			out := printed(t, sys, &Attr{SessionKeyring: &SessionKeyring{Name: test.name}, Init: init}, publicBinary(t), "keyring")
			var id int
			var description string
			fmt.Sscanf(out, "%d %q", &id, &description)
			if want := fmt.Sprintf("keyring;%d;", owner); id == own || !strings.HasPrefix(description, want) || !strings.HasSuffix(description, ";"+test.want) {
				t.Errorf("session keyring = %s; want another than %d, that is %s...%s", out, own, want, test.want)
			}
		}
	}
}

// keyring: print the session keyring and its description.
var _ = helper("keyring", func([]string) int {
	id, _ := unix.KeyctlGetKeyringID(unix.KEY_SPEC_SESSION_KEYRING, false)
	description, err := unix.KeyctlString(unix.KEYCTL_DESCRIBE, id)
	fmt.Printf("%d %q %v\n", id, description, err)
	return 0
})

// A label for a module that the kernel does not run is refused.
func TestExecLabelWithoutModule(t *testing.T) {
	for _, test := range []struct {
		module, there string
		label         ExecLabel
	}{
		{"SELinux", "/sys/fs/selinux/enforce", ExecLabel{SELinux: "a:b:c:s0"}},
		{"AppArmor", "/sys/module/apparmor", ExecLabel{AppArmor: "no such profile"}},
	} {
		err := (&Cmd{Path: "/bin/true", Attr: &Attr{ExecLabel: &test.label}}).Run()
		if err == nil || !strings.Contains(err.Error(), "(Attr.ExecLabel."+test.module+")") {
			t.Errorf("label for %s: %v; want an error about it", test.module, err)
		}
		if !exists(test.there) && (err == nil || !strings.HasSuffix(err.Error(), "the running kernel has no "+test.module+", or it is not enabled")) {
			t.Errorf("label for %s: %v; want that there is none", test.module, err)
		}
	}
}

// The program runs under a profile that is loaded, and the init does not. The
// profile is what apparmor_parser(8) makes of
// "profile sprog_test flags=(attach_disconnected) { file, capability, signal, unix, ptrace, }".
func TestAppArmorProfile(t *testing.T) {
	requires(t, asRoot, appArmor)
	profile, err := os.ReadFile("testdata/apparmor.bin")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(appArmorFiles+".replace", profile, 0); err != nil {
		t.Fatal(err)
	}
	defer os.WriteFile(appArmorFiles+".remove", []byte("sprog_test"), 0)
	for _, attr := range []*Attr{{}, {Init: &Init{}}} {
		attr.ExecLabel = &ExecLabel{AppArmor: "sprog_test"}
		sys := &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}, Chroot: "/"}
		out := printed(t, sys, attr, "/bin/sh", "-c", "cat /proc/self/attr/current; cat /proc/$PPID/attr/current")
		lines := strings.Split(out, "\n")
		if lines[0] != "sprog_test (enforce)" || attr.Init != nil && lines[1] != "unconfined" {
			t.Errorf("labels of the program and its parent: %q; want sprog_test (enforce), unconfined", lines)
		}
	}
}

const appArmorFiles = "/sys/kernel/security/apparmor/"

var appArmor = &requirement{what: "AppArmor", works: func() error { return unix.Access(appArmorFiles+".replace", unix.W_OK) }}

func sigText(set ...syscall.Signal) string {
	var bits uint64
	for _, sig := range set {
		bits |= 1 << (sig - 1)
	}
	return capText(bits)
}

func TestSignals(t *testing.T) {
	if !ownProcess(t, nil) {
		return
	}
	signal.Ignore(unix.SIGHUP, unix.SIGUSR1)
	for _, test := range []struct {
		name         string
		signals      Signals
		mask, ignore string
	}{
		{"nothing", Signals{}, sigText(), sigText(unix.SIGHUP, unix.SIGUSR1)},
		{"mask", Signals{Mask: []syscall.Signal{unix.SIGUSR1, 64, unix.SIGTERM}}, sigText(unix.SIGUSR1, 64, unix.SIGTERM), sigText(unix.SIGHUP, unix.SIGUSR1)},
		{"ignore", Signals{Ignore: []syscall.Signal{unix.SIGCHLD, 34, unix.SIGPIPE}}, sigText(), sigText(unix.SIGHUP, unix.SIGUSR1, unix.SIGCHLD, 34, unix.SIGPIPE)},
		{"default", Signals{Default: []syscall.Signal{unix.SIGHUP}}, sigText(), sigText(unix.SIGUSR1)},
		{"all default", Signals{AllDefault: true, Ignore: []syscall.Signal{unix.SIGINT}}, sigText(), sigText(unix.SIGINT)},
	} {
		for _, init := range []*Init{nil, {}} {
			t.Run(fmt.Sprint(test.name, init), func(t *testing.T) {
				wantStatusWith(t, nil, &Attr{Signals: &test.signals, Init: init}, map[string]string{"SigBlk": test.mask, "SigIgn": test.ignore})
			})
		}
	}
}

func TestMaskIsEmptied(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	set, old := unix.Sigset_t{Val: [16]uint64{oneBit(uint(unix.SIGUSR2) - 1)}}, unix.Sigset_t{}
	if err := unix.PthreadSigmask(unix.SIG_SETMASK, &set, &old); err != nil {
		t.Fatal(err)
	}
	defer unix.PthreadSigmask(unix.SIG_SETMASK, &old, nil)
	wantStatusWith(t, nil, &Attr{Signals: &Signals{}}, map[string]string{"SigBlk": sigText(unix.SIGUSR2)})
	wantStatusWith(t, nil, &Attr{Signals: &Signals{Mask: []syscall.Signal{}}}, map[string]string{"SigBlk": sigText()})
}

var casesOfSignals = []startCase{
	{"signals", nil, withAttr(&Attr{Signals: &Signals{
		Mask: []syscall.Signal{unix.SIGUSR1, 64}, Ignore: []syscall.Signal{unix.SIGPIPE, unix.SIGCHLD}, Default: []syscall.Signal{unix.SIGHUP},
	}})},
	{"signals of an init", nil, withAttr(&Attr{Init: &Init{}, Signals: &Signals{
		Mask: []syscall.Signal{}, Ignore: []syscall.Signal{unix.SIGCHLD}, AllDefault: true,
	}})},
}

var plansOfSignals = []planCase{
	{"signals", by(&Attr{Signals: &Signals{
		Mask: []syscall.Signal{unix.SIGUSR1, 64}, Ignore: []syscall.Signal{unix.SIGPIPE, 34}, Default: []syscall.Signal{unix.SIGHUP},
	}})},
	{"signals-all-default", by(&Attr{Signals: &Signals{
		Mask: []syscall.Signal{}, Ignore: []syscall.Signal{unix.SIGCHLD}, AllDefault: true,
	}, Init: &Init{}})},
}

var facetsOfSignals = []facet{
	{name: "signals",
		draw: func(r *rand.Rand, _ *testing.T, c *Cmd) {
			attr(c).Signals = &Signals{Mask: []syscall.Signal{unix.SIGUSR1, syscall.Signal(36 + r.IntN(20))}, Ignore: []syscall.Signal{unix.SIGINT}}
		},
		expect: func(c *Cmd) map[string]string { return seesStatus("SigBlk", sigText(c.Attr.Signals.Mask...)) }},
}

func TestBadSignals(t *testing.T) {
	signals := func(s Signals) func(*Cmd) { return by(&Attr{Signals: &s}) }
	list := func(sigs ...syscall.Signal) []syscall.Signal { return sigs }
	wantRefused(t, []badStart{
		{"KILL blocked", signals(Signals{Mask: list(1, 9)}), syscall.EINVAL, "SIGKILL (Attr.Signals.Mask[1]): cannot be blocked"},
		{"STOP ignored", signals(Signals{Ignore: list(unix.SIGSTOP)}), syscall.EINVAL, "SIGSTOP (Attr.Signals.Ignore[0]): cannot be ignored"},
		{"KILL to its default", signals(Signals{Default: list(unix.SIGKILL)}), syscall.EINVAL,
			"SIGKILL (Attr.Signals.Default[0]): has its default action always"},
		{"no signal", signals(Signals{Mask: list(0)}), syscall.EINVAL, "0 (Attr.Signals.Mask[0]): is no signal"},
		{"no signal to ignore", signals(Signals{Ignore: list(65)}), syscall.EINVAL, "65 (Attr.Signals.Ignore[0]): is no signal"},
		{"negative", signals(Signals{Default: list(-1)}), syscall.EINVAL, "-1 (Attr.Signals.Default[0]): is no signal"},
		{"ignored and default", signals(Signals{Ignore: list(1, 2), Default: list(3, 2)}), syscall.EINVAL,
			"SIGINT (Attr.Signals.Default[1]): is in Ignore too"},
	})
}
