//go:build amd64 || arm64

package sprog

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/program"
	"github.com/sprog-dev/sprog/internal/spec"
)

// kinds are the namespaces, by their name in /proc/self/ns.
var kinds = []struct {
	name string
	flag uintptr
}{
	{"mnt", syscall.CLONE_NEWNS},
	{"uts", syscall.CLONE_NEWUTS},
	{"ipc", syscall.CLONE_NEWIPC},
	{"user", syscall.CLONE_NEWUSER},
	{"pid", syscall.CLONE_NEWPID},
	{"net", syscall.CLONE_NEWNET},
	{"cgroup", syscall.CLONE_NEWCGROUP},
	{"time", syscall.CLONE_NEWTIME},
}

// privileged adds a user namespace to the flags where it takes one to make the
// other namespaces.
func privileged(t *testing.T, flags uintptr) uintptr {
	t.Helper()
	if os.Geteuid() == 0 {
		return flags
	}
	requires(t, userNamespaces)
	return flags | syscall.CLONE_NEWUSER
}

func TestCloneflags(t *testing.T) {
	for _, kind := range kinds {
		t.Run(kind.name, func(t *testing.T) {
			requires(t, namespace(kind.name))
			wantNamespace(t, kind.name, "exec readlink /proc/self/ns/"+kind.name, &syscall.SysProcAttr{Cloneflags: privileged(t, kind.flag)})
		})
	}
}

func TestUnshareflags(t *testing.T) {
	// A process that unshares its PID namespace stays in the old one, as it
	// does in the old time namespace with older kernels, where only a fork
	// without shared memory gets into the new one.
	scripts := map[string]string{
		"pid":  "readlink /proc/self/ns/pid; exit",
		"time": "readlink /proc/self/ns/time_for_children",
	}
	for _, kind := range kinds {
		t.Run(kind.name, func(t *testing.T) {
			requires(t, namespace(kind.name))
			script := scripts[kind.name]
			if script == "" {
				script = "readlink /proc/self/ns/" + kind.name
			}
			if kind.name != "pid" {
				script = "exec " + script
			}
			wantNamespace(t, kind.name, script, &syscall.SysProcAttr{Unshareflags: privileged(t, kind.flag)})
		})
	}
}

// wantNamespace wants a script, which prints the namespace that it is in, to
// be in one that is not ours.
func wantNamespace(t *testing.T, name, script string, sys *syscall.SysProcAttr) {
	t.Helper()
	path := "/proc/self/ns/" + name
	ours, err := os.Readlink(path)
	if err != nil {
		t.Fatal(err)
	}
	got := strings.TrimSpace(printed(t, sys, nil, "/bin/sh", "-c", script))
	if got == ours || !strings.HasPrefix(got, name+":[") {
		t.Errorf("%s: %s = %q; want a new one, not %q", script, path, got, ours)
	}
	if after, _ := os.Readlink(path); after != ours {
		t.Errorf("%s of this process = %q; want %q as before", path, after, ours)
	}
}

// All of them at once, each way.
func TestAllNamespaces(t *testing.T) {
	requires(t, userNamespaces, namespace("time"))
	for name, sys := range map[string]*syscall.SysProcAttr{
		"born":     {Cloneflags: allNamespaces},
		"unshared": {Unshareflags: allNamespaces},
	} {
		got := strings.Fields(printed(t, sys, nil, "readlink", "/proc/self/ns/user", "/proc/self/ns/net", "/proc/self/ns/mnt"))
		for i, file := range []string{"user", "net", "mnt"} {
			if ours, _ := os.Readlink("/proc/self/ns/" + file); len(got) != 3 || got[i] == ours {
				t.Errorf("%s: namespaces %q; want new ones", name, got)
			}
		}
	}
}

func TestNewPidNamespaceMakesPid1(t *testing.T) {
	sys := &syscall.SysProcAttr{Cloneflags: privileged(t, syscall.CLONE_NEWPID)}
	if got := printed(t, sys, nil, "/bin/sh", "-c", "echo $$ $PPID"); got != "1 0\n" {
		t.Errorf("pid and parent = %q; want 1 0", got)
	}
}

// What is mounted in an unshared mount namespace stays there, although / may
// be shared.
func TestUnsharedMountsArePrivate(t *testing.T) {
	dir := t.TempDir()
	sys := &syscall.SysProcAttr{Unshareflags: privileged(t, syscall.CLONE_NEWNS)}
	if sys.Unshareflags&syscall.CLONE_NEWUSER != 0 {
		sys.UidMappings, sys.GidMappings = oneID(0, os.Geteuid()), oneID(0, os.Getegid())
	}
	script := "mount -t tmpfs none '" + dir + "' && touch '" + dir + "/mounted' && grep ' / / ' /proc/self/mountinfo"
	out := printed(t, sys, nil, "/bin/sh", "-c", script)
	if strings.Contains(out, "shared:") {
		t.Errorf("the root is shared:\n%s", out)
	}
	if exists(filepath.Join(dir, "mounted")) {
		t.Error("the mount is visible outside")
	}
}

// mapsOf runs a program that prints its id maps, and returns them with single
// spaces.
func mapsOf(t *testing.T, sys *syscall.SysProcAttr) []string {
	t.Helper()
	out := printed(t, sys, nil, "/bin/cat", "/proc/self/uid_map", "/proc/self/gid_map", "/proc/self/setgroups")
	var lines []string
	for line := range strings.Lines(out) {
		lines = append(lines, strings.Join(strings.Fields(line), " "))
	}
	return lines
}

// oneID maps an id of this process.
func oneID(inside, outside int) []syscall.SysProcIDMap {
	return []syscall.SysProcIDMap{{ContainerID: inside, HostID: outside, Size: 1}}
}

// Anyone may map their own ids.
func TestMapOwnIDs(t *testing.T) {
	requires(t, userNamespaces)
	uid, gid := os.Geteuid(), os.Getegid()
	want := "7 " + strconv.Itoa(uid) + " 1, 8 " + strconv.Itoa(gid) + " 1, deny"
	for name, sys := range eachWay(syscall.SysProcAttr{UidMappings: oneID(7, uid), GidMappings: oneID(8, gid)}) {
		if got := strings.Join(mapsOf(t, sys), ", "); got != want {
			t.Errorf("%s: maps = %s; want %s", name, got, want)
		}
	}
}

