package examples

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// An end is what the tests look at of untrusted's output.
type end struct {
	Cause          string
	ExitCode       *int `json:"exit_code"`
	Killed         string
	Protections    []string
	Stdout, Stderr struct {
		Head, Tail string
		Lost       int64
	}
	Usage struct{ User, System float64 }
}

// untrusted runs a program by the example, as strict as this kernel can be.
func untrusted(t *testing.T, flags []string, args ...string) (r end, code int) {
	t.Helper()
	needs(t, isolation...)
	all := []string{"-landlock-abi", "0", "-without", "cgroup"}
	all = append(append(append(all, flags...), "--"), args...)
	stdout, stderr, code := example(t, "untrusted", all...)
	if err := json.Unmarshal([]byte(stdout), &r); err != nil {
		t.Fatalf("untrusted %q: %v, on standard error %q", all, err, stderr)
	}
	return r, code
}

func TestUntrusted(t *testing.T) {
	r, code := untrusted(t, nil, "sh", "-c", "echo out; echo err >&2; echo text >file && cat file; hostname; exit 3")
	if r.Stdout.Head != "out\ntext\nuntrusted\n" || r.Stderr.Head != "err\n" || r.ExitCode == nil || *r.ExitCode != 3 || code != 1 {
		t.Errorf("it wrote %q and %q, and exited with %v; untrusted with %d", r.Stdout.Head, r.Stderr.Head, r.ExitCode, code)
	}
	if all := strings.Join(r.Protections, ", "); !strings.Contains(all, "user namespace") || !strings.Contains(all, "seccomp") {
		t.Errorf("protections %s; want namespaces and seccomp", all)
	}
}

// What a hostile program tries, and what it is told.
func TestUntrustedIsConfined(t *testing.T) {
	needs(t, isolation...)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	secret := write(t, filepath.Join(publicDir(t), "secret"), "hidden")
	hostile := filepath.Join(bin, "hostile")
	for _, test := range []struct {
		name   string
		args   []string
		cause  string
		stdout string // contains
		stderr string // contains
	}{
		{"reads a file", []string{"cat", secret}, "program", "", "No such file"},
		{"reads a file of the system's", []string{"cat", "/etc/passwd"}, "program", "", "No such file"},
		{"writes to the system", []string{"sh", "-c", "echo x >/usr/x"}, "program", "", "ead-only file system"},
		{"writes a file", []string{"sh", "-c", "echo x >>" + secret}, "program", "", secret},
		{"changes a mode", []string{"sh", "-c", "touch f; chmod 777 f"}, "program", "", "not permitted"},
		{"connects", []string{hostile, "network", listener.Addr().String()}, "program", "dial: dial tcp " + listener.Addr().String() + ": socket: operation not permitted", ""},
		{"looks for this process", []string{hostile, "kill", fmt.Sprint(os.Getpid())}, "program", "kill: no such process", ""},
		{"looks for other processes", []string{"sh", "-c", "cd /proc; for p in [1-9]*; do [ -e $p/stat ] && read l <$p/stat && echo \"${l%%)*})\"; done | grep -v '(sprog-init)\\|(sh)\\|(grep)'; echo none"}, "program", "none\n", ""},
		{"fills the disk", []string{"sh", "-c", "for i in 1 2 3 4 5; do head -c 15000000 /dev/zero >$i; done"}, "program", "", "No space left"},
		{"mounts", []string{hostile, "mount"}, "system call", "", ""},
		{"makes a namespace", []string{hostile, "namespace"}, "system call", "", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			r, _ := untrusted(t, nil, test.args...)
			if r.Cause != test.cause || !strings.Contains(r.Stdout.Head, test.stdout) || !strings.Contains(r.Stderr.Head, test.stderr) {
				t.Errorf("it ended by %q, after %q and %q; want %q, %q, %q",
					r.Cause, r.Stdout.Head, r.Stderr.Head, test.cause, test.stdout, test.stderr)
			}
		})
	}
	if text, _ := os.ReadFile(secret); string(text) != "hidden" {
		t.Errorf("the file has %q; want %q", text, "hidden")
	}
}

