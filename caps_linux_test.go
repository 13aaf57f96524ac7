//go:build amd64 || arm64

package sprog

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/kernel"
)

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
