//go:build amd64 || arm64

package sprog

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/kernel"
)

// fakes are files of a /proc that are written to in a start, or executed.
var fakes = []string{
	"self/uid_map", "self/gid_map", "self/setgroups", "self/oom_score_adj", "self/timens_offsets",
	"thread-self/attr/exec", "thread-self/attr/apparmor/exec", "thread-self/children", "thread-self/stat",
	"sys/net/ipv4/ip_default_ttl", "sys/user/max_user_namespaces",
}

// A container has put files of its own where it has its /proc. What a start
// that joins it sets all the same is set, or the start fails; nothing is
// written to those files (CVE-2019-16884, CVE-2025-52881), and none is executed.
func TestFakeProc(t *testing.T) {
	requires(t, asRoot, userNamespaces)
	if !ownProcess(t, func(c *exec.Cmd) { c.SysProcAttr = &syscall.SysProcAttr{Unshareflags: unix.CLONE_NEWNS} }) {
		return
	}
	root := rootWithProc(t)
	box := newJail(t, root, unix.CLONE_NEWNS, "fake")
	proc := "/proc/" + strconv.Itoa(box.pid) + "/root/proc/"
	for _, lack := range []kernel.Missing{0, kernel.NoExecveat, kernel.NoCloseRange} {
		for _, asked := range settingByProc {
			t.Run(fmt.Sprint(asked.name, " without ", lack), func(t *testing.T) {
				requires(t, asked.needs...)
				lacked := kernel.Known.Lacks.Load()
				defer kernel.Known.Lacks.Store(lacked)
				kernel.Known.Learn(lack)
				c := &Cmd{Path: "/bin/test", Args: []string{"test", "hang", ""}, Stderr: os.Stderr}
				joiningJail(box, MountNamespace)(c)
				asked.prepare(t, c)
				startReady(t, c)
				defer func() { c.Process.Kill(); c.Wait() }()
				asked.check(t, strconv.Itoa(c.Process.Pid))
				filepath.WalkDir(proc, func(path string, d os.DirEntry, err error) error {
					if err == nil && !d.IsDir() && !strings.HasPrefix(path, proc+"self/fd/") && contentsOf(path) != "" {
						t.Errorf("%s was written to: %q", path, contentsOf(path))
						os.Truncate(path, 0)
					}
					return err
				})
				if exists(proc + "executed") {
					t.Error("a file of the container's was executed in place of the program or its second stage")
					os.Remove(proc + "executed")
				}
			})
		}
	}
}

// settingByProc are attributes that a file in /proc sets, and that show there.
var settingByProc = []struct {
	startCase
	check func(t *testing.T, pid string)
}{
	{startCase{"user namespace", nil, func(_ *testing.T, c *Cmd) {
		sys(c).Unshareflags |= unix.CLONE_NEWUSER
		sys(c).UidMappings, sys(c).GidMappings = oneID(0, 0), oneID(0, 0)
	}}, shows("uid_map", "0 0 1")},
	{startCase{"user namespace and init", nil, func(_ *testing.T, c *Cmd) {
		sys(c).Unshareflags |= unix.CLONE_NEWUSER
		sys(c).UidMappings, sys(c).GidMappings = oneID(0, 0), oneID(0, 0)
		attr(c).Init = &Init{}
	}}, shows("gid_map", "0 0 1")},
	{startCase{"no user namespaces", nil, func(_ *testing.T, c *Cmd) {
		sys(c).Unshareflags |= unix.CLONE_NEWUSER
		sys(c).UidMappings, sys(c).GidMappings = oneID(0, 0), oneID(0, 0)
		attr(c).ForbidUserNamespaces = true
	}}, shows("setgroups", "deny")},
	{startCase{"OOM score", nil, func(_ *testing.T, c *Cmd) { attr(c).OOMScoreAdj = new(500) }}, shows("oom_score_adj", "500")},
	{startCase{"time offsets", []*requirement{enteringTime}, func(_ *testing.T, c *Cmd) {
		sys(c).Unshareflags |= unix.CLONE_NEWTIME
		attr(c).TimeOffsets = &TimeOffsets{Boottime: 1e12}
	}}, shows("timens_offsets", "monotonic 0 0 boottime 1000 0")},
	{startCase{"kernel parameter", nil, func(_ *testing.T, c *Cmd) {
		sys(c).Unshareflags |= unix.CLONE_NEWNET
		attr(c).Sysctls = []Sysctl{{"net.ipv4.ip_default_ttl", "77"}}
	}}, func(t *testing.T, pid string) {
		n, _ := strconv.Atoi(pid)
		joined := &Attr{Join: []Namespace{{PID: n, Kinds: NetworkNamespace}}}
		if got := printed(t, nil, joined, "/bin/cat", "/proc/sys/net/ipv4/ip_default_ttl"); got != "77\n" {
			t.Errorf("net.ipv4.ip_default_ttl of the program is %q; want 77", got)
		}
	}},
	{startCase{"init", nil, func(_ *testing.T, c *Cmd) { attr(c).Init = &Init{} }}, shows("comm", "sprog-init")},
}

// shows checks what the caller's /proc shows of a process.
func shows(file, want string) func(*testing.T, string) {
	return func(t *testing.T, pid string) {
		t.Helper()
		if got := strings.Join(strings.Fields(contentsOf("/proc/"+pid+"/"+file)), " "); got != want {
			t.Errorf("%s of the process is %q; want %q", file, got, want)
		}
	}
}

// fakeProc makes files with the names of those in /proc, and programs with the names
// of its descriptors.
func fakeProc(dir string) error {
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, ""); err != nil {
		return err
	}
	for fd := range 40 {
		if err := os.MkdirAll(dir+"/self/fd", 0o777); err != nil {
			return err
		}
		script := "#!/bin/test fake\n"
		if err := os.WriteFile(dir+"/self/fd/"+strconv.Itoa(fd), []byte(script), 0o777); err != nil {
			return err
		}
	}
	for _, name := range fakes {
		if err := os.MkdirAll(filepath.Dir(dir+"/"+name), 0o777); err != nil {
			return err
		}
		if err := os.WriteFile(dir+"/"+name, nil, 0o666); err != nil {
			return err
		}
	}
	return nil
}

// fake: leave a mark.
var _ = helper("fake", func([]string) int {
	os.WriteFile("/proc/executed", nil, 0o666)
	return 0
})
