//go:build amd64 || arm64

package sprog

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"reflect"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// taken is FromExec where that succeeds.
func taken(t *testing.T, cmd *exec.Cmd) *Cmd {
	t.Helper()
	c, err := FromExec(cmd)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// FromExec has thought of every field: what os/exec adds has to be looked at.
func TestFromExecKnowsAllFields(t *testing.T) {
	known := []string{"ctx", "childIOFiles", "parentIOPipes", "startCalled", "lookPathErr", // which it looks at
		"goroutine", "goroutineErr", "ctxResult", // which Start sets
		"createdByStack", "cachedLookExtensions"} // for debugging, and for Windows
	theirs, ours := reflect.TypeFor[exec.Cmd](), reflect.TypeFor[Cmd]()
	for i := range theirs.NumField() {
		f := theirs.Field(i)
		if _, has := ours.FieldByName(f.Name); f.IsExported() && has {
			continue
		}
		if !slices.Contains(known, f.Name) {
			t.Errorf("exec.Cmd has a field %s: FromExec has to honour or to refuse it", f.Name)
		}
	}
}

// A library that decorates an exec.Cmd, and looks at it later, notices nothing.
func TestFromExec(t *testing.T) {
	theirs := exec.Command("sh", "-c", `echo "$COLOR $PWD $(umask)"; cat; echo error >&2; exit 3`)
	var out, errs bytes.Buffer
	theirs.Env, theirs.Dir = append(os.Environ(), "COLOR=red"), "/usr"
	theirs.Stdin, theirs.Stdout, theirs.Stderr = strings.NewReader("input\n"), &out, &errs
	theirs.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	c := taken(t, theirs)
	c.Attr = &Attr{Umask: new(uint32(0o77))}
	err := c.Run()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 3 {
		t.Errorf("Run() = %v", err)
	}
	if out.String() != "red /usr 0077\ninput\n" || errs.String() != "error\n" {
		t.Errorf("the program wrote %q and %q", &out, &errs)
	}
	if theirs.Process != c.Process || theirs.ProcessState != c.ProcessState || theirs.ProcessState.ExitCode() != 3 {
		t.Errorf("the exec.Cmd has %v, %v; want %v, %v", theirs.Process, theirs.ProcessState, c.Process, c.ProcessState)
	}
}

func TestFromExecPipes(t *testing.T) {
	theirs := exec.Command("sh", "-c", "cat; echo error >&2")
	stdin, err1 := theirs.StdinPipe()
	stdout, err2 := theirs.StdoutPipe()
	stderr, err3 := theirs.StderrPipe()
	if err := errors.Join(err1, err2, err3); err != nil {
		t.Fatal(err)
	}
	c := taken(t, theirs)
	if err := theirs.Start(); err == nil { // which must not close the pipes
		t.Fatal("the exec.Cmd could be started")
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	io.WriteString(stdin, "through\n")
	stdin.Close()
	out, _ := io.ReadAll(stdout) // which ends only if this process has closed the child's end
	errs, _ := io.ReadAll(stderr)
	if err := c.Wait(); err != nil || string(out) != "through\n" || string(errs) != "error\n" {
		t.Errorf("%q, %q, %v", out, errs, err)
	}
	if _, err := stdout.Read(make([]byte, 1)); !errors.Is(err, os.ErrClosed) {
		t.Errorf("after Wait a read answers %v; want %v", err, os.ErrClosed)
	}
	failing := exec.Command("/no/such")
	pipe, _ := failing.StdoutPipe()
	if err := taken(t, failing).Run(); !errors.Is(err, syscall.ENOENT) {
		t.Errorf("Run() = %v", err)
	}
	if _, err := pipe.Read(make([]byte, 1)); !errors.Is(err, os.ErrClosed) {
		t.Errorf("after a start that failed a read answers %v; want %v", err, os.ErrClosed)
	}
}

func TestFromExecContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	c := taken(t, exec.CommandContext(ctx, "sleep", "60"))
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := c.Wait(); err == nil || c.Result().Signal != syscall.SIGKILL || c.Cause() != CauseCanceled {
		t.Errorf("Wait() = %v, cause %v", err, c.Cause())
	}
	theirs := exec.CommandContext(ctx, "sleep", "60") // ctx is done
	if err := taken(t, theirs).Run(); err != context.Canceled || theirs.Process != nil {
		t.Errorf("Run() = %v; want %v", err, context.Canceled)
	}
}

// A Cancel that closes over the exec.Cmd finds its process, and WaitDelay comes after it.
func TestFromExecCancel(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	theirs := exec.CommandContext(ctx, "sleep", "60")
	theirs.Cancel = func() error { return theirs.Process.Signal(syscall.SIGTERM) }
	c := taken(t, theirs)
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := c.Wait(); err == nil || c.Result().Signal != syscall.SIGTERM {
		t.Errorf("Wait() = %v; want the end by SIGTERM", err)
	}
	ctx, cancel = context.WithCancel(context.Background())
	theirs = exec.CommandContext(ctx, "sleep", "60")
	theirs.Cancel, theirs.WaitDelay = func() error { return nil }, time.Millisecond // which ends nothing
	c = taken(t, theirs)
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := c.Wait(); err == nil || c.Result().Signal != syscall.SIGKILL {
		t.Errorf("Wait() = %v; want the end by SIGKILL when WaitDelay is over", err)
	}
	theirs = exec.Command("true")
	theirs.Cancel = func() error { return nil }
	if err := taken(t, theirs).Run(); err == nil {
		t.Error("a Cancel without a context is no error; os/exec has one")
	}
}

// What os/exec sets as Cancel kills the tree here, as CommandContext does.
func TestFromExecEndsTheTree(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	theirs := exec.CommandContext(ctx, "sh", "-c", "setsid sleep 60 & echo; wait")
	out, err := theirs.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	c := taken(t, theirs)
	c.Attr = &Attr{Init: &Init{}}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	out.Read(make([]byte, 1)) // until there is a sleep, or nearly
	cancel()
	if rest, err := io.ReadAll(out); err != nil { // ends when nobody is left
		t.Errorf("%q, %v", rest, err)
	}
	c.Wait()
	if got := c.Result().Reach; got != ReachDescendants {
		t.Errorf("the end has reached %v; want %v", got, ReachDescendants)
	}
}

func TestFromExecRefuses(t *testing.T) {
	running := exec.Command("true")
	if err := running.Run(); err != nil {
		t.Fatal(err)
	}
	failed := exec.Command("/no/such")
	failed.Run()
	for what, cmd := range map[string]*exec.Cmd{"nil": nil, "one that ran": running, "one that failed": failed} {
		if c, err := FromExec(cmd); err == nil {
			t.Errorf("FromExec takes %s: %v", what, c)
		}
	}
	twice := exec.Command("true")
	taken(t, twice)
	if _, err := FromExec(twice); err != errTakenOver {
		t.Errorf("a second FromExec answers %v; want %v", err, errTakenOver)
	}
	missing := exec.Command("no-such-program")
	if err := taken(t, missing).Run(); !errors.Is(err, exec.ErrNotFound) {
		t.Errorf("Run() = %v; want %v", err, exec.ErrNotFound)
	}
	strange := struct{ ctx int }{ctx: 1}
	if _, err := field[context.Context](reflect.ValueOf(&strange).Elem(), "ctx"); err == nil || !strings.Contains(err.Error(), "ctx") {
		t.Errorf("a field of another type is taken: %v", err)
	}
}
