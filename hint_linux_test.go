//go:build amd64 || arm64

package sprog

import (
	"bytes"
	"debug/elf"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/pathwalk"

	"github.com/sprog-dev/sprog/internal/sweep"
)

// An Exec says what a start says, though it has to know beforehand.
func TestExecSaysWhy(t *testing.T) {
	// Who writes a file is not looked for beforehand, and no process is made.
	others := map[string]bool{"A program that is being written": true, "An init whose user may have no second process": true, "One process more than the user may have": true}
	for _, theme := range [][]failing{failingPrograms, failingPaths, failingFiles, failingRights} {
		for _, f := range theme {
			if others[f.asked] {
				continue
			}
			t.Run(f.asked, func(t *testing.T) {
				requires(t, append(f.by.requires(), f.needs...)...)
				x := f.scene(t)
				c := f.helper("launch-exec", x)
				var errs strings.Builder
				c.Stderr = &errs
				err := c.Run()
				want := strings.Replace(f.want, "sprog: start ", "sprog: exec ", 1)
				if got := x.told(strings.TrimSuffix(errs.String(), "\n")); got != want {
					t.Errorf("Exec says %s\nwant      %s", got, want)
				}
				var ended *ExitError
				if !errors.As(err, &ended) || ended.ExitCode() < 125 {
					t.Errorf("it ends with %v", err)
				}
			})
		}
	}
}

// launch-exec ASKED DIR: make a launch in the place of this process. What keeps
// it from beginning is printed like what fails later.
var _ = helper("launch-exec", func(args []string) int {
	f := failingCalled(args[0])
	c := f.prepare(&scene{dir: args[1]})
	if c.Stdin == nil {
		c.Stdin = os.Stdin
	}
	os.Stderr.WriteString(c.Exec().Error() + "\n")
	return 125
})

// A missing thing, and the command that misses it.
type missingThing struct {
	what, name string // name is what a message should tell
	cmd        func() *Cmd
	want       string // with DIR for the directory of the programs
}

func missingThings(dir string) []missingThing {
	return []missingThing{
		{"directory", "/no/such/dir", func() *Cmd { return &Cmd{Path: "/bin/true", Dir: "/no/such/dir"} },
			"sprog: start /bin/true: chdir /no/such/dir (Dir): no such file or directory (/no does not exist)"},
		{"root", "/no/such/root", func() *Cmd {
			return &Cmd{Path: "/bin/true", SysProcAttr: &syscall.SysProcAttr{Chroot: "/no/such/root"}}
		}, "sprog: start /bin/true: chroot /no/such/root (SysProcAttr.Chroot): no such file or directory (/no does not exist)"},
		{"program", "/no/such/program", func() *Cmd { return &Cmd{Path: "/no/such/program"} },
			"sprog: start /no/such/program: execve: no such file or directory (/no does not exist)"},
		{"script interpreter", "/no/such/shell", func() *Cmd { return &Cmd{Path: dir + "/script"} },
			"sprog: start DIR/script: execve: no such file or directory" +
				" (the interpreter /no/such/shell, which the first line of DIR/script names, does not exist)"},
		{"dynamic loader", "/no/such/ld", func() *Cmd { return &Cmd{Path: dir + "/dynamic"} },
			"sprog: start DIR/dynamic: execve: no such file or directory" +
				" (the dynamic loader /no/such/ld, which the ELF file DIR/dynamic names, does not exist)"},
	}
}

// brokenPrograms makes a directory with a script and an ELF file in it whose
// interpreters do not exist.
func brokenPrograms(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	writeProgram(t, dir+"/script", []byte("#! /no/such/shell -x\nexit\n"))
	writeProgram(t, dir+"/dynamic", withLoader(t, "/bin/true", "/no/such/ld"))
	return dir
}

func writeProgram(t *testing.T, path string, content []byte) {
	t.Helper()
	if err := os.WriteFile(path, content, 0o755); err != nil {
		t.Fatal(err)
	}
}

// withLoader is a dynamically linked program with another dynamic loader.
func withLoader(t *testing.T, path, loader string) []byte {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	f, err := elf.NewFile(bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP && int(p.Filesz) > len(loader) {
			place := content[p.Off : p.Off+p.Filesz]
			clear(place)
			copy(place, loader)
			return content
		}
	}
	t.Skipf("%s is not dynamically linked", path)
	return nil
}

// Five missing things have five messages.
func TestMissingThings(t *testing.T) {
	dir := brokenPrograms(t)
	for _, m := range missingThings(dir) {
		err := m.cmd().Run()
		if want := strings.ReplaceAll(m.want, "DIR", dir); err == nil || err.Error() != want {
			t.Errorf("missing %s: %v; want %s", m.what, err, want)
		}
		var pe *fs.PathError
		if !errors.Is(err, syscall.ENOENT) || !errors.Is(err, fs.ErrNotExist) || !errors.As(err, &pe) {
			t.Errorf("missing %s: %#v; want ENOENT, fs.ErrNotExist, and an *fs.PathError", m.what, err)
		}
	}
	better(t, func(of func(*Cmd) runner) error {
		for _, m := range missingThings(dir) {
			if err := of(m.cmd()).Run(); err == nil || !strings.Contains(err.Error(), m.name) {
				return fmt.Errorf("missing %s: %v; want it to name %s", m.what, err, m.name)
			}
		}
		return nil
	})
}

