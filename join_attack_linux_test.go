//go:build amd64 || arm64

package sprog

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/compile"
	"github.com/sprog-dev/sprog/internal/program"
	"github.com/sprog-dev/sprog/internal/spec"
)

// secretFile is in the name of a file that only the launcher has open, and is
// what a page of its memory begins with.
const secretFile = "sprog-secret"

// Root in a namespace gets at nothing of the launcher's through the processes
// that join, neither its memory nor its files, however often it tries. Without
// the step that keeps it out, it does.
func TestJoinIsSafe(t *testing.T) {
	requires(t, asRoot, userNamespaces)
	const oneStage = NamespaceKind(spec.AllKinds) &^ (MountNamespace | TimeNamespace)
	if n := spiedOn(t, oneStage, nil, 300, func(*program.Program) {}); n != 0 {
		t.Errorf("root inside got at the launcher %d times; want 0", n)
	}
	for _, init := range []*Init{nil, {}} {
		if n := spiedOn(t, 0, init, 100, func(*program.Program) {}); n != 0 {
			t.Errorf("root inside got at the launcher through the second stage %d times; want 0", n)
		}
	}
	if n := spiedOn(t, oneStage, nil, 3000, stayDumpable); n == 0 {
		t.Error("root inside did not get at the launcher though it was dumpable: the test proves nothing")
	}
}

func stayDumpable(p *program.Program) {
	for i := range p.Steps {
		if s := &p.Steps[i]; s.Call == program.Prctl && s.Args[0].Value == unix.PR_SET_DUMPABLE {
			s.Args[1] = compile.Num(1)
		}
	}
}

// spiedOn starts a program in a container many times while root there spies, or
// until that has found something. It returns what it found.
func spiedOn(t *testing.T, kinds NamespaceKind, init *Init, starts int, weaken func(*program.Program)) (found int) {
	t.Helper()
	box := newContainer(t, newKinds, []syscall.SysProcIDMap{{ContainerID: 0, HostID: 100000, Size: 1000}})
	spy := newSpy(t, box)
	met := 0
	for range starts {
		c := Command("/bin/true")
		c.Attr = &Attr{Join: []Namespace{{PID: box.pid, Kinds: kinds}}, Init: init}
		c.inspect = func(first, _ *program.Program) { weaken(first) }
		if err := c.Run(); err != nil {
			t.Fatal(err)
		}
		denied, got := spy.asked()
		met += denied + got
		if found += got; found > 0 {
			break
		}
	}
	if met == 0 {
		t.Error("the spy never met a process on its way in")
	}
	t.Logf("%d tries, %d successful", met, found)
	return found
}

// A spy is root in a container.
type spy struct {
	in  *os.File
	out *bufio.Scanner
}

// newSpy sends a spy into a container, who is told where in this process's
// memory the secret is.
func newSpy(t *testing.T, box container) spy {
	t.Helper()
	secret, err := unix.Mmap(-1, 0, os.Getpagesize(), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Munmap(secret) })
	copy(secret, secretFile)
	f, err := os.CreateTemp(t.TempDir(), secretFile)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()

	c := helperCommand("spy", strconv.FormatUint(uint64(uintptr(unsafe.Pointer(&secret[0]))), 16), testBinary())
	c.Path = publicBinary(t) // that is not the name of the launcher's file
	c.Attr = &Attr{Join: []Namespace{{PID: box.pid}}}
	c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{NoSetGroups: true}}
	c.Stdin, c.Stderr = r, os.Stderr
	out, err := c.StdoutPipe()
	if err == nil {
		err = c.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.Close(); c.Wait() })
	s := spy{w, bufio.NewScanner(out)}
	s.out.Scan() // that it is ready
	return s
}

// asked returns how often the spy was denied something, and how often it found
// something, since it was asked before.
func (s spy) asked() (denied, got int) {
	fmt.Fprintln(s.in)
	s.out.Scan()
	fmt.Sscan(s.out.Text(), &denied, &got)
	return denied, got
}

// spy ADDRESS PROGRAM: try all the time to get at the memory and the files of other
// processes. For each line read, print how often that was denied and how often
// it found the secret. It touches none but those that its own /proc shows.
var _ = helper("spy", func(args []string) int {
	address, _ := strconv.ParseUint(args[0], 16, 64)
	if err := unix.Mount("proc", "/proc", "proc", 0, ""); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	asked := make(chan bool)
	go func() {
		for in := bufio.NewScanner(os.Stdin); in.Scan(); {
			asked <- true
		}
		close(asked)
	}()
	var p prying
	fmt.Println("ready")
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
				p.files("/proc/"+strconv.Itoa(pid), args[1])
			}
		}
	}
})

// visible are the processes that the spy sees, but itself and the first.
func visible() (pids []int) {
	dir, err := os.Open("/proc")
	if err != nil {
		return nil
	}
	defer dir.Close()
	names, _ := dir.Readdirnames(-1)
	for _, name := range names {
		if pid, err := strconv.Atoi(name); err == nil && pid > 1 && pid != os.Getpid() {
			pids = append(pids, pid)
		}
	}
	return pids
}

// A prying counts what was tried.
type prying struct{ denied, got int }

func (p *prying) count(text string, err error) {
	switch {
	case strings.Contains(text, secretFile):
		p.got++
	case errors.Is(err, os.ErrPermission):
		p.denied++
	}
}

// Memory tries three ways to read the secret.
func (p *prying) memory(pid int, address uintptr) {
	buf := make([]byte, len(secretFile))
	local := []unix.Iovec{{Base: &buf[0], Len: uint64(len(buf))}}
	_, err := unix.ProcessVMReadv(pid, local, []unix.RemoteIovec{{Base: address, Len: len(buf)}}, 0)
	p.count(string(buf), err)

	clear(buf)
	f, err := os.Open("/proc/" + strconv.Itoa(pid) + "/mem")
	if err == nil {
		f.ReadAt(buf, int64(address))
		f.Close()
	}
	p.count(string(buf), err)

	clear(buf)
	err = unix.PtraceSeize(pid)
	if err == nil {
		unix.PtraceInterrupt(pid)
		unix.Wait4(pid, nil, unix.WALL, nil)
		unix.PtracePeekData(pid, address, buf)
		unix.PtraceDetach(pid)
	}
	p.count(string(buf), err)
}

// files tries to find the launcher's files, its program among them.
func (p *prying) files(proc, program string) {
	files, err := os.ReadDir(proc + "/fd")
	p.count("", err)
	for _, f := range files {
		to, err := os.Readlink(proc + "/fd/" + f.Name())
		p.count(to, err)
	}
	for _, link := range []string{"/exe", "/cwd", "/root"} {
		to, err := os.Readlink(proc + link)
		if to == program {
			to = secretFile
		}
		p.count(to, err)
	}
}
