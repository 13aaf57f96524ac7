//go:build amd64 || arm64

package sprog

import (
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/kernel"
)

func TestCredential(t *testing.T) {
	requires(t, asRoot)
	restore := setGroups(t, 20, 21)
	defer restore()
	for _, test := range []struct {
		name   string
		cred   syscall.Credential
		groups string
	}{
		{"no groups", syscall.Credential{Uid: 1234, Gid: 56}, ""},
		{"groups", syscall.Credential{Uid: 1234, Gid: 56, Groups: []uint32{7, 4294967294}}, "7 4294967294"},
		{"NoSetGroups", syscall.Credential{Uid: 1234, Gid: 56, NoSetGroups: true}, "20 21"},
		{"NoSetGroups with groups", syscall.Credential{Uid: 1234, Gid: 56, Groups: []uint32{7}, NoSetGroups: true}, "20 21"},
		{"the same user", syscall.Credential{}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			uid, gid := strconv.Itoa(int(test.cred.Uid)), strconv.Itoa(int(test.cred.Gid))
			wantStatus(t, &syscall.SysProcAttr{Credential: &test.cred}, map[string]string{
				"Uid":    strings.Join([]string{uid, uid, uid, uid}, " "),
				"Gid":    strings.Join([]string{gid, gid, gid, gid}, " "),
				"Groups": test.groups,
			})
		})
	}
}

// setGroups gives all threads of this process supplementary groups.
func setGroups(t *testing.T, groups ...int) (restore func()) {
	t.Helper()
	old, err := syscall.Getgroups()
	if err == nil {
		err = syscall.Setgroups(groups)
	}
	if err != nil {
		t.Fatal(err)
	}
	return func() { syscall.Setgroups(old) }
}

// All privileges are gone with the user, whatever the securebits say.
func TestCredentialDropsCapabilities(t *testing.T) {
	requires(t, asRoot)
	none := "0000000000000000"
	wantStatus(t, &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}},
		map[string]string{"CapPrm": none, "CapEff": none, "CapAmb": none})
}

func capSet(caps ...uintptr) string {
	var set uint64
	for _, c := range caps {
		set |= 1 << c
	}
	s := strconv.FormatUint(set, 16)
	return strings.Repeat("0", 16-len(s)) + s
}

func TestAmbientCaps(t *testing.T) {
	requires(t, asRoot)
	caps := []uintptr{unix.CAP_NET_BIND_SERVICE, unix.CAP_CHECKPOINT_RESTORE}
	for _, cred := range []*syscall.Credential{nil, {Uid: 65534, Gid: 65534}} {
		sys := &syscall.SysProcAttr{AmbientCaps: caps, Credential: cred}
		want := map[string]string{"CapAmb": capSet(caps...), "CapInh": capSet(caps...)}
		if cred != nil { // they are all that is left of root
			want["CapPrm"], want["CapEff"] = capSet(caps...), capSet(caps...)
		}
		wantStatus(t, sys, want)
	}
}

// In a user namespace of its own a process has capabilities, and ambient ones
// outlast the execve of a user who is not root there.
func TestAmbientCapsInUserNamespace(t *testing.T) {
	requires(t, userNamespaces)
	caps := []uintptr{unix.CAP_NET_RAW}
	wantStatus(t, &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 1000, HostID: os.Geteuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 1000, HostID: os.Getegid(), Size: 1}},
		AmbientCaps: caps,
	}, map[string]string{
		"Uid": "1000 1000 1000 1000", "CapAmb": capSet(caps...), "CapEff": capSet(caps...),
	})
	// setpriv(1) and capsh(1) use other calls to find out.
	requires(t, tool("setpriv"))
	out := printed(t, &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 1000, HostID: os.Geteuid(), Size: 1}},
		AmbientCaps: caps,
	}, nil, "setpriv", "-d")
	if got := fieldOf(out, "Ambient capabilities"); got != "net_raw" {
		t.Errorf("setpriv: ambient capabilities = %q; want net_raw", got)
	}
}

