//go:build amd64 || arm64

package sprog

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

var casesOfTables = []startCase{
	{"table", nil, func(t *testing.T, c *Cmd) {
		a, b := tempFile(t), tempFile(t)
		c.Attr = &Attr{Files: []File{
			{FD: 7, File: a}, {FD: 5, Data: []byte("text")}, {FD: 30, Path: "/dev/null", Flags: os.O_RDWR},
			{FD: 4, Path: a.Name()}, {FD: 2, Dup: new(5)}, {FD: 6, Dup: new(30)}, {FD: 0, Closed: true}, {FD: 9, File: b},
		}}
	}},
	{"table of a cycle", nil, func(t *testing.T, c *Cmd) {
		c.Attr = &Attr{Files: []File{{FD: 0, File: os.Stdout}, {FD: 1, File: os.Stderr}, {FD: 2, File: os.Stdin}}}
	}},
	{"table and pipes", nil, func(t *testing.T, c *Cmd) {
		c.Stdout = new(bytes.Buffer)
		c.Attr = &Attr{Files: []File{{FD: 2, Dup: new(1)}, {FD: 25, Dup: new(1)}}}
	}},
	{"inherited", nil, func(t *testing.T, c *Cmd) {
		c.Attr = &Attr{Inherit: []int{2, int(tempFile(t).Fd()), int(tempFile(t).Fd())}}
	}},
	{"program by descriptor", nil, func(t *testing.T, c *Cmd) {
		c.Attr = &Attr{Program: openProgram(t, "/bin/true")}
	}},
	{"program by descriptor, with an init", nil, func(t *testing.T, c *Cmd) {
		c.Attr = &Attr{Program: openProgram(t, "/bin/true"), Init: &Init{}, Files: []File{{FD: 20, File: os.Stdin}}}
	}},
	{"program by a descriptor of its own", nil, func(t *testing.T, c *Cmd) {
		program := openProgram(t, "/bin/true")
		c.ExtraFiles, c.Attr = []*os.File{program}, &Attr{Program: program}
	}},
	{"directory by descriptor", nil, func(t *testing.T, c *Cmd) {
		c.Attr = &Attr{DirFile: openProgram(t, t.TempDir())}
	}},
	{"table of another user", []*requirement{asRoot}, func(t *testing.T, c *Cmd) {
		c.Attr = &Attr{
			Files:   []File{{FD: 0, Data: []byte("text")}, {FD: 5, Path: "/proc/self/fd/0"}, {FD: 4, Path: "/etc/passwd"}},
			DirFile: openProgram(t, "/"), Init: &Init{},
		}
		c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	}},
	{"init with few files at many numbers", nil, func(t *testing.T, c *Cmd) {
		c.Attr = &Attr{Init: &Init{}}
		f := tempFile(t)
		for range 30 {
			c.ExtraFiles = append(c.ExtraFiles, f, nil)
		}
	}},
}

// openProgram opens a program or a directory by its path only.
func openProgram(t *testing.T, path string) *os.File {
	t.Helper()
	fd, err := unix.Open(path, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	f := os.NewFile(uintptr(fd), path)
	t.Cleanup(func() { f.Close() })
	return f
}

var facetsOfFiles = []facet{
	{name: "files",
		draw: func(r *rand.Rand, t *testing.T, c *Cmd) {
			for i, n := range r.Perm(100)[:1+r.IntN(20)] {
				f := File{FD: 100 + n}
				switch i % 3 {
				case 0:
					f.Data = fmt.Appendf(nil, "file %d", f.FD)
				case 1:
					f.Path = "/etc/passwd"
				case 2:
					f.Dup = new(attr(c).Files[r.IntN(i)].FD)
				}
				attr(c).Files = append(attr(c).Files, f)
			}
		},
		expect: func(c *Cmd) map[string]string {
			want := map[string]string{"reads:200": "bad file descriptor"}
			for _, f := range c.Attr.Files { // a duplicate comes after what it is one of
				text := string(f.Data)
				switch {
				case f.Path != "":
					text = contentsOf(f.Path)
				case f.Dup != nil:
					text = want[fmt.Sprintf("reads:%d", *f.Dup)]
				}
				want[fmt.Sprintf("reads:%d", f.FD)] = text[:min(len(text), 100)]
			}
			return want
		}},
	{name: "program by descriptor",
		draw: func(_ *rand.Rand, t *testing.T, c *Cmd) {
			attr(c).Program = openProgram(t, c.Path)
			c.Path = "a name"
		},
		expect: func(*Cmd) map[string]string { return nil }},
	{name: "dir by descriptor", without: []string{"dir", "chroot", "namespaces unshared"},
		draw:   func(_ *rand.Rand, t *testing.T, c *Cmd) { attr(c).DirFile = openProgram(t, "/usr/bin") },
		expect: func(*Cmd) map[string]string { return map[string]string{"cwd:": "/usr/bin"} }},
}
