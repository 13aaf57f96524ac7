package main

import (
	"context"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sprog-dev/sprog/internal/sweep"
)

// A runner is something that sprog is run in, with ways of its own of making a
// child, or of looking on.
type runner struct {
	tool string
	// as has the tool run a command.
	as func(command ...string) []string
	// root says that the tool needs root.
	root bool
	// lacks are the starts that the place has no way to make.
	lacks string
	// says is what the start that it has no way to make answers, if that is to be known.
	says string
}

var runners = []runner{
	// Its execve leaves the word as it is that Linux clears, and it has no subreapers.
	{tool: "runsc", root: true, lacks: "init, limit on time", says: "no child subreapers, as gVisor has none, so an init works in a new PID namespace only: add --unshare pid", as: func(c ...string) []string {
		return append([]string{"--platform=ptrace", "--network=none", "do"}, c...)
	}},
	// They know a child that shares memory only as vfork's. Valgrind does not execute
	// a descriptor.
	{tool: "qemu-" + qemuName, as: func(c ...string) []string { return c }},
	{tool: "valgrind", lacks: "init, limit on time", as: func(c ...string) []string { return append([]string{"-q", "--log-file=/dev/null"}, c...) }},
	// It writes below the stack pointer of whoever makes a system call. As an ordinary
	// user it fails an assertion of its own where a process has another's child (its 5.1).
	{tool: "proot", lacks: "init, limit on time", as: func(c ...string) []string { return append([]string{"-r", "/"}, c...) }},
	{tool: "strace", as: func(c ...string) []string { return append([]string{"-f", "-o", "/dev/null"}, c...) }},
}

// A startInPlace is a command that each place has to run, and its exit code.
type startInPlace struct {
	name string
	args []string
	code int
}

var startsInPlaces = []startInPlace{
	{"plain", []string{"--", "sh", "-c", "exit 7"}, 7},
	{"session", []string{"--", "setsid", "sh", "-c", "exit 7"}, 7},
	{"attributes", []string{"--umask", "077", "--rlimit", "core=0:0", "--dir", "/tmp", "--", "sh", "-c", "[ $(pwd) = /tmp ] && [ $(umask) = 0077 ] && [ $(ulimit -c) = 0 ]"}, 0},
	{"missing", []string{"--", "/nonexistent"}, 127},
	{"killed", []string{"--", "sh", "-c", "kill -TERM $$"}, 143},
	{"parent-death signal", []string{"--pdeathsig", "KILL", "--", "sh", "-c", "exit 7"}, 7},
	{"init", []string{"--init", "--", "sh", "-c", "exit 7"}, 7},
	{"limit on time", []string{"--timeout", "60", "--", "sh", "-c", "exit 7"}, 7},
}

// A start comes back, and says what is so, wherever sprog is run.
func TestPlaces(t *testing.T) {
	sprog := buildCommand(t)
	for _, p := range runners {
		t.Run(p.tool, func(t *testing.T) {
			if _, err := exec.LookPath(p.tool); err != nil {
				t.Skip(err)
			}
			if p.root && os.Geteuid() != 0 {
				t.Skip("needs root")
			}
			t.Parallel()
			for _, s := range placedStarts(t) {
				if strings.Contains(p.lacks, s.name) && p.says == "" {
					continue
				}
				args := p.as(append([]string{sprog, "run"}, s.args...)...)
				out, code := runInTime(t, p.tool, args...)
				if strings.Contains(p.lacks, s.name) {
					if !strings.Contains(out, p.says) {
						t.Errorf("%s: %s %s says %q; want %q", s.name, p.tool, strings.Join(args, " "), out, p.says)
					}
				} else if code != s.code {
					t.Errorf("%s: %s %s exits with %d; want %d\n%s", s.name, p.tool, strings.Join(args, " "), code, s.code, out)
				}
			}
		})
	}
}

