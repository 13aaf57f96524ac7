//go:build amd64 || arm64

package sprog

import (
	"errors"
	"fmt"
	"os"
	"reflect"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/kernel"
	"github.com/sprog-dev/sprog/internal/spec"
)

// pretendLandlock has the kernel's answer about Landlock be another one.
func pretendLandlock(t *testing.T, k kernel.Landlock) {
	t.Helper()
	before := kernel.Known.Landlock.Ask()
	kernel.Known.Landlock.Store(&k)
	t.Cleanup(func() { kernel.Known.Landlock.Store(&before) })
}

// Each right needs the ABI that it came with.
func TestLandlockStrict(t *testing.T) {
	all := &LandlockFiles{Rules: []LandlockPath{everywhere}}
	for _, test := range []struct {
		kernel   kernel.Landlock
		landlock Landlock
		want     string
	}{
		{kernel.Landlock{Errno: unix.ENOSYS}, Landlock{ABI: 1, Files: all}, "(Attr.Landlock): this kernel has no Landlock"},
		{kernel.Landlock{Errno: unix.EOPNOTSUPP}, Landlock{ABI: 1, Files: all},
			"(Attr.Landlock): Landlock is disabled on this machine: the kernel's parameter lsm= does not list it"},
		{kernel.Landlock{Errno: unix.EPERM}, Landlock{ABI: 1, Files: all},
			"(Attr.Landlock): Landlock is refused: landlock_create_ruleset: operation not permitted"},
		{kernel.Landlock{ABI: 1}, Landlock{ABI: 7, Files: all},
			"LANDLOCK_ACCESS_FS_REFER (Attr.Landlock.Files): needs Landlock ABI 2, Linux 5.19; this kernel has ABI 1" +
				" (Attr.Landlock.ABI 1 asks for the rights that this kernel has, and Attr.Landlock.BestEffort for those that each kernel has)"},
		{kernel.Landlock{ABI: 7}, Landlock{Files: all},
			"LANDLOCK_ACCESS_FS_RESOLVE_UNIX (Attr.Landlock.Files): needs Landlock ABI 9, Linux 7.1; this kernel has ABI 7" +
				" (Attr.Landlock.ABI 7 asks for the rights that this kernel has, and Attr.Landlock.BestEffort for those that each kernel has)"},
		{kernel.Landlock{ABI: 3}, Landlock{ABI: 3, Ports: &LandlockPorts{Handled: LandlockConnectTCP}},
			"LANDLOCK_ACCESS_NET_CONNECT_TCP (Attr.Landlock.Ports): needs Landlock ABI 4, Linux 6.7; this kernel has ABI 3"},
		{kernel.Landlock{ABI: 9}, Landlock{ABI: 9, Ports: &LandlockPorts{Handled: LandlockBindUDP}},
			"LANDLOCK_ACCESS_NET_BIND_UDP (Attr.Landlock.Ports): needs Landlock ABI 10, Linux 7.2; this kernel has ABI 9"},
		{kernel.Landlock{ABI: 5}, Landlock{ABI: 5, Scopes: LandlockScopeSignal},
			"LANDLOCK_SCOPE_SIGNAL (Attr.Landlock.Scopes): needs Landlock ABI 6, Linux 6.12; this kernel has ABI 5"},
		{kernel.Landlock{ABI: 6}, Landlock{ABI: 6, Files: all, Log: LandlockLogNewExecOn},
			"LANDLOCK_RESTRICT_SELF_LOG_NEW_EXEC_ON (Attr.Landlock.Log): needs Landlock ABI 7, Linux 6.15; this kernel has ABI 6"},
	} {
		t.Run(test.want, func(t *testing.T) {
			pretendLandlock(t, test.kernel)
			err := (&Cmd{Path: "/bin/true", Attr: &Attr{NoNewPrivs: true, Landlock: &test.landlock}}).Run()
			if want := "sprog: start /bin/true: " + test.want; err == nil || err.Error() != want {
				t.Errorf("Run() = %v\nwant    %s", err, want)
			}
			if unsupported := errors.Is(err, errors.ErrUnsupported); unsupported != (test.kernel.Errno != unix.EPERM) {
				t.Errorf("Run() = %v; want errors.ErrUnsupported", err)
			}
		})
	}
}

