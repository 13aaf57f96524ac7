//go:build amd64 || arm64

package sprog

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/cgroup"
	"github.com/sprog-dev/sprog/internal/kernel"
)

// A probe agrees with what a start comes to.
func TestProbe(t *testing.T) {
	flags := map[string]uintptr{
		"user-namespaces": unix.CLONE_NEWUSER, "mount-namespaces": unix.CLONE_NEWNS, "pid-namespaces": unix.CLONE_NEWPID,
		"net-namespaces": unix.CLONE_NEWNET, "ipc-namespaces": unix.CLONE_NEWIPC, "uts-namespaces": unix.CLONE_NEWUTS,
		"cgroup-namespaces": unix.CLONE_NEWCGROUP, "time-namespaces": unix.CLONE_NEWTIME,
	}
	before := heldNow(t)
	for _, f := range Features() {
		s := Probe(f.Name)
		if s.Answer != Yes && s.Reason == "" {
			t.Errorf("Probe(%q) = %v; want a reason", f.Name, s)
		}
		if flag, ok := flags[f.Name]; ok {
			sys := &syscall.SysProcAttr{Unshareflags: flag}
			if os.Geteuid() != 0 {
				sys.Unshareflags |= unix.CLONE_NEWUSER
			}
			err := (&Cmd{Path: "/bin/true", SysProcAttr: sys}).Run()
			if (err == nil) != (s.Answer == Yes) {
				t.Errorf("Probe(%q) = %v, but a start with it: %v", f.Name, s, err)
			}
		}
		t.Log(f.Name, s)
	}
	before.compare(t, "probing")
	if s := Probe("nonsense"); s.Answer != Unknown || s.Reason == "" {
		t.Errorf("Probe(nonsense) = %v; want %v with a reason", s, Unknown)
	}
}

// The list is complete and readable.
func TestFeatures(t *testing.T) {
	seen := map[string]bool{}
	for _, f := range Features() {
		var major, minor int
		if _, err := fmt.Sscanf(f.Since, "%d.%d", &major, &minor); err != nil || f.For == "" || seen[f.Name] {
			t.Errorf("feature %+v: incomplete, or there twice", f)
		}
		seen[f.Name] = true
		if strings.ToLower(f.Name) != f.Name || strings.ContainsAny(f.Name, " _") {
			t.Errorf("feature %q: not in small letters with hyphens", f.Name)
		}
	}
	b, err := json.Marshal(Support{Answer: No, Reason: "why"})
	if want := `{"answer":"no","reason":"why"}`; string(b) != want || err != nil {
		t.Errorf("a Support in JSON is %s, %v; want %s", b, err, want)
	}
}

// Every attribute is what some feature is for, or takes nothing that a kernel
// could refuse.
func TestFeaturesForAttributes(t *testing.T) {
	free := strings.Fields("SysProcAttr.Setsid SysProcAttr.Setpgid SysProcAttr.Setctty SysProcAttr.Noctty SysProcAttr.Ctty SysProcAttr.Foreground " +
		"SysProcAttr.Pgid SysProcAttr.GidMappingsEnableSetgroups SysProcAttr.CgroupFD Attr.DirFile Attr.UserNamespace Attr.RefuseUserNamespaces Attr.WaitFor Attr.Dirs Attr.LookPath Attr.Files Attr.Inherit Attr.InheritAll Attr.Signals Attr.Umask")
	for _, of := range []reflect.Type{reflect.TypeFor[syscall.SysProcAttr](), reflect.TypeFor[Attr]()} {
		for i := range of.NumField() {
			name := of.Name() + "." + of.Field(i).Name
			mentions := func(f Feature) bool {
				return strings.Contains(f.For+" ", name) || strings.Contains(f.For, of.Name()+".") && strings.Contains(f.For+",", ", "+of.Field(i).Name+",")
			}
			switch found := slices.ContainsFunc(Features(), mentions); {
			case !found && !slices.Contains(free, name):
				t.Errorf("no feature is for %s", name)
			case found && slices.Contains(free, name):
				t.Errorf("%s is said to take nothing, but a feature is for it", name)
			}
		}
	}
}

// A call that a filter answers with ENOSYS is not there.
func TestProbeWithout(t *testing.T) {
	if !ownProcess(t, nil) {
		return
	}
	doWithout(t, []string{"clone3", "close_range", "pidfd_open", "execveat"})
	for _, name := range []string{"clone3", "clone-into-cgroup", "close-range", "pidfd", "execveat"} {
		if s := Probe(name); s.Answer != No || !strings.Contains(s.Reason, "not implemented") {
			t.Errorf("without the call, Probe(%q) = %v; want %v", name, s, No)
		}
	}
}