// eachWay makes a new user namespace by clone and by unshare.
func eachWay(sys syscall.SysProcAttr) map[string]*syscall.SysProcAttr {
	born, unshared := sys, sys
	born.Cloneflags |= syscall.CLONE_NEWUSER
	unshared.Unshareflags |= syscall.CLONE_NEWUSER
	return map[string]*syscall.SysProcAttr{"born": &born, "unshared": &unshared}
}

func TestMapSeveralIDs(t *testing.T) {
	requires(t, asRoot, userNamespaces)
	list := []syscall.SysProcIDMap{
		{ContainerID: 0, HostID: 0, Size: 1}, {ContainerID: 1, HostID: 100000, Size: 999}, {ContainerID: 1000, HostID: 1000, Size: 1},
	}
	const lines = "0 0 1, 1 100000 999, 1000 1000 1, "
	for _, enable := range []bool{false, true} {
		setgroups := map[bool]string{false: "deny", true: "allow"}[enable]
		got := strings.Join(mapsOf(t, &syscall.SysProcAttr{
			Cloneflags: syscall.CLONE_NEWUSER, UidMappings: list, GidMappings: list, GidMappingsEnableSetgroups: enable,
		}), ", ")
		if want := lines + lines + setgroups; got != want {
			t.Errorf("GidMappingsEnableSetgroups %v: maps = %s; want %s", enable, got, want)
		}
	}
	// After unshare the process may write one line only (user_namespaces(7)).
	err := (&Cmd{Path: "/bin/true", SysProcAttr: &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWUSER, UidMappings: list}}).Run()
	if se, ok := err.(*StartError); !ok || se.Err != syscall.EPERM || se.Field != "SysProcAttr.UidMappings" {
		t.Errorf("several lines after unshare: %v; want EPERM for UidMappings", err)
	}
}

// The program has the ids that the maps and the credentials say, in the
// namespace and outside.
func TestCredentialInUserNamespace(t *testing.T) {
	requires(t, asRoot, userNamespaces)
	list := []syscall.SysProcIDMap{{ContainerID: 0, HostID: 100000, Size: 1000}}
	sys := &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWUSER, UidMappings: list, GidMappings: list, GidMappingsEnableSetgroups: true,
		Credential: &syscall.Credential{Uid: 5, Gid: 6, Groups: []uint32{7}},
	}
	if got := printed(t, sys, nil, "/bin/sh", "-c", "id -u; id -g; id -G"); got != "5\n6\n6 7\n" {
		t.Errorf("ids inside = %q; want 5, 6, 6 7", got)
	}
	c := Command("/bin/cat")
	c.SysProcAttr = sys
	in, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	if got := procField("/proc/"+strconv.Itoa(c.Process.Pid)+"/status", "Uid"); got != "100005 100005 100005 100005" {
		t.Errorf("Uid outside = %q; want 100005", got)
	}
	in.Close()
	if err := c.Wait(); err != nil {
		t.Error(err)
	}
}

func TestRootInUserNamespace(t *testing.T) {
	requires(t, userNamespaces)
	for name, sys := range eachWay(syscall.SysProcAttr{
		UidMappings: oneID(0, os.Geteuid()), GidMappings: oneID(0, os.Getegid()), Credential: &syscall.Credential{},
	}) {
		if got := printed(t, sys, nil, "/bin/sh", "-c", "id -u; id -g"); got != "0\n0\n" {
			t.Errorf("%s: ids = %q; want 0, 0", name, got)
		}
	}
}

// insideAttr is everything that is set inside of new namespaces.
func insideAttr() *Attr {
	return &Attr{
		Hostname: "box", Domainname: "example.org", Loopback: true,
		Sysctls: []Sysctl{
			{"net.ipv4.ip_default_ttl", "77"}, {"net/ipv4/conf/lo/forwarding", "1"}, {"kernel.shmmni", "123"},
			{"fs.mqueue.queues_max", "33"}, {"kernel.sem", "10 20 30 40"},
		},
		TimeOffsets:      &TimeOffsets{Monotonic: 1e6*time.Second + 5, Boottime: 2e6*time.Second - 7},
		ReportNamespaces: NamespaceKind(spec.AllKinds),
	}
}

// enteringTime is a kernel whose execve enters a new time namespace.
var enteringTime = linux(6, 2)

const insideFlags = syscall.CLONE_NEWUTS | syscall.CLONE_NEWNET | syscall.CLONE_NEWIPC

func settingInside(more func(*Cmd)) func(*testing.T, *Cmd) {
	return func(_ *testing.T, c *Cmd) {
		c.Attr = insideAttr()
		c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: insideFlags, Unshareflags: unix.CLONE_NEWTIME}
		if more != nil {
			more(c)
		}
	}
}

var casesOfInside = []startCase{
	{"set inside", []*requirement{asRoot, enteringTime}, settingInside(nil)},
	{"set inside, with init", []*requirement{asRoot, enteringTime}, settingInside(func(c *Cmd) { c.Attr.Init = &Init{} })},
	{"set inside, without a second stage", []*requirement{asRoot}, settingInside(func(c *Cmd) {
		c.Attr.TimeOffsets, c.SysProcAttr.Unshareflags = nil, 0
	})},
}

var plansOfInside = []planCase{
	{"inside", func(c *Cmd) { settingInside(nil)(nil, c) }},
	{"inside-one-stage", func(c *Cmd) {
		c.Attr = &Attr{Hostname: "h", Loopback: true, ReportNamespaces: UTSNamespace | TimeNamespace, Sysctls: []Sysctl{{"net/core/somaxconn", "1"}}}
		c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: insideFlags}
	}},
}