// A capability that the parent has not got cannot be given.
func TestAmbientCapNotHeld(t *testing.T) {
	requires(t, asRoot)
	err := (&Cmd{Path: "/bin/true", SysProcAttr: &syscall.SysProcAttr{AmbientCaps: []uintptr{63}}}).Run()
	if se, ok := err.(*StartError); !ok || se.Field != "SysProcAttr.AmbientCaps" || se.Err == nil {
		t.Errorf("capability 63: %v; want an error for AmbientCaps", err)
	}
}

func TestIDs(t *testing.T) {
	requires(t, asRoot)
	for _, test := range []struct {
		ids      IDs
		uid, gid string
	}{
		{IDs{id(1), id(2), id(3), id(4)}, "1 2 2 2", "3 4 4 4"},
		{IDs{RealUser: id(5)}, "5 0 0 0", "0 0 0 0"},
		{IDs{EffectiveUser: id(5), EffectiveGroup: id(6)}, "0 5 5 5", "0 6 6 6"},
		{IDs{}, "0 0 0 0", "0 0 0 0"},
	} {
		wantStatusWith(t, nil, &Attr{IDs: &test.ids}, map[string]string{"Uid": test.uid, "Gid": test.gid})
	}
}

func TestGroups(t *testing.T) {
	requires(t, asRoot)
	tty, err := user.LookupGroup("tty")
	if err != nil {
		t.Fatal(err)
	}
	defer setGroups(t, 20, 21)()
	cred := &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	for _, test := range []struct {
		sys    *syscall.SysProcAttr
		groups Groups
		want   string
	}{
		{nil, Groups{}, ""},
		{nil, Groups{List: []string{"4294967294", "tty", "7"}}, tty.Gid + " 7 4294967294"},
		{cred, Groups{List: []string{"tty"}}, tty.Gid},
		{cred, Groups{Of: "root"}, "0"},
		{cred, Groups{Of: "0", List: []string{"0", "9"}}, "0 9"},
	} {
		wantStatusWith(t, test.sys, &Attr{Groups: &test.groups}, map[string]string{"Groups": test.want})
	}
}

// differingIDs requires a kernel that leaves them alone.
var differingIDs = &requirement{what: "Linux 6.16", works: func() error {
	if kernel.OlderThan(6, 16) {
		return syscall.ENOSYS
	}
	return nil
}}

// wantStatusWith compares lines of /proc/self/status of a program with what
// they have to be.
func wantStatusWith(t *testing.T, sys *syscall.SysProcAttr, attr *Attr, want map[string]string) {
	t.Helper()
	text := printed(t, sys, attr, "/bin/cat", "/proc/self/status")
	for name, value := range want {
		if got := fieldOf(text, name); got != value {
			t.Errorf("%s = %q; want %q", name, got, value)
		}
	}
}

// ownBounding is this process's bounding set.
func ownBounding() uint64 {
	var set uint64
	fmt.Sscanf(procField("/proc/self/status", "CapBnd"), "%x", &set)
	return set
}

func capText(set uint64) string { return fmt.Sprintf("%016x", set) }

func oneBit(c uint) uint64 { return 1 << c }

func all() []string { return []string{"all"} }

