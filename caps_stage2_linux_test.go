//go:build amd64 || arm64

package sprog

import (
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

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