// What is set inside is seen by programs inside, and not outside.
func TestInside(t *testing.T) {
	requires(t, asRoot, enteringTime, tool("hostname"), tool("ip"))
	before := contentsOf("/proc/sys/kernel/hostname") + contentsOf("/proc/sys/kernel/domainname") + contentsOf("/proc/sys/kernel/shmmni")
	for _, init := range []*Init{nil, {}} {
		c := Command("/bin/sh", "-c", `hostname
			cd /proc/sys
			cat kernel/domainname net/ipv4/ip_default_ttl net/ipv4/conf/lo/forwarding kernel/shmmni fs/mqueue/queues_max
			ip -o link show lo | grep -o ,UP
			ip -o addr show lo | grep -o 127.0.0.1/8
			cat /proc/self/timens_offsets
			cut -d. -f1 /proc/uptime`)
		settingInside(func(c *Cmd) { c.Attr.Init = init })(t, c)
		out, err := c.CombinedOutput()
		lines := strings.Fields(string(out))
		want := strings.Fields("box example.org 77 1 123 33 ,UP 127.0.0.1/8 monotonic 1000000 5 boottime 1999999 999999993")
		if err != nil || len(lines) != len(want)+1 || !slices.Equal(lines[:len(want)], want) {
			t.Errorf("with init %v, inside: %q, %v\nwant %q and the uptime", init, lines, err, want)
			continue
		}
		if up, _ := strconv.Atoi(lines[len(want)]); up < 1999999 {
			t.Errorf("with init %v, uptime = %d s; want at least 1999999", init, up)
		}
	}
	after := contentsOf("/proc/sys/kernel/hostname") + contentsOf("/proc/sys/kernel/domainname") + contentsOf("/proc/sys/kernel/shmmni")
	if after != before {
		t.Errorf("outside: %q; want %q", after, before)
	}
}

// What belongs to a PID namespace is set in a new one, and in one that is
// joined.
func TestInsidePIDNamespace(t *testing.T) {
	requires(t, asRoot, linux(6, 14), fileExists("/proc/sys/vm/memfd_noexec"), fileExists("/proc/sys/kernel/ns_last_pid"))
	script := "cd /proc/sys; cat kernel/pid_max vm/memfd_noexec kernel/hostname; echo $$"
	read := func() string { return contentsOf("/proc/sys/kernel/pid_max") + contentsOf("/proc/sys/vm/memfd_noexec") }
	before := read()
	start := func(sys *syscall.SysProcAttr, attr *Attr) *Cmd {
		c := Command("/bin/sh", "-c", script)
		attr.Sysctls = []Sysctl{
			{"kernel.pid_max", "5000"}, {"vm/memfd_noexec", "1"}, {"kernel.hostname", "box"}, {"kernel.ns_last_pid", "700"},
		}
		sys.Cloneflags |= syscall.CLONE_NEWUTS
		c.SysProcAttr, c.Attr = sys, attr
		return c
	}
	sleeper := startHang(t, t.Context(), "", func(c *Cmd) { c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWPID} })
	defer func() {
		sleeper.Process.Kill()
		sleeper.Wait()
	}()
	for name, c := range map[string]*Cmd{
		"new":          start(&syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWPID}, &Attr{}),
		"new, init":    start(&syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWPID}, &Attr{Init: &Init{}}),
		"joined":       start(&syscall.SysProcAttr{}, &Attr{Join: []Namespace{{PID: sleeper.Process.Pid, Kinds: PIDNamespace}}}),
		"joined again": start(&syscall.SysProcAttr{}, &Attr{Join: []Namespace{{PID: sleeper.Process.Pid, Kinds: PIDNamespace}}}),
	} {
		pid := map[string]string{"new": "1", "new, init": "701"}[name]
		lines := strings.Fields(outputOf(t, c))
		if want := []string{"5000", "1", "box"}; len(lines) != 4 || !slices.Equal(lines[:3], want) || pid != "" && pid != lines[3] {
			t.Errorf("%s: %q; want %q and %q", name, lines, want, pid)
		}
	}
	if after := read(); after != before {
		t.Errorf("outside: %q; want %q", after, before)
	}
}

// The caller learns the ids that the program sees.
func TestReportNamespaces(t *testing.T) {
	requires(t, userNamespaces, enteringTime)
	for name, attr := range map[string]*Attr{"one stage": {}, "two stages": {Init: &Init{}}} {
		c := Command("/bin/sh", "-c", "cd /proc/self/ns; for k in user cgroup ipc uts net pid mnt time; do readlink $k; done")
		c.Attr = attr
		c.Attr.ReportNamespaces = NamespaceKind(spec.AllKinds)
		ids := func(id int) []syscall.SysProcIDMap { return []syscall.SysProcIDMap{{HostID: id, Size: 1}} }
		c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: newKinds | syscall.CLONE_NEWUSER, Unshareflags: unix.CLONE_NEWTIME,
			UidMappings: ids(os.Geteuid()), GidMappings: ids(os.Getegid()), Chroot: "/"}
		out, err := c.CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", name, err, out)
		}
		var st unix.Stat_t
		if err := unix.Stat("/proc/self/ns/net", &st); err != nil {
			t.Fatal(err)
		}
		var got strings.Builder
		for _, id := range c.Birth.Namespaces {
			file := strings.Replace(id.Kind.String(), "mount", "mnt", 1)
			fmt.Fprintf(&got, "%s:[%d]\n", file, id.Ino)
			if id.Device != uint64(st.Dev) {
				t.Errorf("%s: device of %s = %#x; want %#x", name, file, id.Device, st.Dev)
			}
		}
		if got.String() != string(out) {
			t.Errorf("%s: Birth.Namespaces =\n%s\nwant\n%s", name, got.String(), out)
		}
	}
}