// What becomes of each set, with and without root, by way of execve.
func TestCaps(t *testing.T) {
	requires(t, asRoot)
	bound := ownBounding()
	nobody := &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	raw, chown := oneBit(unix.CAP_NET_RAW), oneBit(unix.CAP_CHOWN)
	for _, test := range []struct {
		name                     string
		sys                      *syscall.SysProcAttr
		caps                     Caps
		bnd, prm, eff, inh, ambi uint64
	}{
		{"nothing, root", nil, Caps{}, bound, bound, bound, 0, 0},
		{"bounding dropped, root", nil, Caps{Bounding: CapSet{Drop: []string{"net_raw"}}},
			bound &^ raw, bound &^ raw, bound &^ raw, 0, 0},
		{"bounding exact, root", nil, Caps{Bounding: CapSet{Drop: all(), Add: []string{"net_raw"}}}, raw, raw, raw, 0, 0},
		{"bounding empty, root", nil, Caps{Bounding: CapSet{Drop: all()}}, 0, 0, 0, 0, 0},
		{"bounding empty, nobody", nobody, Caps{Bounding: CapSet{Drop: all()}}, 0, 0, 0, 0, 0},
		{"all exact, root", nil, Caps{
			Bounding: CapSet{Drop: all(), Add: []string{"net_raw"}}, Permitted: CapSet{Drop: all()},
			Inheritable: CapSet{Drop: all()}, Ambient: CapSet{Drop: all()},
		}, raw, raw, raw, 0, 0},
		{"inheritable, root", nil, Caps{
			Bounding: CapSet{Drop: all(), Add: []string{"chown"}}, Inheritable: CapSet{Add: []string{"chown"}},
		}, chown, chown, chown, chown, 0},
		{"inheritable, nobody", nobody, Caps{Inheritable: CapSet{Add: []string{"CAP_CHOWN"}}}, bound, 0, 0, chown, 0},
		{"ambient, nobody", nobody, Caps{Ambient: CapSet{Add: []string{"cap_net_raw"}}}, bound, raw, raw, raw, raw},
		{"ambient bounded, nobody", nobody, Caps{
			Bounding: CapSet{Drop: all(), Add: []string{"13"}}, Ambient: CapSet{Add: []string{"net_raw"}},
		}, raw, raw, raw, raw, raw},
		{"kept, nobody", nobody, Caps{Keep: true, Ambient: CapSet{Drop: []string{"net_raw"}}},
			bound, bound &^ raw, bound &^ raw, bound &^ raw, bound &^ raw},
		{"permitted and effective, root", nil, Caps{
			Permitted: CapSet{Drop: []string{"net_raw"}}, Effective: CapSet{Drop: all()},
		}, bound, bound, bound, 0, 0},
	} {
		for _, init := range []*Init{nil, {}} {
			t.Run(fmt.Sprint(test.name, init), func(t *testing.T) {
				wantStatusWith(t, test.sys, &Attr{Caps: &test.caps, Init: init}, map[string]string{
					"CapBnd": capText(test.bnd), "CapPrm": capText(test.prm), "CapEff": capText(test.eff),
					"CapInh": capText(test.inh), "CapAmb": capText(test.ambi),
				})
			})
		}
	}
}

// An init has the sets as they were made: of its own execve nothing is left.
func TestCapsOfAnInit(t *testing.T) {
	requires(t, asRoot)
	caps := &Caps{
		Permitted: CapSet{Drop: all(), Add: []string{"chown", "kill"}}, Effective: CapSet{Drop: all(), Add: []string{"kill"}},
		Inheritable: CapSet{Drop: all()},
	}
	text := printed(t, nil, &Attr{Caps: caps, Init: &Init{}}, "/bin/sh", "-c", "cat /proc/$PPID/status")
	for name, want := range map[string]uint64{
		"CapPrm": oneBit(unix.CAP_CHOWN) | oneBit(unix.CAP_KILL), "CapEff": oneBit(unix.CAP_KILL), "CapInh": 0,
	} {
		if got := fieldOf(text, name); got != capText(want) {
			t.Errorf("%s of the init = %s; want %s", name, got, capText(want))
		}
	}
}

// The effective set is what the steps before the execve are done with.
func TestCapsOfTheSteps(t *testing.T) {
	requires(t, asRoot)
	dir := t.TempDir() + "/private"
	if err := os.Mkdir(dir, 0); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(dir, 1234, 1234); err != nil {
		t.Fatal(err)
	}
	start := func(add ...string) error {
		c := Command("/bin/true")
		c.Dir, c.Attr = dir, &Attr{Caps: &Caps{Effective: CapSet{Drop: all(), Add: add}}}
		return c.Run()
	}
	if err := start("dac_override"); err != nil {
		t.Errorf("chdir with CAP_DAC_OVERRIDE: %v", err)
	}
	if err := start("chown"); err == nil || !strings.Contains(err.Error(), "chdir") {
		t.Errorf("chdir without CAP_DAC_OVERRIDE: %v; want an error of chdir", err)
	}
}

