package examples

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sprog-dev/sprog"
	_ "github.com/sprog-dev/sprog/internal/verified"
)

// bin is a directory that every user can reach, with the programs. They are
// built without the race detector, whose memory no limit would leave them.
var bin string

func TestMain(m *testing.M) {
	// What the documents print is for a person at a shell, where no signal is ignored. Under nohup(1) and in the
	// background of a script some are, and a start would say so.
	for _, s := range []os.Signal{syscall.SIGHUP, syscall.SIGINT, syscall.SIGQUIT} {
		if signal.Ignored(s) {
			signal.Notify(make(chan os.Signal, 1), s)
		}
	}
	code, err := buildAndRun(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	os.Exit(code)
}

func buildAndRun(m *testing.M) (code int, err error) {
	bin, err = os.MkdirTemp("", "sprog-examples-")
	if err != nil {
		return 1, err
	}
	defer os.RemoveAll(bin)
	if err := os.Chmod(bin, 0o755); err != nil {
		return 1, err
	}
	build := exec.Command("go", "build", "-o", bin+"/", "./...", "../cmd/sprog")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return 1, fmt.Errorf("%v: %v\n%s", build, err, out)
	}
	return m.Run(), nil
}

// needs skips the test unless the kernel offers the features to this user.
func needs(t *testing.T, features ...string) {
	t.Helper()
	for _, name := range features {
		if s := sprog.Probe(name); s.Answer != sprog.Yes {
			t.Skipf("needs %s: %v, %s", name, s.Answer, s.Reason)
		}
	}
}

// isolation is what untrusted and judge ask for.
var isolation = []string{"user-namespaces", "pid-namespaces", "net-namespaces", "sysctls", "landlock", "seccomp", "child-subreaper"}

// example runs one of the programs, and returns what it prints and its exit code.
func example(t *testing.T, name string, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	cmd := exec.Command(filepath.Join(bin, name), args...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr, cmd.Dir = &out, &errs, bin
	cmd.WaitDelay = time.Minute
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("%v: %v", cmd, err)
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

// publicDir is a directory that every user can read.
func publicDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp(bin, "test-")
	if err == nil {
		err = os.Chmod(dir, 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// write makes a file.
func write(t *testing.T, path, text string) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// A mark is a time to sleep that nobody else sleeps for, which tells the
// processes of a test from others.
var marks = 0

func mark() string {
	marks++
	return fmt.Sprintf("1000.%07d%d", os.Getpid(), marks)
}

// left are the processes that sleep for the time of the mark. Those that have
// been killed get a moment to be gone.
func left(t *testing.T, mark string) (pids []int) {
	t.Helper()
	for range 50 {
		if pids = sleepers(mark); pids == nil {
			return nil
		}
		time.Sleep(20 * time.Millisecond)
	}
	return pids
}

// sleepers are those that do so now.
func sleepers(mark string) (pids []int) {
	files, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, file := range files {
		if text, _ := os.ReadFile(file); strings.HasSuffix(string(text), "sleep\x00"+mark+"\x00") {
			pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(file)))
			pids = append(pids, pid)
		}
	}
	return pids
}
