//go:build amd64 || arm64

package sprog

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
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