// As capsh(1) and setpriv(1) see them.
func TestCapsAsOthersSeeThem(t *testing.T) {
	requires(t, asRoot, tool("capsh"), setpriv)
	nobody := &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	attr := &Attr{
		Caps: &Caps{
			Bounding: CapSet{Drop: all(), Add: []string{"net_raw", "kill"}}, Inheritable: CapSet{Add: []string{"kill"}},
			Ambient: CapSet{Add: []string{"net_raw"}},
		},
		Securebits: &Securebits{Add: []string{"noroot", "noroot-locked", "no-cap-ambient-raise"}},
	}
	out := printed(t, nobody, attr, "capsh", "--print")
	for _, want := range []string{
		"Current: cap_net_raw=eip cap_kill+i", "Bounding set =cap_kill,cap_net_raw", "Ambient set =cap_net_raw",
		"secure-noroot: yes (locked)", "secure-no-suid-fixup: no (unlocked)", "secure-no-ambient-raise: yes (unlocked)", "uid=65534(nobody)",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("capsh --print has no %q:\n%s", want, out)
		}
	}
	out = printed(t, nobody, attr, "setpriv", "-d")
	for name, want := range map[string]string{
		"Inheritable capabilities": "kill,net_raw", "Ambient capabilities": "net_raw", "Capability bounding set": "kill,net_raw",
		"Securebits": "noroot,noroot_locked,",
	} {
		if got := fieldOf(out, name); !strings.HasPrefix(got, want) {
			t.Errorf("setpriv -d: %s = %q; want %q", name, got, want)
		}
	}
}

// In a new user namespace there is everything to keep, whatever the caller has.
func TestCapsInUserNamespace(t *testing.T) {
	requires(t, userNamespaces)
	every := capText(kernel.Caps())
	for _, flags := range []syscall.SysProcAttr{{Cloneflags: syscall.CLONE_NEWUSER}, {Unshareflags: syscall.CLONE_NEWUSER}} {
		flags.UidMappings, flags.GidMappings = idOf(1000, os.Getuid()), idOf(1000, os.Getgid())
		wantStatusWith(t, &flags, &Attr{Caps: &Caps{Keep: true}}, map[string]string{
			"Uid": "1000 1000 1000 1000", "CapPrm": every, "CapEff": every, "CapInh": every, "CapAmb": every, "CapBnd": every,
		})
		wantStatusWith(t, &flags, &Attr{Caps: &Caps{
			Bounding: CapSet{Drop: all(), Add: []string{"chown"}}, Ambient: CapSet{Add: []string{"chown"}},
		}}, map[string]string{
			"CapPrm": capText(1), "CapEff": capText(1), "CapInh": capText(1), "CapAmb": capText(1), "CapBnd": capText(1),
		})
	}
}

// The second stage has the rights of the first, and the program none that it was
// not given: also for who is not root in the user namespace.
func TestSecondStageInUserNamespace(t *testing.T) {
	requires(t, userNamespaces)
	all := capText(kernel.Caps())
	for _, test := range []struct {
		caps *Caps
		want string
	}{{nil, capText(0)}, {&Caps{Keep: true}, all}} {
		sys := &syscall.SysProcAttr{
			Cloneflags: syscall.CLONE_NEWUSER, UidMappings: idOf(1000, os.Getuid()), GidMappings: idOf(1000, os.Getgid()),
			Unshareflags: syscall.CLONE_NEWNS, Chroot: "/",
		}
		wantStatusWith(t, sys, &Attr{Init: &Init{}, Caps: test.caps}, map[string]string{
			"CapBnd": all, "CapPrm": test.want, "CapEff": test.want, "CapInh": test.want, "CapAmb": test.want,
		})
	}
}

// The parent has its dumpable flag, and the program its own.
func TestCapsLeaveTheParentDumpable(t *testing.T) {
	requires(t, asRoot)
	if err := (&Cmd{Path: "/bin/true", Attr: &Attr{Caps: &Caps{Permitted: CapSet{Drop: all()}}}}).Run(); err != nil {
		t.Fatal(err)
	}
	if flag, err := unix.PrctlRetInt(unix.PR_GET_DUMPABLE, 0, 0, 0, 0); flag != 1 || err != nil {
		t.Errorf("dumpable = %d, %v; want 1", flag, err)
	}
}