func TestUntrustedIsLimited(t *testing.T) {
	for _, test := range []struct {
		name   string
		flags  []string
		script string
		cause  string
	}{
		{"sleeps", []string{"-timeout", "300ms"}, "sleep MARK", "timeout"},
		{"computes", []string{"-cpu", "200ms"}, "(while :; do :; done) & sleep MARK", "cpu time"},
		{"leaves a daemon", nil, "(setsid sleep MARK &) ; exit 0", "program"},
		{"ignores signals", []string{"-timeout", "300ms"}, "trap '' TERM INT HUP; (setsid sleep MARK &); while :; do sleep MARK; done", "timeout"},
	} {
		t.Run(test.name, func(t *testing.T) {
			mark := mark()
			r, _ := untrusted(t, test.flags, "sh", "-c", strings.ReplaceAll(test.script, "MARK", mark))
			if r.Cause != test.cause {
				t.Errorf("it ended by %q; want %q", r.Cause, test.cause)
			}
			if pids := left(t, mark); pids != nil {
				t.Errorf("still there: %v", pids)
			}
		})
	}
}

// Whatever the program leaves in its directory goes.
func TestUntrustedLeavesNothing(t *testing.T) {
	r, _ := untrusted(t, nil, "sh", "-c", "pwd; umask 0; mkdir -m 300 d; echo text >d/f; ln -s / link; mkdir d/e; echo $?")
	dir, result, _ := strings.Cut(r.Stdout.Head, "\n")
	if _, err := os.Lstat(dir); !errors.Is(err, fs.ErrNotExist) || result != "0\n" {
		t.Errorf("%q is left, %v, after %q and %q; want nothing", dir, err, r.Stdout.Head, r.Stderr.Head)
	}
}

// A program that starts as many as it can gets no more than its limit. It
// stops by itself at 200, should there be none.
func TestUntrustedForks(t *testing.T) {
	needs(t, isolation...)
	mark := mark()
	r, _ := untrusted(t, []string{"-processes", "20"}, "sh", "-c", "i=0; while [ $i -lt 200 ]; do sleep "+mark+" & echo started; i=$((i+1)); done; kill 0")
	if n := strings.Count(r.Stdout.Head, "started"); n < 5 || n > 20 {
		t.Errorf("%d processes; want at most 20", n)
	}
	if pids := left(t, mark); pids != nil {
		t.Errorf("still there: %v", pids)
	}
}

func TestUntrustedPrintsAndAllocates(t *testing.T) {
	r, _ := untrusted(t, []string{"-timeout", "2s", "-output", "1000"}, "sh", "-c", "yes | head -n 100000; sleep 1000")
	if r.Cause != "timeout" || len(r.Stdout.Head) != 500 || len(r.Stdout.Tail) != 500 || r.Stdout.Lost == 0 {
		t.Errorf("%s, kept %d and %d bytes, lost %d; want timeout, 500, 500, many", r.Cause, len(r.Stdout.Head), len(r.Stdout.Tail), r.Stdout.Lost)
	}
	r, _ = untrusted(t, []string{"-memory", "33554432"}, "tail", "-n", "1", "/dev/zero")
	if r.Cause != "program" || r.ExitCode != nil && *r.ExitCode == 0 {
		t.Errorf("a program without memory ended by %s, with %v; want an error of its own", r.Cause, r.ExitCode)
	}
}

// What cannot be had is an error, and nothing runs.
func TestUntrustedFailsClosed(t *testing.T) {
	needs(t, isolation...)
	marker := filepath.Join(publicDir(t), "ran")
	os.Chmod(filepath.Dir(marker), 0o777)
	_, stderr, code := example(t, "untrusted", "-landlock-abi", "99", "-without", "cgroup", "touch", marker)
	if _, err := os.Stat(marker); code != 1 || err == nil || !strings.Contains(stderr, "Landlock") {
		t.Errorf("exit code %d, %q, %v; want 1, a reason, and no file", code, stderr, err)
	}
}