// oracles are the features with what they are for, in the words of a caller. A
// probe is right if it says of a start what becomes of the real one.
var oracles = map[string]func(c *Cmd){
	"executable-memfd":    func(c *Cmd) { attr(c).THPDisable = THPDisableCompletely },
	"chroot":              func(c *Cmd) { sys(c).Chroot = "/" },
	"personality":         func(c *Cmd) { attr(c).Personality = persona(AddrNoRandomize) },
	"child-subreaper":     func(c *Cmd) { attr(c).Init = &Init{} },
	"parent-death-signal": func(c *Cmd) { sys(c).Pdeathsig = unix.SIGTERM },

	"user-namespaces":   func(c *Cmd) { sys(c).Cloneflags |= unix.CLONE_NEWUSER },
	"id-maps":           mapToRoot,
	"subordinate-ids":   func(c *Cmd) { mapToRoot(c); attr(c).IDMap = &IDMap{Subordinate: SubordinateIDsFill, Helpers: true} },
	"mount-namespaces":  func(c *Cmd) { sys(c).Cloneflags |= unix.CLONE_NEWNS },
	"pid-namespaces":    func(c *Cmd) { sys(c).Cloneflags |= unix.CLONE_NEWPID },
	"net-namespaces":    func(c *Cmd) { sys(c).Cloneflags |= unix.CLONE_NEWNET },
	"ipc-namespaces":    func(c *Cmd) { sys(c).Cloneflags |= unix.CLONE_NEWIPC },
	"uts-namespaces":    func(c *Cmd) { sys(c).Cloneflags |= unix.CLONE_NEWUTS },
	"cgroup-namespaces": func(c *Cmd) { sys(c).Cloneflags |= unix.CLONE_NEWCGROUP },
	"time-namespaces":   func(c *Cmd) { sys(c).Unshareflags |= unix.CLONE_NEWTIME },
	"mounts":            func(c *Cmd) { inView(c, 0, Mount{Target: "/tmp", Tmpfs: &Tmpfs{}}) },
	"mounts-recursive":  func(c *Cmd) { inView(c, MountReadOnly) },
	"view-user":         func(c *Cmd) { mapToRoot(c); inView(c, 0, Mount{Target: "/tmp", Tmpfs: &Tmpfs{}}) },
	"proc-fresh":        func(c *Cmd) { mapToRoot(c); inView(c, 0, Mount{Target: "/proc", Proc: &Proc{}}) },
	"idmap-mount": func(c *Cmd) {
		inView(c, 0, Mount{Target: "/tmp", Bind: "/", Shallow: true, IDMap: &MountIDMap{UIDs: []IDRange{{0, 7, 1}}, GIDs: []IDRange{{0, 7, 1}}}})
	},
	"overlay-user": func(c *Cmd) {
		mapToRoot(c)
		inView(c, 0, Mount{Target: "/tmp", Overlay: &Overlay{Lower: []string{"/usr", "/etc"}, Private: true}})
	},
	"namespace-ids": func(c *Cmd) { attr(c).ReportNamespaces = PIDNamespace | NetworkNamespace },
	"hostname":      func(c *Cmd) { sys(c).Cloneflags |= unix.CLONE_NEWUTS; attr(c).Hostname = "oracle" },
	"sysctls": func(c *Cmd) {
		sys(c).Cloneflags |= unix.CLONE_NEWIPC
		attr(c).Sysctls = []Sysctl{{"kernel.shmmni", "99"}}
	},
	"loopback": func(c *Cmd) { sys(c).Cloneflags |= unix.CLONE_NEWNET; attr(c).Loopback = true },
	"net-sockets": func(c *Cmd) {
		sys(c).Cloneflags |= unix.CLONE_NEWNET
		attr(c).Sockets, attr(c).Meet = netlinkSocket, closeSockets
	},
	"time-offsets": func(c *Cmd) {
		sys(c).Unshareflags |= unix.CLONE_NEWTIME
		attr(c).TimeOffsets = &TimeOffsets{Monotonic: time.Hour}
	},
	"forbid-user-namespaces": func(c *Cmd) { mapToRoot(c); attr(c).ForbidUserNamespaces = true },

	"other-users": func(c *Cmd) {
		sys(c).Credential = &syscall.Credential{Uid: otherThan(os.Geteuid()), Gid: uint32(os.Getegid()), NoSetGroups: true}
	},
	"other-groups": func(c *Cmd) {
		sys(c).Credential = &syscall.Credential{Uid: uint32(os.Geteuid()), Gid: otherThan(os.Getegid())}
	},
	"no-new-privs":         func(c *Cmd) { attr(c).NoNewPrivs = true },
	"bounding-set":         func(c *Cmd) { attr(c).Caps = &Caps{Bounding: CapSet{Drop: []string{"sys_boot", "chown"}}} },
	"ambient-capabilities": func(c *Cmd) { sys(c).AmbientCaps = []uintptr{someCap(c)} },
	"securebits":           func(c *Cmd) { attr(c).Securebits = &Securebits{Add: []string{"no-cap-ambient-raise"}} },
	"session-keyrings":     func(c *Cmd) { attr(c).SessionKeyring = &SessionKeyring{} },
	"selinux":              func(c *Cmd) { attr(c).ExecLabel = &ExecLabel{SELinux: "unconfined_u:unconfined_r:unconfined_t:s0"} },
	"apparmor":             func(c *Cmd) { attr(c).ExecLabel = &ExecLabel{AppArmor: "unconfined"} },

	"raise-limits": func(c *Cmd) {
		attr(c).Rlimits = []Rlimit{{Resource: unix.RLIMIT_MSGQUEUE, Cur: 0, Max: 0}, {Resource: unix.RLIMIT_MSGQUEUE, Cur: 10, Max: 10}}
	},
	"lower-nice":         func(c *Cmd) { attr(c).Nice = new(-3) },
	"real-time-policies": func(c *Cmd) { attr(c).Scheduler = &Scheduler{Policy: SchedRR, Priority: 1} },
	"deadline-policy":    func(c *Cmd) { attr(c).Scheduler = someDeadline },
	"extensible-policy":  func(c *Cmd) { attr(c).Scheduler = &Scheduler{Policy: SchedExt} },
	"utilisation-clamps": func(c *Cmd) { attr(c).Scheduler = &Scheduler{UtilMax: new(1024)} },
	"cpu-affinity":       func(c *Cmd) { attr(c).CPUs = oneCPU() },
	"core-scheduling":    func(c *Cmd) { attr(c).CoreSched = &CoreSched{} },
	"io-priorities":      func(c *Cmd) { attr(c).IOPriority = &IOPriority{Class: IOIdle} },
	"real-time-io":       func(c *Cmd) { attr(c).IOPriority = &IOPriority{Class: IORealTime, Level: 7} },
	"timer-slack":        func(c *Cmd) { attr(c).TimerSlack = time.Microsecond },

	"numa":               func(c *Cmd) { attr(c).NUMA = &NUMA{Mode: NUMALocal} },
	"oom-score":          func(c *Cmd) { attr(c).OOMScoreAdj = new(999) },
	"oom-protection":     func(c *Cmd) { attr(c).OOMScoreAdj = new(-999) },
	"huge-pages-off":     func(c *Cmd) { attr(c).THPDisable = THPDisableCompletely },
	"huge-pages-advised": func(c *Cmd) { attr(c).THPDisable = THPDisableExceptAdvised },
	"coredump-filter":    func(c *Cmd) { attr(c).CoredumpFilter = new(DumpELFHeaders) },
	"memory-merge":       func(c *Cmd) { attr(c).MemoryMerge = true },
	"mdwe":               func(c *Cmd) { attr(c).MDWE = true },

	"landlock":          landlocked(&Landlock{ABI: 1, Files: &LandlockFiles{Handled: LandlockMakeDir}}),
	"landlock-refer":    landlocked(&Landlock{Files: &LandlockFiles{Handled: LandlockRefer}}),
	"landlock-truncate": landlocked(&Landlock{Files: &LandlockFiles{Handled: LandlockTruncate}}),
	"landlock-ports":    landlocked(&Landlock{Ports: &LandlockPorts{Handled: LandlockConnectTCP}}),
	"landlock-ioctl":    landlocked(&Landlock{Files: &LandlockFiles{Handled: LandlockIoctlDev}}),
	"landlock-scopes":   landlocked(&Landlock{Scopes: LandlockScopeAbstractUnixSocket}),
	"landlock-log":      landlocked(&Landlock{Scopes: LandlockScopeSignal, Log: LandlockLogNewExecOn}),
	"landlock-unix":     landlocked(&Landlock{Files: &LandlockFiles{Handled: LandlockResolveUnix}}),
	"landlock-udp":      landlocked(&Landlock{Ports: &LandlockPorts{Handled: LandlockConnectSendUDP}}),

	"seccomp":               filtering(Seccomp{Default: SeccompAllow, Rules: []SeccompRule{{Names: []string{"reboot"}, Action: SeccompErrno}}}),
	"seccomp-log":           filtering(Seccomp{Default: SeccompAllow, Rules: []SeccompRule{{Names: []string{"reboot"}, Action: SeccompErrno}}, Log: true}),
	"seccomp-spec-allow":    filtering(Seccomp{Default: SeccompAllow, Rules: []SeccompRule{{Names: []string{"reboot"}, Action: SeccompErrno}}, SpecAllow: true}),
	"seccomp-listener":      filtering(Seccomp{Default: SeccompAllow, Rules: []SeccompRule{{Names: []string{"reboot"}, Action: SeccompNotify}}}),
	"seccomp-wait-killable": filtering(Seccomp{Default: SeccompAllow, Rules: []SeccompRule{{Names: []string{"reboot"}, Action: SeccompNotify}}, WaitKillable: true}),

	"cgroup2": func(c *Cmd) { attr(c).Cgroup = &Cgroup{} },
	"cgroup1": func(c *Cmd) { attr(c).CgroupV1 = []string{v1Of("freezer", "memory", "cpu", "name=systemd")} },
}

