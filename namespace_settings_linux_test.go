//go:build amd64 || arm64

package sprog

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/spec"
)

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
