//go:build amd64 || arm64

package sprog

import (
	"errors"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/user"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

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
		{"setgroups twice", func(c *Cmd) {
			born(IDMap{Setgroups: SetgroupsDeny})(c)
			c.SysProcAttr.GidMappings, c.SysProcAttr.GidMappingsEnableSetgroups = toRoot, true
		}, syscall.EINVAL, "(Attr.IDMap.Setgroups): contradicts SysProcAttr.GidMappingsEnableSetgroups"},
	})
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