// otherOracles are those that are no start of their own, or a special one.
var otherOracles = map[string]func(program string) error{
	"clone3": func(string) error { // EINVAL says that it is there
		_, _, errno := unix.RawSyscall(unix.SYS_CLONE3, 0, 0, 0)
		return unless(errno, unix.EINVAL)
	},
	"close-range": func(string) error { return unix.CloseRange(1<<30, 1<<30, unix.CLOSE_RANGE_CLOEXEC) },
	"execveat": func(string) error {
		empty := []byte{0}
		_, _, errno := unix.RawSyscall6(unix.SYS_EXECVEAT, ^uintptr(0), uintptr(unsafe.Pointer(&empty[0])), 0, 0, unix.AT_EMPTY_PATH, 0)
		return unless(errno, unix.EBADF)
	},
	"pidfd": func(program string) error {
		fd := -1
		c := oracleCommand(program)
		c.SysProcAttr = &syscall.SysProcAttr{PidFD: &fd}
		err := c.Run()
		if err == nil && fd < 0 {
			err = errors.New("no pidfd")
		}
		unix.Close(fd)
		return err
	},
	"ptrace": func(program string) error {
		c := oracleCommand(program)
		c.SysProcAttr = &syscall.SysProcAttr{Ptrace: true}
		err := c.Start()
		if err == nil {
			c.Process.Kill()
			c.Wait()
		}
		return err
	},
	"pseudo-terminals": func(program string) error {
		c := oracleCommand(program)
		tty, err := c.StartPTY(WindowSize{})
		if err == nil {
			tty.Close()
			c.Wait()
		}
		return err
	},
	"own-proc": func(program string) error {
		c := oracleCommand(program)
		err := c.Start()
		if err == nil {
			_, err = c.KillTree()
			c.Wait()
		}
		return err
	},
	"join-namespaces": joinOracle,
	"clone-into-cgroup": func(string) error {
		args := [11]uint64{0: 0x200000000, 4: uint64(unix.SIGCHLD), 10: 1 << 30}
		_, _, errno := unix.RawSyscall(unix.SYS_CLONE3, uintptr(unsafe.Pointer(&args)), 88, 0)
		return unless(errno, unix.EBADF)
	},
	"cgroup-kill": func(program string) error {
		c := oracleCommand(program)
		c.Attr = &Attr{Cgroup: &Cgroup{Keep: true}}
		if err := c.Run(); err != nil {
			return err
		}
		g := c.Birth.Cgroup
		_, err := os.Stat(filepath.Join(g.Path(), "cgroup.kill"))
		return errors.Join(err, g.Remove())
	},
	"cgroup-cpu":    limited(Cgroup{CPUWeight: 50}),
	"cgroup-cpuset": limited(Cgroup{CPUs: "0"}),
	"cgroup-memory": limited(Cgroup{MemoryMax: 1 << 30}),
	"cgroup-io":     limited(Cgroup{IOWeight: 50}),
	"cgroup-pids":   limited(Cgroup{PidsMax: 1000}),
}