// What best effort leaves out is told, and the program runs.
func TestLandlockBestEffort(t *testing.T) {
	requires(t, landlockABI(7))
	const allFiles = 1<<17 - 1
	asked := Landlock{
		BestEffort: true, Scopes: LandlockScopeSignal, Log: LandlockLogNewExecOn,
		Files: &LandlockFiles{Rules: []LandlockPath{everywhere}}, Ports: &LandlockPorts{},
	}
	everything := LandlockSet{allFiles, 15, LandlockScopeSignal, LandlockLogNewExecOn}
	for _, test := range []struct {
		kernel  kernel.Landlock
		applied LandlockSet
		reason  string
	}{
		{kernel.Landlock{Errno: unix.ENOSYS}, LandlockSet{}, "this kernel has no Landlock"},
		{kernel.Landlock{ABI: 1}, LandlockSet{Files: 1<<13 - 1}, ""},
		{kernel.Landlock{ABI: 3}, LandlockSet{Files: 1<<15 - 1}, ""},
		{kernel.Landlock{ABI: 4}, LandlockSet{Files: 1<<15 - 1, Ports: 3}, ""},
		{kernel.Landlock{ABI: 7}, LandlockSet{1<<16 - 1, 3, LandlockScopeSignal, LandlockLogNewExecOn}, ""},
	} {
		t.Run(fmt.Sprint("ABI ", test.kernel.ABI), func(t *testing.T) {
			pretendLandlock(t, test.kernel)
			c := &Cmd{Path: "/bin/true", Attr: &Attr{NoNewPrivs: true, Landlock: &asked}}
			if err := c.Run(); err != nil {
				t.Fatal(err)
			}
			want := &LandlockResult{test.kernel.ABI, test.reason, test.applied, without(everything, test.applied)}
			if got := c.Birth.Landlock; !reflect.DeepEqual(got, want) {
				t.Errorf("Birth.Landlock = %+v; want %+v", got, want)
			}
		})
	}
}

// without is what the other set lacks.
func without(s, o LandlockSet) LandlockSet {
	return LandlockSet{s.Files &^ o.Files, s.Ports &^ o.Ports, s.Scopes &^ o.Scopes, s.Log &^ o.Log}
}

// The kernel denies what an older ABI has and allows what it lacks.
func TestLandlockOlderABI(t *testing.T) {
	requires(t, landlockABI(3))
	in, _ := landlockDirs(t)
	pretendLandlock(t, kernel.Landlock{ABI: 2})
	l := lockedFiles(0, LandlockPath{Path: in, Rights: LandlockRead | LandlockWriteFile})
	l.BestEffort = true
	if got := lockedShell(t, l, ": >$1/file; cat $1/file; touch $1/new", in); got != "touch: cannot touch '"+in+"/new': Permission denied\n" {
		t.Errorf("printed %q; want that the file was truncated, and nothing made", got)
	}
}

// A log flag alone makes no domain.
func TestLandlockNothingLeft(t *testing.T) {
	pretendLandlock(t, kernel.Landlock{ABI: 7})
	res, err := (&Landlock{Ports: &LandlockPorts{Handled: LandlockBindUDP}, Log: LandlockLogNewExecOn, BestEffort: true}).spec().Resolve(kernel.Known.Landlock.Ask())
	if err != nil || res.Applied != (spec.LandlockSet{}) {
		t.Errorf("resolve = %v, %v; want nothing applied", res, err)
	}
}

func TestLandlockSetNames(t *testing.T) {
	for want, set := range map[string]LandlockSet{
		"nothing": {},
		"LANDLOCK_ACCESS_FS_EXECUTE|LANDLOCK_ACCESS_NET_BIND_TCP|LANDLOCK_SCOPE_SIGNAL": {Files: LandlockExecute, Ports: LandlockBindTCP, Scopes: LandlockScopeSignal},
	} {
		if got := set.String(); got != want {
			t.Errorf("String = %s; want %s", got, want)
		}
	}
}

