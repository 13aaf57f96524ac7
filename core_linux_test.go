//go:build amd64 || arm64

package sprog

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/launch"
	"github.com/sprog-dev/sprog/internal/program"
)

// coresAre makes starts, and plans, those of a process with that limit on core files.
func coresAre(t *testing.T, limit unix.Rlimit, possible bool) {
	before := launch.CoreLimit
	t.Cleanup(func() { launch.CoreLimit = before })
	launch.CoreLimit = func() (unix.Rlimit, bool) { return limit, possible }
}

// coreFiles are left in the working directory.
var coreFiles = &requirement{what: "core files in the working directory", works: func() error {
	pattern, err := os.ReadFile("/proc/sys/kernel/core_pattern")
	if err == nil && strings.ContainsAny(string(pattern), "/|@") {
		err = syscall.EOPNOTSUPP
	}
	if most := coresLimit(); err == nil && most < 1<<30 && raisingLimits.works() != nil {
		err = fmt.Errorf("the hard limit on them is %d", most)
	}
	return err
}}

// coresLimit is the hard limit on core files.
func coresLimit() uint64 {
	var limit unix.Rlimit
	unix.Getrlimit(unix.RLIMIT_CORE, &limit)
	return limit.Max
}

// A child that dies before it executes leaves no core file, but at its first and its
// last step.
func TestNoCoreFile(t *testing.T) {
	requires(t, coreFiles)
	if !ownProcess(t, nil) {
		return
	}
	allowCores(t)
	for name, prepare := range map[string]func(*Cmd){
		"a plain start": func(*Cmd) {},
		"a directory and limits": func(c *Cmd) {
			c.Dir, c.Attr = ".", &Attr{Rlimits: []Rlimit{{Resource: unix.RLIMIT_CORE, Cur: 1 << 20, Max: 1 << 30}}}
		},
		"a second stage": func(c *Cmd) { withSecond(c) },
	} {
		var left []string
		c := &Cmd{Path: "/bin/true"}
		prepare(c)
		steps, _ := stepsOf(t, c)
		for i, s := range steps {
			if dies(t, c, i) {
				left = append(left, s.Call.String())
			}
		}
		last := steps[len(steps)-1].Call.String()
		if want := []string{"prlimit64", last}; strings.Join(left, " ") != strings.Join(want, " ") {
			t.Errorf("%s: the steps that leave a core file are %v; want %v, the first and the last", name, left, want)
		}
	}
}

// Memory that another user might reach is dumped by no step.
func TestNoCoreFileOfOthers(t *testing.T) {
	requires(t, coreFiles, asRoot, userNamespaces)
	if !ownProcess(t, nil) {
		return
	}
	allowCores(t)
	for name, sys := range map[string]*syscall.SysProcAttr{
		"a change of the user": {Credential: &syscall.Credential{Uid: 65534, Gid: 65534}},
		"a user namespace":     {Cloneflags: unix.CLONE_NEWUSER, UidMappings: uidToRoot, GidMappings: gidToRoot},
	} {
		c := &Cmd{Path: "/bin/true", SysProcAttr: sys}
		steps, _ := stepsOf(t, c)
		for i, s := range steps {
			if dies(t, c, i) {
				t.Errorf("%s: %v leaves a core file", name, s.Call)
			}
		}
	}
}

// The program has the limit that it was to have.
func TestCoreLimit(t *testing.T) {
	const most = 8192
	requires(t, &requirement{what: "a hard limit on core files", works: func() error {
		if coresLimit() < most && raisingLimits.works() != nil {
			return syscall.EPERM
		}
		return nil
	}})
	if !ownProcess(t, nil) {
		return
	}
	const mine = "Max core file size 4096 8192 bytes"
	for _, test := range []struct {
		attr *Attr
		want string
	}{
		{nil, mine},
		{&Attr{THPDisable: THPDisableCompletely}, mine},
		{&Attr{Rlimits: []Rlimit{{Resource: unix.RLIMIT_CORE, Cur: 0, Max: 0}}}, "Max core file size 0 0 bytes"},
		{&Attr{Rlimits: []Rlimit{{Resource: unix.RLIMIT_CORE, Cur: 5, Max: 7}}}, "Max core file size 5 7 bytes"},
		{&Attr{Rlimits: []Rlimit{{Resource: unix.RLIMIT_CORE, Cur: 5, Max: 7}}, Init: &Init{}}, "Max core file size 5 7 bytes"},
	} {
		for _, piped := range []bool{false, true} {
			limit := unix.Rlimit{Cur: 4096, Max: most}
			if err := unix.Setrlimit(unix.RLIMIT_CORE, &limit); err != nil {
				t.Fatal(err)
			}
			coresAre(t, limit, piped)
			c := Command("/bin/grep", "core file", "/proc/self/limits")
			c.Attr = test.attr
			if got := strings.Join(strings.Fields(outputOf(t, c)), " "); got != test.want {
				t.Errorf("guarded %v, with %+v: %s; want %s", piped, test.attr, got, test.want)
			}
		}
	}
}

// allowCores has this process leave core files, in a directory of its own.
func allowCores(t *testing.T) {
	t.Helper()
	t.Chdir(t.TempDir())
	most := coresLimit()
	if raisingLimits.works() == nil {
		most = unix.RLIM_INFINITY
	}
	limit := unix.Rlimit{Cur: most, Max: most}
	if err := unix.Setrlimit(unix.RLIMIT_CORE, &limit); err != nil {
		t.Fatal(err)
	}
}

// dies has the child of a start die at a step, and reports whether that has left a core file.
func dies(t *testing.T, c *Cmd, step int) bool {
	t.Helper()
	c = again(c)
	c.inspect = func(first, _ *program.Program) { first.Fault = &program.Fault{Step: step, Die: true} }
	if err := c.Start(); err == nil {
		end(t, c) // nobody came by
		return false
	}
	cores, _ := filepath.Glob("core*")
	for _, file := range cores {
		os.Remove(file)
	}
	return len(cores) > 0
}
