//go:build amd64 || arm64

package machine

import (
	"encoding/binary"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/program"
)

// num shortens arguments that are numbers.
func num(n int) program.Arg { return program.Num(n) }

// newProgram is an empty program with a word for the signal mask.
func newProgram() (p *program.Program, mask program.Arg) {
	p = new(program.Program)
	return p, p.Words(0)
}

// restoreMask and execTrue are the steps that a program ends with.
func restoreMask(p *program.Program, mask program.Arg) {
	p.Add("", program.RtSigprocmask, num(unix.SIG_SETMASK), mask, num(0), num(8))
}

func execTrue(p *program.Program) {
	p.Add("", program.Execve, p.Str("/bin/true"), p.Strs([]string{"true"}), p.Strs(nil))
}

// stop is a step that fails, with EBADF.
func stop(p *program.Program) { p.Add("", program.Close, num(-1)) }

// launchOf is a launch as most starts are.
func launchOf(p *program.Program, mask program.Arg) *Launch {
	return &Launch{Program: p, Mask: mask, Cgroup: -1}
}

// wordAt reads a word of a program's data.
func wordAt(p *program.Program, at program.Arg) uint64 {
	return binary.NativeEndian.Uint64(p.Data[at.Value:])
}

// wantFailure checks a result that is a failed step.
func wantFailure(t *testing.T, res Result, step int, errno syscall.Errno) {
	t.Helper()
	if res.OK || res.Place != InChild || res.Step != step || res.Errno != errno || res.Signal != 0 {
		t.Errorf("result %+v; want step %d to fail with %v", res, step, errno)
	}
	noChild(t)
}

// wantSuccess checks a result of a program that has executed /bin/true.
func wantSuccess(t *testing.T, res Result) {
	t.Helper()
	if !res.OK {
		t.Errorf("result %+v; want success", res)
		return
	}
	if res.PidFD >= 0 {
		unix.Close(res.PidFD)
	}
	var status unix.WaitStatus
	if _, err := unix.Wait4(res.Pid, &status, 0, nil); err != nil || status != 0 {
		t.Errorf("wait4 = %v, %v; want a child that exited with 0", status, err)
	}
	noChild(t)
}

func noChild(t *testing.T) {
	t.Helper()
	if _, err := unix.Wait4(-1, nil, unix.WNOHANG, nil); err != unix.ECHILD {
		t.Errorf("wait4 = %v; want ECHILD", err)
	}
}

const insideVar = "MACHINE_TEST_INSIDE"

// ownProcess runs the test in a process of its own, and reports whether this
// is that process.
func ownProcess(t *testing.T) bool {
	t.Helper()
	if os.Getenv(insideVar) == t.Name() {
		return true
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(exe, "-test.v", "-test.run=^"+t.Name()+"$")
	c.Env = append(os.Environ(), insideVar+"="+t.Name())
	out, err := c.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()+" ") {
		t.Errorf("in a process of its own: %v\n%s", err, out)
	}
	return false
}
