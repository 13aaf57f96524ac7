//go:build amd64 || arm64

package sprog

import (
	"errors"
	"fmt"
	"os"
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
		l := Rlimit{Resource: resource, Cur: 1<<30 + uint64(resource), Max: 1<<31 + uint64(resource)}
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
	for _, resource := range []int{unix.RLIMIT_CPU, unix.RLIMIT_NOFILE} {
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
