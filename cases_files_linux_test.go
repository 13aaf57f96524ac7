//go:build amd64 || arm64

package sprog

import (
	"bytes"
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