func mapToRoot(c *Cmd) {
	sys(c).Cloneflags |= unix.CLONE_NEWUSER
	sys(c).UidMappings, sys(c).GidMappings = idOf(0, os.Geteuid()), idOf(0, os.Getegid())
}

// otherThan is an id that is not this one, nor root's.
func otherThan(own int) uint32 {
	if own != 1 {
		return 1
	}
	return 2
}

// someCap is a capability that the child can have.
func someCap(c *Cmd) uintptr {
	for n := range uintptr(unix.CAP_LAST_CAP) {
		if sys(c).Cloneflags&unix.CLONE_NEWUSER != 0 || kernel.HasCap(int(n)) {
			return n
		}
	}
	return 0
}

func oneCPU() []int {
	var set unix.CPUSet
	unix.SchedGetaffinity(0, &set)
	for n := range 1024 {
		if set.IsSet(n) {
			return []int{n}
		}
	}
	return []int{0}
}

func landlocked(l *Landlock) func(*Cmd) {
	return func(c *Cmd) { attr(c).Landlock, attr(c).NoNewPrivs = l, true }
}

func filtering(s Seccomp) func(*Cmd) {
	return func(c *Cmd) { attr(c).Seccomp, attr(c).NoNewPrivs = &s, true }
}

// limited is only for what is refused: a start that is not would enable the
// controller for good.
func limited(g Cgroup) func(string) error {
	return func(program string) error {
		if os.Getenv(enablesVar) == "" {
			return errNotTried
		}
		c := oracleCommand(program)
		c.Attr = &Attr{Cgroup: &g}
		return c.Run()
	}
}