func TestBadInside(t *testing.T) {
	sysctl := func(name, value string) func(*Cmd) { return by(&Attr{Sysctls: []Sysctl{{name, value}}}) }
	wantRefused(t, []badStart{
		{"host's name", by(&Attr{Hostname: "x"}), syscall.EINVAL,
			"(Attr.Hostname): needs a new or joined uts namespace (CLONE_NEWUTS): it would change the host"},
		{"host's domain", by(&Attr{Domainname: "x"}), syscall.EINVAL,
			"(Attr.Domainname): needs a new or joined uts namespace (CLONE_NEWUTS): it would change the host"},
		{"host's name, joining the same", by(&Attr{Hostname: "x", Join: []Namespace{{PID: os.Getpid()}}}), syscall.EINVAL,
			"(Attr.Hostname): needs a new or joined uts namespace (CLONE_NEWUTS): it would change the host"},
		{"host's loopback", by(&Attr{Loopback: true}), syscall.EINVAL,
			"(Attr.Loopback): needs a new or joined net namespace (CLONE_NEWNET): it would change the host"},
		{"long name", by(&Attr{Hostname: strings.Repeat("x", 65)}), syscall.EINVAL,
			strings.Repeat("x", 65) + " (Attr.Hostname): is longer than 64 bytes"},
		{"NUL", by(&Attr{Domainname: "a\x00"}), syscall.EINVAL, `"a\x00" (Attr.Domainname): contains a NUL byte`},
		{"sysctl of the host", sysctl("kernel.panic", "1"), syscall.EINVAL,
			"kernel.panic (Attr.Sysctls[0]): belongs to no namespace: it would change the host"},
		{"sysctl of the host's network", sysctl("net.ipv4.ip_forward", "1"), syscall.EINVAL,
			"net.ipv4.ip_forward (Attr.Sysctls[0]): needs a new or joined net namespace: it would change the host"},
		{"sysctl of the host's users", sysctl("user.max_user_namespaces", "1"), syscall.EINVAL,
			"user.max_user_namespaces (Attr.Sysctls[0]): needs a new or joined user namespace: it would change the host"},
		{"sysctl of the host's processes", sysctl("kernel.pid_max", "5000"), syscall.EINVAL,
			"kernel.pid_max (Attr.Sysctls[0]): needs a new or joined pid namespace: it would change the host"},
		{"sysctl of the children's PID namespace", func(c *Cmd) {
			sysctl("vm.memfd_noexec", "1")(c)
			c.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWPID}
		}, syscall.EINVAL, "vm.memfd_noexec (Attr.Sysctls[0]): needs a new or joined pid namespace: it would change the host"},
		{"sysctl elsewhere", sysctl("net/../kernel/panic", "1"), syscall.EINVAL,
			"net/../kernel/panic (Attr.Sysctls[0]): is no name of a parameter"},
		{"sysctl elsewhere, by dots", sysctl("net.//.kernel.panic", "1"), syscall.EINVAL,
			"net.//.kernel.panic (Attr.Sysctls[0]): is no name of a parameter"},
		{"sysctl without a value", sysctl("net.x", ""), syscall.EINVAL, "net.x (Attr.Sysctls[0]): has no value"},
		{"sysctl with NUL", sysctl("net.x", "\x00"), syscall.EINVAL, `"net.x" (Attr.Sysctls[0]): contains a NUL byte`},
		{"no time namespace", func(c *Cmd) {
			c.Attr = &Attr{TimeOffsets: &TimeOffsets{}}
			c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWTIME}
		}, syscall.EINVAL, "(Attr.TimeOffsets): needs a new time namespace: CLONE_NEWTIME in Unshareflags; one of Cloneflags has begun already"},
		{"unknown kind", by(&Attr{ReportNamespaces: 1}), syscall.EINVAL, "0x1 (Attr.ReportNamespaces): is no kind of namespace"},
	})
}

var facetsOfInside = []facet{
	{name: "host name", needs: []*requirement{asRoot}, without: []string{"joined namespaces"},
		draw: func(r *rand.Rand, _ *testing.T, c *Cmd) {
			sys(c).Unshareflags |= syscall.CLONE_NEWUTS
			attr(c).Hostname = fmt.Sprint("h", r.IntN(100))
		},
		expect: func(c *Cmd) map[string]string {
			return map[string]string{"file:/proc/sys/kernel/hostname": c.Attr.Hostname}
		}},
	{name: "sysctl", needs: []*requirement{asRoot}, without: []string{"joined namespaces"},
		draw: func(r *rand.Rand, _ *testing.T, c *Cmd) {
			sys(c).Unshareflags |= syscall.CLONE_NEWNET
			attr(c).Loopback = true
			attr(c).Sysctls = []Sysctl{{"net.ipv4.ip_default_ttl", strconv.Itoa(1 + r.IntN(200))}}
		},
		expect: func(c *Cmd) map[string]string {
			return map[string]string{"file:/proc/sys/net/ipv4/ip_default_ttl": c.Attr.Sysctls[0].Value}
		}},
	{name: "time offsets", needs: []*requirement{asRoot, enteringTime},
		draw: func(r *rand.Rand, _ *testing.T, c *Cmd) {
			sys(c).Unshareflags |= unix.CLONE_NEWTIME
			attr(c).TimeOffsets = &TimeOffsets{Boottime: time.Duration(r.IntN(1000)) * time.Second}
			attr(c).ReportNamespaces = TimeNamespace | PIDNamespace
		},
		expect: func(*Cmd) map[string]string { return newNamespace("time") }},
}

// nobody requires an account with the ids that the tests run as when not as
// root: newuidmap(1) goes by it.
var nobody = &requirement{what: "an account nobody with uid and gid 65534", works: func() error {
	account, err := user.LookupId("65534")
	if err == nil && (account.Username != "nobody" || account.Gid != "65534") {
		err = unix.ESRCH
	}
	return err
}}

// delegated runs the rest of the test as nobody, whom /etc/subuid and
// /etc/subgid delegate ids to, in a mount namespace where they say so. It
// reports whether this is that process.
func delegated(t *testing.T, before ...string) bool {
	t.Helper()
	if os.Getenv(insideVar) == t.Name() {
		return true
	}
	requires(t, asRoot, userNamespaces, nobody, tool("newuidmap"), tool("newgidmap"), tool("setpriv"), tool("mount"), fileExists("/etc/subuid"), fileExists("/etc/subgid"))
	dir, binary := t.TempDir(), publicBinary(t)
	for name, text := range map[string]string{
		"subuid": "# a comment\nroot:900000:5\nnobody:100000:1000\n65534:300000:10\n",
		"subgid": "nobody:200000:2000\n",
	} {
		if err := os.WriteFile(dir+"/"+name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	const script = `mount --bind "$1/subuid" /etc/subuid && mount --bind "$1/subgid" /etc/subgid && shift && exec setpriv --reuid=65534 --regid=65534 --clear-groups "$@"`
	return ownProcess(t, func(c *exec.Cmd) {
		args := append([]string{"sh", "-c", script, "sh", dir}, before...)
		c.Path, c.Args, c.Dir = "/bin/sh", append(append(args, binary), c.Args[1:]...), "/"
		c.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}
		c.Env = append(c.Env, "TMPDIR=/tmp")
	})
}

func fileExists(path string) *requirement {
	return &requirement{what: path, works: func() error { return unix.Access(path, unix.F_OK) }}
}

// mapped is a command in a user namespace with these lines for the caller.
func mapped(inside int, m *IDMap, name string, args ...string) *Cmd {
	c := Command(name, args...)
	c.Dir = "/"
	c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS}
	if inside >= 0 {
		c.SysProcAttr.UidMappings, c.SysProcAttr.GidMappings = idOf(inside, 65534), idOf(inside, 65534)
	}
	c.Attr = &Attr{IDMap: m}
	return c
}

