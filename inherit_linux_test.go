//go:build amd64 || arm64

package sprog

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/kernel"
)

// The child has what os/exec's has: what this process was started with and
// what it has not marked, whatever else it is given, and nothing that is marked.
func TestInheritAll(t *testing.T) {
	openMany(t)
	var unmarked []*os.File // as those of a shell
	for _, n := range []int{40, 41, 600} {
		if err := unix.Dup3(2, n, 0); err != nil {
			t.Fatal(err)
		}
		f := os.NewFile(uintptr(n), "unmarked")
		defer f.Close()
		unmarked = append(unmarked, f)
	}
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	fds := func(c *exec.Cmd) *exec.Cmd {
		c.Path, c.Args = testBinary(), []string{testBinary(), "fds"}
		return c
	}
	for name, change := range map[string]func(*exec.Cmd){
		"nothing":    func(*exec.Cmd) {},
		"ExtraFiles": func(c *exec.Cmd) { c.ExtraFiles = []*os.File{null, nil, null} },
		"many ExtraFiles": func(c *exec.Cmd) {
			for range 40 {
				c.ExtraFiles = append(c.ExtraFiles, null)
			}
		},
		"Pdeathsig": func(c *exec.Cmd) { c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} },
		"Stdin":     func(c *exec.Cmd) { c.Stdin = null },
		"as 40":     func(c *exec.Cmd) { c.Stdin = unmarked[0] },
	} {
		ref := fds(new(exec.Cmd))
		change(ref)
		want, err := ref.Output()
		if err != nil {
			t.Fatal(err)
		}
		for _, attr := range []*Attr{{InheritAll: true}, {InheritAll: true, Init: &Init{}}} {
			for _, lacks := range []kernel.Missing{0, kernel.NoCloseRange} {
				before := kernel.Known.Lacks.Load()
				kernel.Known.Lacks.Store(before | uint32(lacks))
				r := fds(new(exec.Cmd))
				change(r)
				c := &Cmd{Path: r.Path, Args: r.Args, Stdin: r.Stdin, ExtraFiles: r.ExtraFiles, SysProcAttr: r.SysProcAttr, Attr: attr}
				got, err := c.Output()
				kernel.Known.Lacks.Store(before)
				if hidePipes(string(got)) != hidePipes(string(want)) || err != nil {
					t.Errorf("%s, init %v, lacking %b: %v, the child has\n%swant\n%s", name, attr.Init != nil, lacks, err, got, want)
				}
			}
		}
	}
}

// hidePipes leaves out which pipes the output goes to.
func hidePipes(text string) string {
	var lines []string
	for line := range strings.Lines(text) {
		if n, to, _ := strings.Cut(line, " "); (n == "1" || n == "2") && strings.HasPrefix(to, "pipe:") {
			line = n + " pipe\n"
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "")
}

// Without it the child has none of them.
func TestInheritNothing(t *testing.T) {
	if err := unix.Dup3(2, 40, 0); err != nil {
		t.Fatal(err)
	}
	defer unix.Close(40)
	out := outputOf(t, helperCommand("fds"))
	if strings.Contains(out, "\n40 ") {
		t.Errorf("the child has\n%s", out)
	}
}

// Descriptors that others open and close meanwhile disturb no start, and what is
// marked reaches no child whatever number it takes.
func TestInheritAllWhileOthersOpen(t *testing.T) {
	stop := make(chan struct{})
	var all sync.WaitGroup
	for range 2 {
		all.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if fd, err := unix.Open("/dev/zero", unix.O_RDONLY, 0); err == nil { // not marked
					unix.Close(fd)
				}
				if fd, err := unix.Open("/etc/passwd", unix.O_RDONLY|unix.O_CLOEXEC, 0); err == nil {
					unix.Close(fd)
				}
			}
		})
	}
	for range 60 {
		c := helperCommand("fds")
		c.Attr = &Attr{InheritAll: true, Files: []File{{FD: 100, Path: "/dev/full"}}}
		out, err := c.Output()
		if err != nil {
			t.Error(err)
			break
		}
		if !strings.Contains(string(out), "\n100 /dev/full\n") || strings.Contains(string(out), "/etc/passwd") {
			t.Errorf("the child has\n%s", out)
			break
		}
	}
	close(stop)
	all.Wait()
}

// An Exec keeps them, too.
var _ = helper("exec-inheriting", func([]string) int {
	must(unix.Dup3(2, 40, 0))
	c := &Cmd{Path: testBinary(), Args: []string{"x", "fds"}, Stdout: os.Stdout, Attr: &Attr{InheritAll: true}}
	fmt.Println(c.Exec())
	return 1
})

func TestInheritAllInExec(t *testing.T) {
	c := exec.Command(testBinary(), "exec-inheriting")
	out, err := c.Output()
	if !strings.Contains(string(out), "\n40 ") || err != nil {
		t.Errorf("%v, the program has\n%s", err, out)
	}
}