func TestBadLandlock(t *testing.T) {
	closedFile := tempFile(t)
	closedFile.Close()
	bad := func(name string, l Landlock, want string) badStart {
		return badStart{name, by(&Attr{NoNewPrivs: true, Landlock: &l}), syscall.EINVAL, want}
	}
	rule := func(p LandlockPath) Landlock {
		return Landlock{ABI: 1, Files: &LandlockFiles{Rules: []LandlockPath{everywhere, p}}}
	}
	list := []badStart{
		bad("nothing", Landlock{Log: LandlockLogNewExecOn}, "(Attr.Landlock): restricts nothing: it needs Files, Ports or Scopes"),
		bad("ABI", Landlock{ABI: 11, Scopes: 1}, "11 (Attr.Landlock.ABI): is no version that sprog knows: 1 to 10"),
		bad("negative ABI", Landlock{ABI: -1, Scopes: 1}, "-1 (Attr.Landlock.ABI): is no version that sprog knows: 1 to 10"),
		bad("ABI without ports", Landlock{ABI: 3, Ports: &LandlockPorts{}}, "3 (Attr.Landlock.ABI): has no rights to ports: 4 is the first that has"),
		bad("scope", Landlock{Scopes: 5}, "0x4 (Attr.Landlock.Scopes): is no scope"),
		bad("log", Landlock{Scopes: 1, Log: 8}, "0x8 (Attr.Landlock.Log): is no flag of the log"),
		bad("right", Landlock{Files: &LandlockFiles{Handled: 1 << 17}}, "0x20000 (Attr.Landlock.Files.Handled): is no right to files"),
		bad("port right", Landlock{Ports: &LandlockPorts{Handled: 16}}, "0x10 (Attr.Landlock.Ports.Handled): is no right to ports"),
		bad("no path", rule(LandlockPath{Rights: 1}), "(Attr.Landlock.Files.Rules[1]): has neither Path nor File"),
		bad("two paths", rule(LandlockPath{Path: "/x", File: os.Stdin, Rights: 1}), "/dev/stdin (Attr.Landlock.Files.Rules[1]): has both Path and File"),
		bad("NUL", rule(LandlockPath{Path: "/\x00", Rights: 1}), `"/\x00" (Attr.Landlock.Files.Rules[1]): contains a NUL byte`),
		bad("no rights", rule(LandlockPath{Path: "/x"}), "/x (Attr.Landlock.Files.Rules[1]): gives no right that is handled"),
		bad("not handled", rule(LandlockPath{Path: "/x", Rights: LandlockTruncate}), "/x (Attr.Landlock.Files.Rules[1]): gives no right that is handled"),
		bad("unknown rights", rule(LandlockPath{Path: "/x", Rights: 1<<40 | 1}), "/x (Attr.Landlock.Files.Rules[1]): 0x10000000000 is no right to files"),
		bad("port", Landlock{Ports: &LandlockPorts{Rules: []LandlockPort{{80, 0}}}}, "port 80 (Attr.Landlock.Ports.Rules[0]): gives no right that is handled"),
		bad("unknown port right", Landlock{Ports: &LandlockPorts{Rules: []LandlockPort{{80, 32}}}}, "port 80 (Attr.Landlock.Ports.Rules[0]): 0x20 is no right to ports"),
	}
	wantRefused(t, list)

	requires(t, landlockABI(1))
	wantRefused(t, []badStart{
		{"missing", by(&Attr{NoNewPrivs: true, Landlock: new(rule(LandlockPath{Path: "/no/such", Rights: LandlockRead}))}), syscall.ENOENT,
			"openat /no/such (Attr.Landlock.Files.Rules[1]): no such file or directory (/no does not exist)"},
		{"no directory", by(&Attr{NoNewPrivs: true, Landlock: new(rule(LandlockPath{Path: "/dev/null", Rights: LandlockReadDir}))}), syscall.EINVAL,
			"landlock_add_rule /dev/null (Attr.Landlock.Files.Rules[1]): invalid argument (the rights are about directories, and it is none)"},
		{"closed", by(&Attr{NoNewPrivs: true, Landlock: new(rule(LandlockPath{File: closedFile, Rights: LandlockReadFile}))}), os.ErrClosed,
			closedFile.Name() + " (Attr.Landlock.Files.Rules[1]): file already closed"},
	})
}

func TestLandlockNeedsNoNewPrivs(t *testing.T) {
	requires(t, unprivileged)
	wantRefused(t, []badStart{{"ordinary user", by(&Attr{Landlock: lockedFiles(1)}), syscall.EPERM,
		"(Attr.Landlock): needs Attr.NoNewPrivs, or CAP_SYS_ADMIN, which this process lacks"}})
}
