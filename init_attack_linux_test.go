//go:build amd64 || arm64

package sprog

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/kernel"
	"github.com/sprog-dev/sprog/internal/program"
)

// Root in a user namespace, with every capability there, cannot trace the init
// that started it, nor get at its memory or files: no filter of the program's
// binds an init. Without what keeps it out, it can.
func TestInitIsSafe(t *testing.T) {
	requires(t, userNamespaces)
	public := publicBinary(t)
	if os.Geteuid() == 0 {
		t.Run("root", func(t *testing.T) { initsAreSafe(t) })
	}
	t.Run("user", func(t *testing.T) {
		if os.Geteuid() != 0 || ownProcess(t, func(c *exec.Cmd) {
			c.Path, c.Dir = public, "/"
			c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
		}) {
			initsAreSafe(t)
		}
	})
}

func initsAreSafe(t *testing.T) {
	for name, sys := range map[string]syscall.SysProcAttr{
		"born into a user and a PID namespace": {Cloneflags: unix.CLONE_NEWUSER | unix.CLONE_NEWPID | unix.CLONE_NEWNS},
		"born into a user namespace":           {Cloneflags: unix.CLONE_NEWUSER},
		"that unshares its user namespace":     {Unshareflags: unix.CLONE_NEWUSER},
	} {
		sys.UidMappings, sys.GidMappings = idOf(0, os.Getuid()), idOf(0, os.Getgid())
		try := func(inspect func(_, second *program.Program)) string {
			c := helperCommand("trace-init")
			c.SysProcAttr, c.Attr, c.inspect = &sys, &Attr{Init: &Init{}}, inspect
			return outputOf(t, c)
		}
		if out := try(nil); out != "root\n" {
			t.Errorf("an init %s: root inside says %q; want only that it is root", name, out)
		}
		if out := try(func(_, second *program.Program) { stayDumpable(second) }); out != allOfInit {
			t.Errorf("an init %s that stays dumpable: root inside says %q; want %q", name, out, allOfInit)
		}
	}
}

// allOfInit is what trace-init says that may do all it tries.
const allOfInit = "root\nseize\nattach\nmemory\nfiles\ndescriptor\n"

// An init is not safe from those who have the right to trace whatever the
// caller's user namespace has executed.
func TestInitIsOpenToRootOutside(t *testing.T) {
	requires(t, asRoot)
	c := helperCommand("trace-init")
	c.Attr = &Attr{Init: &Init{}}
	if out := outputOf(t, c); out != allOfInit {
		t.Errorf("root in the init's user namespace says %q; want %q", out, allOfInit)
	}
}

// trace-init: print whether it is root, with CAP_SYS_PTRACE, and what it can do to its
// parent.
var _ = helper("trace-init", func([]string) int {
	runtime.LockOSThread() // it is a thread that traces
	if os.Geteuid() == 0 && kernel.HasCap(unix.CAP_SYS_PTRACE) {
		fmt.Println("root")
	}
	init := os.Getppid()
	if init == 1 { // of another PID namespace than the one that /proc shows
		if err := unix.Mount("proc", "/proc", "proc", 0, ""); err != nil {
			fmt.Println(err)
		}
	}
	stopped := func(err error) bool {
		if err != nil {
			return false
		}
		unix.Wait4(init, nil, unix.WALL, nil)
		unix.PtraceDetach(init)
		return true
	}
	if err := unix.PtraceSeize(init); err == nil {
		unix.PtraceInterrupt(init)
		stopped(nil)
		fmt.Println("seize")
	}
	if stopped(unix.PtraceAttach(init)) {
		fmt.Println("attach")
	}
	const image = 0x400000
	buf := make([]byte, 4)
	local := []unix.Iovec{{Base: &buf[0], Len: uint64(len(buf))}}
	if _, err := unix.ProcessVMReadv(init, local, []unix.RemoteIovec{{Base: image, Len: len(buf)}}, 0); err == nil && strings.HasSuffix(string(buf), "ELF") {
		fmt.Println("memory")
	}
	if _, err := os.Readlink(fmt.Sprintf("/proc/%d/cwd", init)); err == nil {
		fmt.Println("files")
	}
	if pidfd, err := unix.PidfdOpen(init, 0); err == nil {
		if _, err := unix.PidfdGetfd(pidfd, 0, 0); err != unix.EPERM {
			fmt.Println("descriptor")
		}
	}
	return 0
})