const showMaps = "cat /proc/self/uid_map /proc/self/gid_map /proc/self/setgroups; id -u; id -g"

func TestIDMapByHelpers(t *testing.T) {
	if !delegated(t) {
		return
	}
	for _, test := range []struct {
		name   string
		inside int
		m      IDMap
		want   string
	}{
		{"root, and subordinate ids", 0, IDMap{Helpers: true, Subordinate: SubordinateIDsFill, Setgroups: SetgroupsAllow},
			"0 65534 1|1 100000 1000|1001 300000 10|0 65534 1|1 200000 2000|allow|0|0"},
		{"the caller among subordinate ids", 500, IDMap{Helpers: true, Subordinate: SubordinateIDsFill},
			"500 65534 1|0 100000 500|501 100500 500|1001 300000 10|500 65534 1|0 200000 500|501 200500 1500|deny|500|500"},
		{"subordinate ids as they are", 65534, IDMap{Helpers: true, Subordinate: SubordinateIDsSame},
			"65534 65534 1|100000 100000 1000|300000 300000 10|65534 65534 1|200000 200000 2000|deny|65534|65534"},
		{"subordinate ids alone", -1, IDMap{Helpers: true, Subordinate: SubordinateIDsFill, Setgroups: SetgroupsLeave},
			"0 100000 1000|1000 300000 10|0 200000 2000|allow|65534|65534"},
		{"the caller alone", 7, IDMap{Helpers: true}, "7 65534 1|7 65534 1|deny|7|7"},
		{"the caller alone, newgidmap", 7, IDMap{Helpers: true, Setgroups: SetgroupsLeave}, "7 65534 1|7 65534 1|deny|7|7"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := strings.Split(strings.TrimSpace(outputOf(t, mapped(test.inside, &test.m, "/bin/sh", "-c", showMaps))), "\n")
			for i := range got {
				got[i] = strings.Join(strings.Fields(got[i]), " ")
			}
			if got := strings.Join(got, "|"); got != test.want {
				t.Errorf("printed %s\nwant    %s", got, test.want)
			}
		})
	}
}

// With subordinate ids there are other users inside.
func TestIDMapOthersInside(t *testing.T) {
	if !delegated(t) {
		return
	}
	c := mapped(0, &IDMap{Helpers: true, Subordinate: SubordinateIDsFill, Setgroups: SetgroupsAllow}, "/bin/sh", "-c",
		"mount -t tmpfs none /mnt && touch /mnt/x && chown 5:6 /mnt/x && stat -c %u:%g /mnt/x; setpriv --reuid=8 --regid=9 --groups=10,11 sh -c 'echo $(id -u) $(id -g); id -G'; chown 1011 /mnt/x")
	var errs strings.Builder
	c.Stderr = &errs
	out, _ := c.Output()
	if want := "5:6\n8 9\n9 10 11\n"; string(out) != want {
		t.Errorf("printed %q; want %q\n%s", out, want, errs.String())
	}
	if !strings.Contains(errs.String(), "Invalid argument") {
		t.Errorf("chown to an id that is not mapped: %q; want that it is invalid", errs.String())
	}
}

// What is more than delegated is refused before anything runs.
func TestIDMapBeyondDelegation(t *testing.T) {
	if !delegated(t) {
		return
	}
	with := func(uids, gids string, m IDMap) func(*Cmd) {
		return func(c *Cmd) {
			c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER, UidMappings: linesOf(t, uids), GidMappings: linesOf(t, gids)}
			c.Attr = &Attr{IDMap: &m}
		}
	}
	const uidNote = "/etc/subuid delegates 100000-100999, 300000-300009 to nobody"
	wantRefused(t, []badStart{
		{"too many", with("0 65534 1, 1 100000 1001", "", IDMap{Helpers: true}), syscall.EPERM,
			"1 100000 1001 (SysProcAttr.UidMappings[1]): maps uids 100000-101000, but " + uidNote},
		{"root", with("0 0 1", "", IDMap{Helpers: true}), syscall.EPERM, "0 0 1 (SysProcAttr.UidMappings[0]): maps uid 0, but " + uidNote},
		{"groups", with("0 65534 1", "0 100000 10", IDMap{Helpers: true}), syscall.EPERM,
			"0 100000 10 (SysProcAttr.GidMappings[0]): maps gids 100000-100009, but /etc/subgid delegates 200000-201999 to nobody"},
		{"setgroups", with("0 65534 1", "0 65534 1", IDMap{Helpers: true, Setgroups: SetgroupsAllow}), syscall.EPERM,
			"(Attr.IDMap.Setgroups): newgidmap allows setgroups only with a subordinate gid in the map, and /etc/subgid delegates 200000-201999 to nobody"},
		{"no helper", with("0 100000 10", "", IDMap{Helpers: true, NewUIDMap: "/no/such"}), syscall.ENOENT,
			"/no/such (Attr.IDMap.NewUIDMap): no such file or directory"},
	})
	c := &Cmd{Path: "/bin/true"}
	with("0 100000 10", "", IDMap{Helpers: true, NewUIDMap: "/bin/false"})(c)
	var exit *ExitError
	if err := c.Run(); err == nil || err.Error() != "sprog: start /bin/true: newuidmap 0 100000 10 (Attr.IDMap.Helpers): exit status 1" || !errors.As(err, &exit) {
		t.Errorf("with /bin/false: %v; want its exit status", err)
	}
	c = &Cmd{Path: "/bin/true"}
	with("0 65534 1, 1 100000 10", "", IDMap{})(c)
	const want = `sprog: start /bin/true: write uid_map "0 65534 1\n1 100000 10" (SysProcAttr.UidMappings): operation not permitted` +
		` (line "1 100000 10": without CAP_SETUID only one line can be written, for the writer's own id, 65534; Attr.IDMap.Helpers has newuidmap write others)`
	if err := c.Run(); err == nil || err.Error() != want {
		t.Errorf("without helpers: %v\nwant %s", err, want)
	}
}