func TestSecurebits(t *testing.T) {
	requires(t, asRoot, setpriv)
	for _, test := range []struct {
		bits Securebits
		want string
	}{
		{Securebits{Add: []string{"no-setuid-fixup", "SECBIT_NO_SETUID_FIXUP_LOCKED"}}, "no_setuid_fixup,no_setuid_fixup_locked"},
		{Securebits{Drop: all()}, "[none]"},
		{Securebits{Drop: all(), Add: []string{"keep-caps-locked"}}, "keep_caps_locked"},
	} {
		for _, uid := range []uint32{0, 65534} {
			sys := &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid}}
			out := printed(t, sys, &Attr{Securebits: &test.bits}, "setpriv", "-d")
			if got := fieldOf(out, "Securebits"); got != test.want {
				t.Errorf("user %d, %v: setpriv sees %q; want %q", uid, test.bits, got, test.want)
			}
			if got := fieldOf(out, "Effective capabilities"); uid != 0 && got != "[none]" && got != "" {
				t.Errorf("user %d, %v: effective %q; want none", uid, test.bits, got)
			}
		}
	}
	// Root without noroot's fixups is nobody special.
	wantStatusWith(t, nil, &Attr{Securebits: &Securebits{Add: []string{"noroot"}}},
		map[string]string{"CapPrm": capText(0), "CapEff": capText(0)})
}

// A caller with capabilities that is not root has them in every stage: those that the
// program inherits are the same with one stage and with two, and a second stage
// can do what they allow.
func TestStagesKeepCapabilities(t *testing.T) {
	public := testBinary()
	if os.Getenv(insideVar) != t.Name() {
		requires(t, asRoot)
		public = publicBinary(t)
	}
	if !ownProcess(t, func(c *exec.Cmd) {
		c.Path, c.Dir = public, "/"
		c.SysProcAttr = &syscall.SysProcAttr{
			Credential:  &syscall.Credential{Uid: 65534, Gid: 65534},
			AmbientCaps: []uintptr{unix.CAP_SYS_CHROOT, unix.CAP_NET_RAW, unix.CAP_KILL},
		}
	}) {
		return
	}
	runtime.LockOSThread()
	sameInTwoStages(t, "all ambient")
	for _, c := range []uintptr{unix.CAP_SYS_CHROOT, unix.CAP_KILL} { // as a file's capabilities are
		if err := unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_LOWER, c, 0, 0); err != nil {
			t.Fatal(err)
		}
	}
	sameInTwoStages(t, "one ambient")
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var sets [2]unix.CapUserData
	if err := unix.Capget(&header, &sets[0]); err != nil {
		t.Fatal(err)
	}
	sets[0].Inheritable = 1 << unix.CAP_NET_RAW
	sets[0].Effective &^= 1 << unix.CAP_KILL
	if err := unix.Capset(&header, &sets[0]); err != nil {
		t.Fatal(err)
	}
	sameInTwoStages(t, "one inheritable")
}

func sameInTwoStages(t *testing.T, what string) {
	t.Helper()
	caps := func(sys *syscall.SysProcAttr, attr *Attr) string {
		var list []string
		for line := range strings.Lines(printed(t, sys, attr, "/bin/cat", "/proc/self/status")) {
			if strings.HasPrefix(line, "Cap") {
				list = append(list, strings.Join(strings.Fields(line), " "))
			}
		}
		return strings.Join(list, ", ")
	}
	want := caps(nil, nil)
	memory := &Attr{THPDisable: THPDisableCompletely} // which takes a second stage
	if got := caps(nil, memory); got != want {
		t.Errorf("%s, with a second stage: %s\nwithout: %s", what, got, want)
	}
	for _, attr := range []*Attr{nil, memory, {Init: &Init{}}} {
		if got := caps(&syscall.SysProcAttr{Chroot: "/"}, attr); got != want {
			t.Errorf("%s, in another root: %s\nwant %s", what, got, want)
		}
	}
}
