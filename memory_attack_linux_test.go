//go:build amd64 || arm64

package sprog

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/compile"
	"github.com/sprog-dev/sprog/internal/launch"
)

// A process that holds a capability starts programs in user namespaces, while another
// of the same user's, which has none, tries to read its memory through
// the children: it owns those namespaces as well. Without what keeps it out, it does.
func TestMemoryIsSafe(t *testing.T) {
	if !alone(t) {
		return
	}
	for _, uid := range []uint32{65534, 0} {
		memoryIsSafe(t, uid, "net_bind_service", "setfcap") // root needs the other for its map
	}
}

// So does one that holds none, where Yama lets no process trace others than its own descendants.
func TestMemoryIsSafeUnderYama(t *testing.T) {
	if os.Getpid() != 1 {
		requires(t, restrictingYama)
	}
	if alone(t) {
		memoryIsSafe(t, 65534)
	}
}

var restrictingYama = &requirement{what: "kernel.yama.ptrace_scope = 1", works: func() error {
	scope, err := os.ReadFile("/proc/sys/kernel/yama/ptrace_scope")
	if err == nil && strings.TrimSpace(string(scope)) != "1" {
		err = fmt.Errorf("it is %s", scope)
	}
	return err
}}

// alone runs the test as root in a PID namespace, whose processes are its own.
func alone(t *testing.T) bool {
	t.Helper()
	if os.Getpid() != 1 {
		requires(t, asRoot, userNamespaces)
		public := publicBinary(t)
		return ownProcess(t, func(c *exec.Cmd) {
			c.Path = public
			c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWPID | unix.CLONE_NEWNS}
		})
	}
	if err := unix.Mount("none", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("proc", "/proc", "proc", 0, ""); err != nil {
		t.Fatal(err)
	}
	return true
}

// memoryIsSafe has a process of the user's with those capabilities start programs.
func memoryIsSafe(t *testing.T, uid uint32, caps ...string) {
	t.Helper()
	guarded := 300
	if testing.Short() {
		guarded = 50
	}
	for how := range launches {
		if n := raided(t, uid, caps, how, "guarded", guarded); n != 0 {
			t.Errorf("a process of user %d got at the memory of another, which started a program with %s, %d times; want 0", uid, how, n)
		}
		if how == "init" || testing.Short() {
			continue // in an init nothing of it is, guarded or not; and in an emulator the raid takes minutes
		}
		if n := raided(t, uid, caps, how, "open", 10000); n == 0 {
			t.Errorf("a process of user %d did not get at the memory of another that was open to it, which started a program with %s: the test proves nothing", uid, how)
		}
	}
}

// launches are ways into a user namespace.
var launches = map[string]func(*Cmd){
	"maps":          intoUserNamespace(0, nil),
	"PID namespace": intoUserNamespace(unix.CLONE_NEWPID, nil),
	"no maps": func(c *Cmd) {
		c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER}
	},
	"own maps": func(c *Cmd) {
		c.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWUSER, UidMappings: uidToRoot, GidMappings: gidToRoot}
	},
	"init": intoUserNamespace(unix.CLONE_NEWPID, &Attr{Init: &Init{}}),
}

// raided has a process of the user's start a program many times while another
// one tries to get at its memory, or until it has. It returns how often it has.
func raided(t *testing.T, uid uint32, caps []string, how, standing string, starts int) (found int) {
	t.Helper()
	launcher := talkTo(t, uid, caps, "launch-guarded", how, standing)
	defer launcher.end()
	raid := talkTo(t, uid, nil, "raid", launcher.hears(t))
	defer raid.end()
	raider := spy(raid.talk)
	met := 0
	for range starts {
		fmt.Fprintln(launcher.in)
		if said := launcher.hears(t); said != "started" {
			t.Fatalf("%s, %s: %s", how, standing, said)
		}
		denied, got := raider.asked()
		met += denied + got
		if found += got; found > 0 {
			break
		}
	}
	if met == 0 {
		t.Errorf("%s: the raider never met a child", how)
	}
	t.Logf("user %d, %s, %s: %d tries, %d successful", uid, how, standing, met, found)
	return found
}

// A talk is with a helper that answers a line for each that it reads.
type talk spy

type helperTalk struct {
	talk
	c *Cmd
}

func (h helperTalk) end() { h.in.Close(); h.c.Wait() }

func (s talk) hears(t *testing.T) string {
	t.Helper()
	if !s.out.Scan() {
		t.Fatal("the helper has ended")
	}
	return s.out.Text()
}

// talkTo starts a helper as a user, with those capabilities and no others.
func talkTo(t *testing.T, uid uint32, caps []string, name string, args ...string) helperTalk {
	t.Helper()
	c := helperCommand(name, args...)
	c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid}}
	exactly := CapSet{Drop: []string{"all"}, Add: caps}
	c.Attr = &Attr{Caps: &Caps{Bounding: exactly, Inheritable: exactly, Ambient: exactly}}
	c.Stderr = os.Stderr
	in, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := c.StdoutPipe()
	if err == nil {
		err = c.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	return helperTalk{talk{in.(*os.File), bufio.NewScanner(out)}, c}
}

// launch-guarded HOW STANDING: print where in memory a secret is. For each line read, start a
// program that way, as a process that is open to others of its user's if STANDING
// is "open".
var _ = helper("launch-guarded", func(args []string) int {
	secret, err := unix.Mmap(-1, 0, os.Getpagesize(), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON)
	if err != nil {
		fmt.Println(err)
		return 1
	}
	copy(secret, secretFile)
	if args[1] == "open" {
		is := launch.OwnStanding()
		launch.OwnStanding = func() compile.Standing { return compile.Standing{Root: is.Root} }
	}
	fmt.Println(strconv.FormatUint(uint64(uintptr(unsafe.Pointer(&secret[0]))), 16))
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		c := &Cmd{Path: "/bin/true", Dir: "/" + strings.Repeat("proc/../", 500)} // that takes some time
		launches[args[0]](c)
		if err := c.Run(); err != nil {
			fmt.Println(err)
			continue
		}
		fmt.Println("started")
	}
	return 0
})

// raid ADDRESS: try all the time to get at the memory of the processes that /proc
// shows. For each line read, print how often that was denied and how often it
// found the secret.
var _ = helper("raid", func(args []string) int {
	address, _ := strconv.ParseUint(args[0], 16, 64)
	asked := make(chan bool)
	go func() {
		for in := bufio.NewScanner(os.Stdin); in.Scan(); {
			asked <- true
		}
		close(asked)
	}()
	runtime.LockOSThread() // it is a thread that traces
	var p prying
	for {
		select {
		case _, more := <-asked:
			if !more {
				return 0
			}
			fmt.Println(p.denied, p.got)
			p = prying{}
		default:
			for _, pid := range visible() {
				p.memory(pid, uintptr(address))
			}
		}
	}
})