// placedStarts are the starts to try: with -short two of them, drawn by a seed.
func placedStarts(t *testing.T) []startInPlace {
	if !testing.Short() {
		return startsInPlaces
	}
	seed, err := strconv.ParseUint(os.Getenv("SPROG_TEST_SEED"), 10, 64)
	if err != nil {
		seed = rand.Uint64()
	}
	t.Logf("starts are drawn: SPROG_TEST_SEED=%d draws these again", seed)
	order := rand.New(rand.NewPCG(seed, uint64(len(t.Name())))).Perm(len(startsInPlaces))
	return []startInPlace{startsInPlaces[order[0]], startsInPlaces[order[1]]}
}

// A view comes to nothing there, which is said at once, and nothing is left outside.
func TestViewsInPlaces(t *testing.T) {
	sprog := buildCommand(t)
	dir := t.TempDir()
	if out, err := exec.Command("git", "init", "-q", dir).CombinedOutput(); err != nil {
		t.Skipf("git init: %v %s", err, out)
	}
	for _, p := range runners {
		says := map[string]string{"runsc": "gVisor is in the place of the kernel", "proot": "proot is between this process and the kernel"}[p.tool]
		if _, err := exec.LookPath(p.tool); says == "" || err != nil || os.Geteuid() != 0 {
			continue
		}
		before, err := os.ReadDir("/")
		if err != nil {
			t.Fatal(err)
		}
		for _, args := range sweep.Drawn(t, [][]string{
			{"run", "--tmpfs", "/mnt", "true"}, {"run", "--mask", "/etc/passwd", "true"}, {"run", "--read-only", "true"},
			{"run", "--root", "empty", "--system", "--proc", "/proc", "--dev", "/dev", "true"}, {"run", "--unshare", "user", "--tmpfs", "/mnt", "true"},
			{"box", "--project", dir, "--", "true"}, {"bwrap", "--ro-bind", "/", "/", "true"}, {"bwrap", "--ro-bind", "/", "/", "--dev", "/dev", "--unshare-all", "true"},
		}) {
			out, code := runInTime(t, p.tool, p.as(append([]string{sprog}, args...)...)...)
			if code == 0 || !strings.Contains(out, says) {
				t.Errorf("%s: %q exits with %d and says %q; want %q in it", p.tool, args, code, out, says)
			}
		}
		if after, err := os.ReadDir("/"); err != nil || len(after) != len(before) {
			t.Errorf("%s: / has %d entries; want %d as before", p.tool, len(after), len(before))
		}
	}
}

// A debugger's breakpoints are still there when a child has been started.
func TestDebugger(t *testing.T) {
	if _, err := exec.LookPath("gdb"); err != nil {
		t.Skip(err)
	}
	out, _ := runInTime(t, "gdb", "-nx", "-q", "-batch", "-ex", "break main.main", "-ex", "run",
		"-ex", "break os.(*Process).Wait", "-ex", "continue", "-ex", "continue",
		"--args", buildCommand(t), "run", "--", "sh", "-c", "exit 7")
	for _, want := range []string{"hit Breakpoint 1", "hit Breakpoint 2"} {
		if !strings.Contains(out, want) {
			t.Errorf("gdb does not say %q:\n%s", want, out)
		}
	}
}

// buildCommand builds the command as it is released: static, so that it runs
// where there is no loader.
func buildCommand(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "sprog")
	build := exec.Command("go", "build", "-o", path, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=1") // with which it is static all the same
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return path
}

// runInTime runs a command that is ended if it hangs.
func runInTime(t *testing.T, name string, args ...string) (output string, code int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.WaitDelay = time.Second
	out, err := cmd.CombinedOutput()
	if ctx.Err() != nil {
		t.Errorf("%s %s hangs", name, strings.Join(args, " "))
	}
	if err != nil && cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return string(out), cmd.ProcessState.ExitCode()
}

// qemuName is what QEMU calls this machine.
var qemuName = map[string]string{"amd64": "x86_64", "arm64": "aarch64"}[runtime.GOARCH]