const enablesVar = "SPROG_TEST_ENABLES"

var errNotTried = errors.New("not tried")

// v1Of is the directory of the first of these hierarchies that there is.
func v1Of(names ...string) string {
	for _, name := range names {
		_, rest, ok := strings.Cut(readText("/proc/self/cgroup"), ":"+name+":")
		if dir := "/sys/fs/cgroup/" + strings.TrimPrefix(name, "name="); ok && exists(dir) {
			p, _, _ := strings.Cut(rest, "\n")
			return filepath.Join(dir, p)
		}
	}
	return "/sys/fs/cgroup"
}

func readText(file string) string {
	b, _ := os.ReadFile(file)
	return string(b)
}

func unless(errno, expected syscall.Errno) error {
	if errno == expected {
		return nil
	}
	return errno
}

// joinOracle joins a container of this user's.
func joinOracle(program string) error {
	holder := &Cmd{Path: os.Args[0], Args: []string{"holder", "cat"}, Env: []string{helperEnv}, SysProcAttr: &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWUTS}}
	if !kernel.HasCap(unix.CAP_SYS_ADMIN) {
		holder.SysProcAttr.Cloneflags |= unix.CLONE_NEWUSER
	}
	in, err := holder.StdinPipe()
	if err != nil {
		return err
	}
	if err := holder.Start(); err != nil {
		return err
	}
	defer holder.Wait()
	defer in.Close()
	kinds := UTSNamespace
	if !kernel.HasCap(unix.CAP_SYS_ADMIN) {
		kinds |= UserNamespace
	}
	c := oracleCommand(program)
	c.Attr = &Attr{Join: []Namespace{{PID: holder.Process.Pid, Kinds: kinds}}}
	return c.Run()
}

func oracleCommand(program string) *Cmd { return &Cmd{Path: program, Args: []string{"true"}} }

// An oracleLine is what a probe and the real starts came to.
type oracleLine struct {
	Name          string
	Answer        string
	Reason        string
	Plain, Inside string // "" for success
}

// oracle PROGRAM: for each feature, print what its probe says, and what becomes
// of starts.
var _ = helper("oracle", func(args []string) int {
	out := json.NewEncoder(os.Stdout)
	for _, f := range Features() {
		s := Probe(f.Name)
		line := oracleLine{Name: f.Name, Answer: s.Answer.String(), Reason: s.Reason}
		if other := otherOracles[f.Name]; other != nil {
			line.Plain = outcomeText(other(args[0]))
			line.Inside = line.Plain
		} else if prepare := oracles[f.Name]; prepare != nil {
			line.Plain, line.Inside = oracleStart(prepare, args[0], nil), oracleStart(prepare, args[0], mapToRoot)
			if line.Inside != "" {
				line.Inside = oracleStart(prepare, args[0], oracles["user-namespaces"])
			}
		} else {
			line.Plain = "no oracle"
		}
		out.Encode(line)
	}
	return 0
})

func oracleStart(prepare func(*Cmd), program string, inside func(*Cmd)) string {
	c := oracleCommand(program)
	if inside != nil {
		inside(c)
	}
	prepare(c)
	err := c.Run()
	if c.Birth.SeccompListener != nil {
		c.Birth.SeccompListener.Close()
	}
	return outcomeText(err)
}

