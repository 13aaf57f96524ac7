//go:build amd64 || arm64

package sprog

import (
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// A program that is a script for the interpreter /proc/self/exe is executed by
// whatever the process that starts it has executed: CVE-2019-5736. In another
// root that is not the caller's binary, which whoever prepares the program could
// open there, and write to.
func TestOwnBinaryStaysOutside(t *testing.T) {
	requires(t, asRoot)
	if !ownProcess(t, func(c *exec.Cmd) { c.SysProcAttr = &syscall.SysProcAttr{Unshareflags: unix.CLONE_NEWNS} }) {
		return
	}
	root := rootOfVictim(t)
	jail := newJail(t, root, unix.CLONE_NEWNS|unix.CLONE_NEWPID)
	inJail := joiningJail(jail, MountNamespace|PIDNamespace)
	for _, how := range []struct {
		name string
		into func(*Cmd)
	}{
		{"chroot", func(c *Cmd) { sys(c).Chroot = root }},
		{"chroot, another user", func(c *Cmd) {
			sys(c).Chroot, sys(c).Credential = root, &syscall.Credential{Uid: 65534, Gid: 65534}
		}},
		{"mount namespace", joiningJail(jail, MountNamespace)},
		{"mount and PID namespace", inJail},
		{"mount and PID namespace, and others", func(c *Cmd) {
			inJail(c)
			sys(c).Cloneflags = unix.CLONE_NEWNS | unix.CLONE_NEWUTS
		}},
		{"with an init", func(c *Cmd) { inJail(c); attr(c).Init = &Init{} }},
		{"program by descriptor", func(c *Cmd) {
			inJail(c)
			program := openProgram(t, root+"/bin/victim")
			attr(c).Program, c.ExtraFiles = program, []*os.File{program}
		}},
	} {
		c := &Cmd{Path: "/bin/victim"}
		how.into(c)
		out, _ := c.Output()
		told(t, how.name, string(out))
	}
	for _, how := range []string{"chroot", "mount"} {
		out, _ := helperCommand("exec-victim", how, root, strconv.Itoa(jail.pid)).Output()
		told(t, "exec into "+how, string(out))
	}
}

// told checks what a victim says of itself. It may as well not be there to say
// something.
func told(t *testing.T, what, out string) {
	t.Helper()
	if own := identityOf(testBinary()); strings.Contains(out, own) {
		t.Errorf("%s: the program is executed by the caller's binary, %s:\n%s", what, own, out)
	}
}

func identityOf(path string) string {
	var st unix.Stat_t
	if err := unix.Stat(path, &st); err != nil {
		return err.Error()
	}
	return identity(&st)
}

// /bin/victim: what the process has executed, and whether that can be written to.
var _ = helper("/bin/victim", func([]string) int {
	fmt.Println("executed is", identityOf("/proc/self/exe"))
	return 0
})

// exec-victim HOW ROOT PID: become /bin/victim in another root.
var _ = helper("exec-victim", func(args []string) int {
	c := &Cmd{Path: "/bin/victim", Stdout: os.Stdout, Stderr: os.Stderr}
	if args[0] == "chroot" {
		sys(c).Chroot = args[1]
	} else {
		pid, _ := strconv.Atoi(args[2])
		joiningJail(container{pid}, MountNamespace)(c)
	}
	fmt.Fprintln(os.Stderr, c.Exec())
	return 1
})

// rootOfVictim is a root with /bin/victim and a copy of the test's binary.
func rootOfVictim(t *testing.T) string {
	t.Helper()
	root := rootWithProc(t)
	binary, err := os.ReadFile(testBinary())
	if err == nil {
		err = os.Remove(root + "/bin/test") // which is a link
	}
	if err != nil {
		t.Fatal(err)
	}
	writeProgram(t, root+"/bin/test", binary)
	writeProgram(t, root+"/bin/victim", []byte("#!/proc/self/exe\n"))
	return root
}

// The first process of a container looks at /proc/PID/exe of all that come in, with
// all rights of root's.
func TestOwnBinaryIsNotSeen(t *testing.T) {
	requires(t, asRoot)
	if !ownProcess(t, func(c *exec.Cmd) { c.SysProcAttr = &syscall.SysProcAttr{Unshareflags: unix.CLONE_NEWNS} }) {
		return
	}
	root := rootOfVictim(t)
	jail := helperCommand("thief", root, identityOf(testBinary()))
	jail.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNS | unix.CLONE_NEWPID, Pdeathsig: syscall.SIGKILL}
	lines := startReady(t, jail)
	for _, init := range []*Init{nil, {}} {
		for range 100 {
			c := &Cmd{Path: "/bin/test", Args: []string{"test", "hang", ""}, Attr: &Attr{Init: init}}
			attr(c).Join = []Namespace{{PID: jail.Process.Pid, Kinds: MountNamespace | PIDNamespace}}
			startReady(t, c)
			c.Process.Kill()
			c.Wait()
		}
	}
	jail.Process.Signal(syscall.SIGTERM)
	var met, found int
	line, err := lines.ReadString('\n')
	if _, scanErr := fmt.Sscan(line, &met, &found); err != nil || scanErr != nil {
		t.Fatalf("the first process says %q: %v", line, err)
	}
	jail.Wait()
	if met == 0 || found > 0 {
		t.Errorf("the first process has seen %d processes, and the caller's binary %d times; want some, and 0", met, found)
	}
	t.Logf("%d processes seen", met)
}

// thief ROOT BINARY: be in a jail, and look all the time whether a process has
// executed BINARY, until SIGTERM. Print how many processes were seen.
var _ = helper("thief", func(args []string) int {
	if err := enterJail(args[0], func() error { return unix.Mount("proc", args[0]+"/proc", "proc", 0, "") }); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, syscall.SIGTERM)
	fmt.Println("ready")
	seen, found := map[int]bool{}, 0
	for len(ended) == 0 {
		for _, pid := range visible() {
			exe := "/proc/" + strconv.Itoa(pid) + "/exe"
			if is := identityOf(exe); is == args[1] {
				found++
			} else if strings.Contains(is, ":") {
				seen[pid] = true
			}
			if f, err := os.OpenFile(exe, os.O_WRONLY, 0); err == nil {
				var st unix.Stat_t
				if unix.Fstat(int(f.Fd()), &st) == nil && identity(&st) == args[1] {
					found++
				}
				f.Close()
			}
		}
	}
	fmt.Println(len(seen), found)
	return 0
})