// The helpers have no power in a process without new privileges.
func TestIDMapWithoutNewPrivs(t *testing.T) {
	if !delegated(t, "setpriv", "--no-new-privs") {
		return
	}
	err := mapped(0, &IDMap{Helpers: true, Subordinate: SubordinateIDsFill}, "/bin/true").Run()
	const want = "(Attr.IDMap.Helpers): exit status 1 (newuidmap: "
	if err == nil || !strings.Contains(err.Error(), want) || !strings.HasSuffix(err.Error(), "; this process has no_new_privs, under which it gains no privileges)") {
		t.Errorf("Run() = %v; want %s", err, want)
	}
}

// Whatever step fails, nothing is left, and the plan says what writes the map.
func TestIDMapFaults(t *testing.T) {
	if !delegated(t) {
		return
	}
	adoptOrphans(t)
	m := &IDMap{Helpers: true, Subordinate: SubordinateIDsFill}
	everyFault(t, startCase{"helpers", nil, func(_ *testing.T, c *Cmd) { *c = *mapped(0, m, "/bin/true") }}, false)
	p, err := mapped(0, m, "/bin/true").Plan()
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{
		"/usr/bin/newuidmap CHILD 0 65534 1 1 100000 1000 1001 300000 10",
		`write("/proc/CHILD/setgroups", "deny", 4)`,
		"/usr/bin/newgidmap CHILD 0 65534 1 1 200000 2000",
	} {
		if got := p.Steps[i+1]; got.By != "parent" || got.Text != want {
			t.Errorf("step %d by %s: %s; want %s", i+2, got.By, got.Text, want)
		}
	}
}

// Where privileges allow it, no helper is used.
func TestIDMapWithPrivileges(t *testing.T) {
	requires(t, asRoot, userNamespaces)
	c := Command("/bin/sh", "-c", showMaps)
	c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER, UidMappings: rangesOfIDs, GidMappings: rangesOfIDs}
	c.Attr = &Attr{IDMap: &IDMap{Helpers: true, NewUIDMap: "/bin/false", NewGIDMap: "/bin/false", Setgroups: SetgroupsLeave}}
	if got := strings.Join(strings.Fields(outputOf(t, c)), " "); got != "0 0 10 10 20 1000 0 0 10 10 20 1000 allow 0 0" {
		t.Errorf("printed %s; want the maps", got)
	}
}

// A policy goes without maps, and is for good.
func TestSetgroupsPolicy(t *testing.T) {
	requires(t, userNamespaces)
	for want, policy := range map[string]SetgroupsPolicy{contentsOf("/proc/self/setgroups"): SetgroupsLeave, "deny\n": SetgroupsDeny} {
		for _, sys := range []syscall.SysProcAttr{{Cloneflags: syscall.CLONE_NEWUSER}, {Unshareflags: syscall.CLONE_NEWUSER}} {
			got := printed(t, &sys, &Attr{IDMap: &IDMap{Setgroups: policy}}, "/bin/cat", "/proc/self/setgroups")
			if got != want {
				t.Errorf("policy %d: %q; want %q", policy, got, want)
			}
		}
	}
}

// What a child may not write itself is said.
func TestOwnMapHint(t *testing.T) {
	requires(t, userNamespaces)
	c := &Cmd{Path: "/bin/true", SysProcAttr: &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWUSER, UidMappings: []syscall.SysProcIDMap{
		{ContainerID: 0, HostID: os.Geteuid(), Size: 1}, {ContainerID: 1, HostID: 100000, Size: 5},
	}}}
	const want = ` (line "1 100000 5": after unshare a process can write only one line, for its own id, `
	if err := c.Run(); err == nil || !errors.Is(err, unix.EPERM) || !strings.Contains(err.Error(), want) {
		t.Errorf("Run() = %v; want %s", err, want)
	}
}

func TestUnmapped(t *testing.T) {
	requires(t, userNamespaces)
	if !ownProcess(t, func(c *exec.Cmd) {
		c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER, UidMappings: oneID(0, os.Geteuid()), GidMappings: oneID(0, os.Getegid())}
	}) {
		return
	}
	c := &Cmd{Path: "/bin/true", SysProcAttr: &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER, UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: 0, Size: 2}}}}
	const want = ` (line "0 0 2": uids 0-1 do not all exist in this process's user namespace)`
	if err := c.Run(); err == nil || !strings.HasSuffix(err.Error(), want) {
		t.Errorf("Run() = %v; want %s", err, want)
	}
}