func outcomeText(err error) string {
	if err != nil {
		return err.Error()
	}
	return ""
}

// An oracleCase is somewhere to ask in.
type oracleCase struct {
	name    string
	needs   []*requirement
	prepare func(t *testing.T, c *exec.Cmd)
}

var oracleCases = []oracleCase{
	{name: "here"},
	{name: "ordinary user", needs: []*requirement{asRoot}, prepare: asNobody},
	{name: "no capabilities", needs: []*requirement{asRoot, setpriv}, prepare: func(t *testing.T, c *exec.Cmd) {
		within(c, "setpriv", "--bounding-set=-all", "--inh-caps=-all", "--ambient-caps=-all")
	}},
	{name: "root in a user namespace", needs: []*requirement{userNamespaces}, prepare: func(t *testing.T, c *exec.Cmd) {
		c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWUSER, UidMappings: uidToRoot, GidMappings: gidToRoot}
	}},
	{name: "user without user namespaces", needs: []*requirement{userNamespaces}, prepare: func(t *testing.T, c *exec.Cmd) {
		c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWUSER, UidMappings: uidToRoot, GidMappings: gidToRoot}
		within(c, "sh", "-c", `echo 0 >/proc/sys/user/max_user_namespaces && exec "$@"`, "sh")
	}},
	{name: "chroot", needs: []*requirement{asRoot}, prepare: func(t *testing.T, c *exec.Cmd) {
		inMounts(c, `mount --rbind / "$0" && exec chroot "$0" "$@"`, t.TempDir())
	}},
	{name: "chroot without /proc", needs: []*requirement{asRoot}, prepare: func(t *testing.T, c *exec.Cmd) {
		inMounts(c, `mount --bind / "$0" && mount --bind /tmp "$0/tmp" && mount --bind /dev "$0/dev" && exec chroot "$0" "$@"`, t.TempDir())
	}},
	{name: "PID namespace with the old /proc", needs: []*requirement{asRoot}, prepare: func(t *testing.T, c *exec.Cmd) {
		c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWPID}
	}},
	{name: "container", needs: []*requirement{asRoot, setpriv}, prepare: func(t *testing.T, c *exec.Cmd) { inContainer(c, "") }},
	{name: "container with the profile of podman", needs: []*requirement{asRoot, setpriv, profileOfPodman}, prepare: func(t *testing.T, c *exec.Cmd) {
		inContainer(c, podmanProfile)
	}},
	{name: "user in a container", needs: []*requirement{asRoot, setpriv}, prepare: func(t *testing.T, c *exec.Cmd) {
		inContainer(c, "", "setpriv", "--reuid=1", "--regid=1", "--clear-groups")
	}},
	{name: "read-only /proc/sys", needs: []*requirement{asRoot}, prepare: func(t *testing.T, c *exec.Cmd) {
		inMounts(c, `mount --bind /proc/sys /proc/sys && mount -o remount,bind,ro /proc/sys && exec "$@"`, "sh")
	}},
	{name: "no new privileges", needs: []*requirement{asRoot, setpriv}, prepare: func(t *testing.T, c *exec.Cmd) {
		within(c, "setpriv", "--no-new-privs", "--reuid=1", "--regid=1", "--clear-groups")
	}},
	{name: "net namespace", needs: []*requirement{asRoot, setpriv}, prepare: func(t *testing.T, c *exec.Cmd) {
		c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNET}
		within(c, "setpriv", "--bounding-set=-all", "--inh-caps=-all", "--ambient-caps=-all", "--reuid=1")
	}},
}

// Within has a command be run by another one.
func within(c *exec.Cmd, outer ...string) {
	path, err := exec.LookPath(outer[0])
	if err != nil {
		panic(err)
	}
	c.Args = append(append(outer, c.Path), c.Args[1:]...)
	c.Path = path
}

// inMounts has a script with mounts of its own run it.
func inMounts(c *exec.Cmd, script, zero string) {
	c.SysProcAttr = &syscall.SysProcAttr{Unshareflags: unix.CLONE_NEWNS}
	within(c, "sh", "-ec", script, zero)
}

func asNobody(t *testing.T, c *exec.Cmd) {
	c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
}

// Wherever a probe is asked, it says what becomes of starts there.
func TestProbeOracle(t *testing.T) {
	program := publicBinary(t)
	for _, test := range drawn(t, oracleCases) {
		t.Run(test.name, func(t *testing.T) {
			requires(t, test.needs...)
			c := exec.Command(program, "oracle", "/bin/true")
			if test.prepare != nil {
				test.prepare(t, c)
			}
			compareOracle(t, c)
		})
	}
}