// What is missing is looked for where the child looks for it.
func TestMissingInterpreterInRoot(t *testing.T) {
	root := newRoot(t)
	writeProgram(t, root+"/script", []byte("#!/bin/sh\n"))
	writeProgram(t, root+"/nested", []byte("#!/script\n"))
	for path, want := range map[string]string{
		"/script": "sprog: start /script: execve: no such file or directory (the interpreter /bin/sh, which the first line of /script names, does not exist in " + root + ")",
		"/nested": "sprog: start /nested: execve: no such file or directory (the interpreter /bin/sh, which the first line of /script names, does not exist in " + root + ")",
	} {
		if err := inRoot(t, root, "", path).Run(); err == nil || err.Error() != want {
			t.Errorf("%s: %v; want %s", path, err, want)
		}
	}
}

// The other reasons why a program is not executed.
func TestNotExecuted(t *testing.T) {
	dir := t.TempDir()
	writeProgram(t, dir+"/text", []byte("no program\n"))
	writeProgram(t, dir+"/empty", nil)
	if err := os.WriteFile(dir+"/data", []byte("#!/bin/sh\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("loop", filepath.Join(dir, "loop")); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]struct {
		errno syscall.Errno
		text  string
	}{
		"text":     {syscall.ENOEXEC, "execve: exec format error (DIR/text is text without a first line such as #!/bin/sh, which would say what executes it)"},
		"empty":    {syscall.ENOEXEC, "execve: exec format error (DIR/empty is empty)"},
		"data":     {syscall.EACCES, "execve: permission denied (nobody may execute DIR/data, which is -rw-r--r-- of user UID and group GID: chmod +x gives the right)"},
		"loop":     {syscall.ELOOP, "execve: too many levels of symbolic links (symbolic links lead in a circle, by way of DIR/loop)"},
		"text/sub": {syscall.ENOTDIR, "execve: not a directory (DIR/text is a regular file, no directory)"},
		"":         {syscall.EACCES, "execve: permission denied (DIR/ is a directory, and only regular files are executed)"},
	} {
		path := dir + "/" + name
		err := (&Cmd{Path: path}).Run()
		text := strings.NewReplacer("DIR", dir, "UID", fmt.Sprint(os.Geteuid()), "GID", fmt.Sprint(os.Getegid())).Replace(want.text)
		if !errors.Is(err, want.errno) || err.Error() != "sprog: start "+path+": "+text {
			t.Errorf("%s: %v; want %s", name, err, want.text)
		}
	}
}

// The reasons of failures are looked for where hardly a descriptor is left, and
// the runtime has no network poller yet, for which it would end the process.
func TestHintsWithFewDescriptors(t *testing.T) {
	requires(t, realProcessor) // TestErrors makes the same launches
	tried := 0
	for _, theme := range themes {
		for _, f := range drawn(t, theme.failings) {
			t.Run(f.asked, func(t *testing.T) {
				requires(t, append(f.by.requires(), f.needs...)...)
				x := f.scene(t)
				out, err := f.helper("launch-with-few", x).CombinedOutput()
				if err != nil {
					t.Errorf("%v\n%.2000s", err, out)
				}
				if string(out) == primed {
					return
				}
				tried++
				for line := range strings.Lines(x.told(string(out))) {
					left, said, _ := strings.Cut(strings.TrimSpace(line), " ")
					// It says less, or what it failed of itself, but nothing else.
					less := strings.HasPrefix(f.wanted(), strings.TrimSuffix(said, ")"))
					if !less && !strings.Contains(said, "too many open files") && !strings.Contains(said, " are limited by RLIMIT_NPROC for each user, ") {
						t.Errorf("with %s descriptors left: %s\nwant %s", left, said, f.wanted())
					}
				}
			})
		}
	}
	if !t.Failed() && sweep.Whole() && tried < 50 {
		t.Errorf("%d tries; want more of them without a network poller", tried)
	}
}

const primed = "there is a network poller already"

// launch-with-few ASKED DIR: make a launch with no descriptor left, with one,
// and so on.
var _ = helper("launch-with-few", func(args []string) int {
	debug.SetGCPercent(-1) // its scavenger has a timer, for which the runtime makes the poller as well
	c := failingCalled(args[0]).prepare(&scene{dir: args[1]})
	for n := range 300 {
		if pathwalk.RealPath(n) == "anon_inode:[eventpoll]" || pathwalk.RealPath(0) == "" { // there is one, or that is not to be seen
			fmt.Print(primed)
			return 0
		}
	}
	for left := range 16 {
		restore := leaveDescriptors(left)
		err := again(c).Start()
		restore()
		fmt.Println(left, err)
		if err == nil {
			return 0 // as os/exec has it, Wait tells of the failure
		}
	}
	if lateRemoval != "" {
		must(unix.Rmdir(lateRemoval))
	}
	return 0
})

// No file of the package is opened by os, whose files go to the network poller.
func TestFilesAreOpenedPlainly(t *testing.T) {
	banned := []string{"Open", "OpenFile", "OpenInRoot", "OpenRoot", "ReadFile", "ReadDir", "WriteFile", "Create", "CreateTemp", "DirFS"}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, pattern := range []string{"internal/machine/*.go", "internal/cgroup/*.go", "internal/exitwait/*.go", "internal/ownproc/*.go", "internal/nofile/*.go"} {
		more, _ := filepath.Glob(pattern)
		files = append(files, more...)
	}
	set := token.NewFileSet()
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") || filepath.Base(name) == "gen.go" {
			continue
		}
		file, err := parser.ParseFile(set, name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if of, ok := n.(*ast.SelectorExpr); ok {
				if x, ok := of.X.(*ast.Ident); ok && x.Name == "os" && slices.Contains(banned, of.Sel.Name) {
					t.Errorf("%v: os.%s; want package plain, or a system call", set.Position(of.Pos()), of.Sel.Name)
				}
			}
			return true
		})
	}
}