func TestBadIDMap(t *testing.T) {
	born := func(m IDMap) func(*Cmd) {
		return func(c *Cmd) {
			c.SysProcAttr, c.Attr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER}, &Attr{IDMap: &m}
		}
	}
	wantRefused(t, []badStart{
		{"no namespace", by(&Attr{IDMap: &IDMap{}}), syscall.EINVAL, "(Attr.IDMap): needs a new user namespace: CLONE_NEWUSER in Cloneflags or Unshareflags"},
		{"unshared", func(c *Cmd) {
			c.SysProcAttr, c.Attr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWUSER}, &Attr{IDMap: &IDMap{Helpers: true}}
		}, syscall.EINVAL, "(Attr.IDMap): has lines that only the parent can write: it needs CLONE_NEWUSER in Cloneflags"},
		{"Subordinate", born(IDMap{Subordinate: 3}), syscall.EINVAL, "3 (Attr.IDMap.Subordinate): is none of the constants"},
		{"Setgroups", born(IDMap{Setgroups: -1}), syscall.EINVAL, "-1 (Attr.IDMap.Setgroups): is none of the constants"},
		{"relative helper", born(IDMap{NewGIDMap: "newgidmap"}), syscall.EINVAL, "newgidmap (Attr.IDMap.NewGIDMap): is no absolute path"},
		{"last and forbidden", func(c *Cmd) {
			born(IDMap{Last: true})(c)
			c.SysProcAttr.UidMappings, c.SysProcAttr.GidMappings = toRoot, toRoot
			c.Attr.ForbidUserNamespaces = true
		}, syscall.EINVAL, "(Attr.IDMap.Last): cannot be combined with Attr.ForbidUserNamespaces, which takes rights in the user namespace"},
		{"last of two", func(c *Cmd) {
			born(IDMap{Last: true})(c)
			c.Attr.UserNamespace = os.Stdin
		}, syscall.EINVAL, "(Attr.IDMap.Last): cannot be combined with Attr.UserNamespace, which is entered last"},
		{"last and joined", func(c *Cmd) {
			born(IDMap{Last: true})(c)
			c.Attr.Join = []Namespace{{Kinds: UserNamespace, PID: 1}}
		}, syscall.EINVAL, "(Attr.IDMap.Last): cannot be combined with a joined user namespace"},
		{"setgroups twice", func(c *Cmd) {
			born(IDMap{Setgroups: SetgroupsDeny})(c)
			c.SysProcAttr.GidMappings, c.SysProcAttr.GidMappingsEnableSetgroups = toRoot, true
		}, syscall.EINVAL, "(Attr.IDMap.Setgroups): contradicts SysProcAttr.GidMappingsEnableSetgroups"},
	})
}

// A user namespace that is entered last has no rights over what was set up before, and its /proc is a new one also where
// parts of the caller's are hidden.
func TestUserNamespaceLast(t *testing.T) {
	requires(t, asRoot, userNamespaces, mountSetattr)
	if !ownProcess(t, func(c *exec.Cmd) { c.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS} }) {
		return
	}
	must(unix.Mount("/dev/null", "/proc/version", "", unix.MS_BIND, ""))
	command := func(last bool) *Cmd {
		c := Command("/bin/sh", "-c", "id -u; cat /proc/self/uid_map; hostname; echo /proc/[0-9]*; cat /proc/version | head -c 5; umount /proc 2>/dev/null || echo mounted; hostname other 2>/dev/null || echo named; cat /proc/self/setgroups")
		c.SysProcAttr = &syscall.SysProcAttr{UidMappings: idOf(0, 0), GidMappings: idOf(0, 0),
			Cloneflags: syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS | syscall.CLONE_NEWPID | syscall.CLONE_NEWUTS}
		c.Attr = &Attr{Hostname: "inside", Mounts: []Mount{{Target: "/proc", Proc: &Proc{}}}}
		if last {
			c.Attr.IDMap = &IDMap{Last: true}
		}
		return c
	}
	if _, err := command(false).CombinedOutput(); !errors.Is(err, syscall.EPERM) {
		t.Errorf("without Last: %v; want EPERM, for /proc", err)
	}
	for _, in := range []*Init{nil, {}} {
		c := command(true)
		c.Attr.Init = in
		out, err := c.CombinedOutput()
		pids := "/proc/1"
		if in != nil {
			pids = "/proc/1 /proc/2"
		}
		want := []string{"0", "         0          0          1", "inside", pids}
		lines := strings.Split(string(out), "\n")
		if err != nil || len(lines) < 5 || !slices.Equal(lines[:4], want) || !strings.HasPrefix(lines[4], "Linux") || !strings.HasSuffix(string(out), "deny\n") ||
			!strings.HasSuffix(string(out), "mounted\nnamed\ndeny\n") {
			t.Errorf("the program said %q, %v; want %q, Linux, two refusals and deny", out, err, want)
		}
		if c.SysProcAttr.Cloneflags&syscall.CLONE_NEWUSER == 0 || !c.Attr.IDMap.Last {
			t.Error("the start has changed the command's fields")
		}
	}
}

var facetsOfIDMap = []facet{
	{name: "setgroups as it is", needs: []*requirement{asRoot, userNamespaces}, without: []string{"user namespace"},
		draw: func(_ *rand.Rand, _ *testing.T, c *Cmd) {
			sys(c).Cloneflags |= syscall.CLONE_NEWUSER
			sys(c).UidMappings, sys(c).GidMappings = rangesOfIDs, rangesOfIDs
			attr(c).IDMap = &IDMap{Setgroups: SetgroupsLeave, Helpers: true}
		},
		expect: func(*Cmd) map[string]string {
			return map[string]string{"file:/proc/self/setgroups": "allow"}
		}},
}

// forbidding makes the caller's user root, or who he is, in a user namespace that has no others.
func forbidding(id int, own bool) func(*testing.T, *Cmd) {
	return func(_ *testing.T, c *Cmd) {
		uids := []syscall.SysProcIDMap{{ContainerID: id, HostID: os.Geteuid(), Size: 1}}
		gids := []syscall.SysProcIDMap{{ContainerID: id, HostID: os.Getegid(), Size: 1}}
		c.Attr = &Attr{ForbidUserNamespaces: true}
		c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWUSER | unix.CLONE_NEWNS, UidMappings: uids, GidMappings: gids}
		if own {
			c.SysProcAttr.Cloneflags, c.SysProcAttr.Unshareflags = 0, c.SysProcAttr.Cloneflags
		}
	}
}

var casesOfForbidding = []startCase{
	{"forbid user namespaces", []*requirement{userNamespaces}, forbidding(0, false)},
	{"forbid user namespaces, own maps", []*requirement{userNamespaces}, forbidding(7, true)},
	{"forbid user namespaces, with init", []*requirement{userNamespaces}, func(t *testing.T, c *Cmd) {
		forbidding(0, false)(t, c)
		c.Attr.Init = &Init{}
	}},
}

// Root inside makes no user namespace, and cannot raise the limit, which is
// outside.
func TestForbidUserNamespaces(t *testing.T) {
	requires(t, userNamespaces, tool("unshare"))
	forbids(t)
}