func compareOracle(t *testing.T, c *exec.Cmd) {
	t.Helper()
	var errs strings.Builder
	c.Dir, c.Stderr = "/", &errs
	out, err := c.Output()
	if err != nil {
		t.Fatalf("%v\n%s%s", err, out, errs.String())
	}
	lines := json.NewDecoder(strings.NewReader(string(out)))
	n := 0
	for ; lines.More(); n++ {
		var l oracleLine
		if err := lines.Decode(&l); err != nil {
			t.Fatal(err)
		}
		if why := l.wrong(); why != "" {
			t.Errorf("Probe(%q) = %s, %q; a start: %q, in a user namespace: %q: %s", l.Name, l.Answer, l.Reason, l.Plain, l.Inside, why)
		}
		if l.Answer != "yes" || l.Reason != "" {
			t.Logf("%-8s%-24s%s", l.Answer, l.Name, l.Reason)
		}
	}
	if n != len(Features()) {
		t.Errorf("%d answers; want %d\n%s", n, len(Features()), errs.String())
	}
}

// wrong says what does not fit.
func (l oracleLine) wrong() string {
	switch plain, inside := l.Plain == "", l.Inside == ""; {
	case l.Plain == "no oracle":
		return "the feature has no oracle"
	case l.Plain == errNotTried.Error():
		return ""
	case l.Answer == "unknown":
		return "it could be known"
	case l.Answer == "yes" && l.Reason == "" && !plain:
		return "the start should have succeeded"
	case l.Answer == "yes" && l.Reason != "" && (plain && l.Plain != l.Inside || !inside):
		return "the condition is wrong"
	case l.Answer == "no" && (plain || inside):
		return "it should not have succeeded"
	case l.Answer != "yes" && l.Reason == "":
		return "there should be a reason"
	}
	return ""
}

// What is said of controllers is right for a process in whose cgroup there are
// others, and for one whose cgroup is a leaf below the one to be used.
func TestProbeCgroupControllers(t *testing.T) {
	requires(t, asRoot, cgroup2)
	program := publicBinary(t)
	for _, leaf := range []string{"", cgroup.Leaf} {
		t.Run("in "+leaf, func(t *testing.T) {
			dir := filepath.Join(newCgroup(t).Name(), leaf)
			if leaf != "" {
				if err := os.Mkdir(dir, 0o755); err != nil {
					t.Fatal(err)
				}
				defer os.Remove(dir)
			}
			c := exec.Command(program, "oracle", "/bin/true")
			within(c, "sh", "-c", `echo $$ >"$0/cgroup.procs" && exec "$@"`, dir)
			if leaf != "" { // what is enabled goes with the cgroup above
				c.Env = append(os.Environ(), enablesVar+"=1")
			}
			compareOracle(t, c)
		})
	}
}

// inView shows the host to the command, with flags and mounts.
func inView(c *Cmd, flags MountFlags, mounts ...Mount) {
	sys(c).Cloneflags |= unix.CLONE_NEWNS | unix.CLONE_NEWPID
	attr(c).Root, attr(c).Mounts = &Root{Host: true, Flags: flags}, mounts
}

// containerCaps are the capabilities that docker leaves to a container's root.
var containerCaps = []string{"chown", "dac_override", "fowner", "fsetid", "kill", "setgid", "setuid", "setpcap",
	"net_bind_service", "net_raw", "sys_chroot", "mknod", "audit_write", "setfcap"}

// containerFilter denies what the filters of container engines deny to
// containers with these capabilities, as far as a start comes by it: some calls
// by their arguments, some as if the kernel did not have them.
func containerFilter() *Seccomp {
	const namespaces = unix.CLONE_NEWNS | unix.CLONE_NEWCGROUP | unix.CLONE_NEWUTS | unix.CLONE_NEWIPC | unix.CLONE_NEWUSER | unix.CLONE_NEWPID | unix.CLONE_NEWNET
	s := &Seccomp{Default: SeccompAllow}
	deny := func(errno unix.Errno, names ...string) {
		s.Rules = append(s.Rules, SeccompRule{Names: names, Action: SeccompErrno, Errno: new(uint16(errno))})
	}
	deny(unix.EPERM, "unshare", "setns", "mount", "umount2", "keyctl", "add_key", "set_mempolicy", "sethostname", "setdomainname", "bpf")
	deny(unix.ENOSYS, "clone3")
	for bit := uint64(1); bit <= namespaces; bit <<= 1 {
		if namespaces&bit != 0 {
			s.Rules = append(s.Rules, SeccompRule{Names: []string{"clone"}, Action: SeccompErrno,
				Args: []SeccompArg{{Index: 0, Op: SeccompMaskedEQ, Mask: bit, Value: bit}}})
		}
	}
	for _, known := range []uint64{0, 8, 0x20000, 0x20008, 0xffffffff} {
		s.Rules = append(s.Rules, SeccompRule{Names: []string{"personality"}, Action: SeccompAllow,
			Args: []SeccompArg{{Index: 0, Op: SeccompEQ, Value: known}}})
	}
	deny(unix.EPERM, "personality")
	return s
}