func TestForbidUserNamespacesAsOrdinaryUser(t *testing.T) {
	requires(t, userNamespaces, tool("unshare"))
	public := publicBinary(t)
	if os.Geteuid() != 0 || ownProcess(t, func(c *exec.Cmd) {
		c.Path, c.Dir = public, "/"
		c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	}) {
		forbids(t)
	}
}

func forbids(t *testing.T) {
	const try = `id -u; grep CapEff /proc/self/status | cut -f2 | grep -v '^0*$' >/dev/null && echo root
		unshare --user true || echo refused
		echo 100 >/proc/sys/user/max_user_namespaces
		unshare --user --map-root-user true || echo refused
		unshare --user --map-root-user unshare --user true || echo refused`
	for _, own := range []bool{false, true} {
		c := Command("/bin/sh", "-c", try)
		forbidding(0, own)(t, c)
		out, err := c.Output()
		if want := "0\nroot\nrefused\nrefused\nrefused\n"; string(out) != want || err != nil {
			t.Errorf("with own maps %v, inside: %q, %v; want %q", own, out, err, want)
		}
		c = Command("/bin/sh", "-c", try)
		forbidding(0, own)(t, c)
		c.Attr = nil
		if out, err := c.Output(); strings.Contains(string(out), "refused") || err != nil {
			t.Errorf("without it: %q, %v; want nothing refused", out, err)
		}
	}
}

// The caller makes the second user namespace, and has to have an id in the first.
func TestForbidAnotherUser(t *testing.T) {
	requires(t, asRoot, userNamespaces)
	c := Command("/bin/true")
	c.Attr = &Attr{ForbidUserNamespaces: true}
	c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER, UidMappings: oneID(7, 7), GidMappings: oneID(7, 7)}
	const want = "sprog: start /bin/true: unshare CLONE_NEWUSER (Attr.ForbidUserNamespaces): operation not permitted (the map of the new user namespace leaves out this process's user or group, who makes another one in it; for a program that is somebody else there, and has no capabilities, Attr.Sysctls can set user.max_user_namespaces to 0)"
	if err := c.Run(); err == nil || err.Error() != want {
		t.Errorf("Run() = %v; want %s", err, want)
	}
}

func TestBadForbid(t *testing.T) {
	many := []syscall.SysProcIDMap{{HostID: 0, Size: 2}}
	wantRefused(t, []badStart{
		{"no namespace", by(&Attr{ForbidUserNamespaces: true}), syscall.EINVAL,
			"(Attr.ForbidUserNamespaces): needs a new user namespace: CLONE_NEWUSER in Cloneflags or Unshareflags"},
		{"many ids", func(c *Cmd) {
			c.Attr = &Attr{ForbidUserNamespaces: true}
			c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER, UidMappings: many, GidMappings: many}
		}, syscall.EINVAL, "(Attr.ForbidUserNamespaces): needs maps of one user and one group (UidMappings, GidMappings): the child makes a user namespace in the new one, and can map no more there"},
	})
}

var facetsOfForbidding = []facet{
	{name: "no user namespaces", needs: []*requirement{asRoot, userNamespaces},
		// without are those that have a user namespace, or ids that this one has not.
		without: []string{"user namespace", "setgroups as it is", "credential", "ids", "groups", "joined namespaces", "joined PID namespace"},
		draw: func(_ *rand.Rand, _ *testing.T, c *Cmd) {
			attr(c).ForbidUserNamespaces = true
			sys(c).Cloneflags |= unix.CLONE_NEWUSER
			sys(c).UidMappings, sys(c).GidMappings = oneID(0, 0), oneID(0, 0)
		},
		expect: func(*Cmd) map[string]string { return map[string]string{"new:user": syscall.ENOSPC.Error()} }},
}

func init() {
	looks["new"] = func(string) string {
		c := exec.Command("/bin/true")
		c.Stdin, c.Stdout, c.Stderr = os.Stdin, os.Stderr, os.Stderr // it may not be allowed to open /dev/null
		c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER}
		if err := c.Run(); err != nil {
			return errors.Unwrap(err).Error()
		}
		return "a user namespace"
	}
}

// linesOf are the lines of a map, separated by commas.
func linesOf(t *testing.T, text string) (lines []syscall.SysProcIDMap) {
	t.Helper()
	if text == "" {
		return nil
	}
	for part := range strings.SplitSeq(text, ", ") {
		var m syscall.SysProcIDMap
		if _, err := fmt.Sscan(part, &m.ContainerID, &m.HostID, &m.Size); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, m)
	}
	return lines
}

// dies-at-meeting: be killed while a child waits for its id maps, with nothing that kills the child.
var _ = helper("dies-at-meeting", func([]string) int {
	c := Command("/bin/sleep", "1000")
	c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER, UidMappings: []syscall.SysProcIDMap{{HostID: os.Geteuid(), Size: 1}}}
	c.inspect = func(first, _ *program.Program) {
		for i := range first.Steps {
			if s := &first.Steps[i]; s.Call == program.Prctl && s.Args[0].Value == unix.PR_SET_PDEATHSIG {
				s.Args[1] = program.Arg{}
			}
		}
	}
	c.Born = func(pid int) error {
		for !strings.Contains(contentsOf(fmt.Sprintf("/proc/%d/wchan", pid)), "futex") {
			time.Sleep(time.Millisecond)
		}
		fmt.Println(pid)
		return syscall.Kill(os.Getpid(), syscall.SIGKILL)
	}
	fmt.Println(c.Start())
	return 1
})

// The kernel sends no death signal if the parent was ending when the child asked for one.
func TestChildLooksForItsParent(t *testing.T) {
	requires(t, userNamespaces, asRoot)
	out, err := helperCommand("dies-at-meeting").Output()
	pid, convErr := strconv.Atoi(strings.TrimSpace(string(out)))
	if convErr != nil {
		t.Fatalf("%q, %v", out, err)
	}
	eventually(t, "the child is gone", func() bool {
		return syscall.Kill(pid, 0) == syscall.ESRCH || strings.Contains(status(fmt.Sprint(pid)), " Z ")
	})
}