// podmanProfile is the seccomp profile that podman has by default. It is in the
// form that docker's has, which is not quite the OCI's.
const podmanProfile = "/usr/share/containers/seccomp.json"

var profileOfPodman = &requirement{what: "the seccomp profile of podman", works: func() error {
	_, err := os.Stat(podmanProfile)
	return err
}}

type engineRule struct {
	Names    []string
	Action   SeccompAction
	ErrnoRet *uint16
	Args     []struct {
		Index           int
		Value, ValueTwo uint64
		Op              SeccompOp
	}
	Includes, Excludes struct{ Caps, Arches []string }
}

// engineFilter reads a profile of that form, for a container with these
// capabilities.
func engineFilter(file string) (*Seccomp, error) {
	var profile struct {
		DefaultAction   SeccompAction
		DefaultErrnoRet *uint16
		Syscalls        []engineRule
	}
	text, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(text, &profile)
	}
	s := &Seccomp{Default: profile.DefaultAction, DefaultErrno: profile.DefaultErrnoRet}
	for _, r := range profile.Syscalls {
		if !r.applies() {
			continue
		}
		rule := SeccompRule{Names: r.Names, Action: r.Action, Errno: r.ErrnoRet}
		if r.Action != SeccompErrno {
			rule.Errno = nil
		}
		for _, a := range r.Args {
			arg := SeccompArg{Index: a.Index, Op: a.Op, Value: a.Value}
			if a.Op == SeccompMaskedEQ {
				arg.Mask, arg.Value = a.Value, a.ValueTwo
			}
			rule.Args = append(rule.Args, arg)
		}
		s.Rules = append(s.Rules, rule)
	}
	slices.SortStableFunc(s.Rules, func(a, b SeccompRule) int { return min(len(a.Args), 1) - min(len(b.Args), 1) })
	return s, err
}

func (r *engineRule) applies() bool {
	has := func(name string) bool {
		return slices.Contains(containerCaps, strings.ToLower(strings.TrimPrefix(name, "CAP_")))
	}
	lacks := func(name string) bool { return !has(name) }
	return !slices.ContainsFunc(r.Includes.Caps, lacks) && !slices.ContainsFunc(r.Excludes.Caps, has) &&
		(len(r.Includes.Arches) == 0 || slices.Contains(r.Includes.Arches, runtime.GOARCH)) && !slices.Contains(r.Excludes.Arches, runtime.GOARCH)
}

// container PROFILE PROGRAM ARG...: execute a program with the filter and the
// rights of a container. The filter comes first, as in container engines: it
// takes a right that goes.
var _ = helper("container", func(args []string) int {
	filter, err := containerFilter(), error(nil)
	if args[0] != "" {
		filter, err = engineFilter(args[0])
	}
	if err == nil {
		argv := append([]string{"--bounding-set=-all,+" + strings.Join(containerCaps, ",+"), "--inh-caps=-all", "--ambient-caps=-all"}, args[1:]...)
		c := Command("setpriv", argv...)
		c.Stdin, c.Stdout, c.Stderr, c.Attr = os.Stdin, os.Stdout, os.Stderr, &Attr{Seccomp: filter}
		err = c.Exec()
	}
	fmt.Fprintln(os.Stderr, err)
	return 1
})

// inContainer has a command run in what is left of the system in a container of
// docker's, perhaps by another program there.
func inContainer(c *exec.Cmd, profile string, outer ...string) {
	if outer != nil {
		within(c, outer...)
	}
	c.Args = append([]string{"container", "container", profile, c.Path}, c.Args[1:]...)
	c.Path = testBinary()
	inMounts(c, `
		for dir in sys bus fs irq; do mount --bind /proc/$dir /proc/$dir && mount -o remount,bind,ro /proc/$dir; done
		for file in kcore keys timer_list sched_debug; do [ ! -e /proc/$file ] || mount --bind /dev/null /proc/$file; done
		mount -o remount,bind,ro /sys
		exec "$@"`, "sh")
}
