//go:build linux && (amd64 || arm64)

package sprog

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/spec"
)

// onOwnThread calls f on a locked thread that is not used for anything else.
func onOwnThread(t *testing.T, f func() error) {
	t.Helper()
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
		done <- f()
	}()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestStreamsDefaultToTheNullDevice(t *testing.T) {
	out := tempFile(t)
	c := helperCommand("fds")
	c.Stdout = out
	if err := c.Run(); err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf("0 /dev/null\n1 %s\n2 /dev/null\n", out.Name())
	if got := contents(t, out); got != want {
		t.Errorf("descriptors = %q; want %q", got, want)
	}
}

func TestNilFileIsAClosedDescriptor(t *testing.T) {
	out := tempFile(t)
	c := helperCommand("fds")
	c.Stdin, c.Stdout = (*os.File)(nil), out
	c.ExtraFiles = []*os.File{nil, out, nil, out}
	if err := c.Run(); err != nil {
		t.Fatal(err)
	}
	// The Go runtime of the helper reopens the first three.
	want := fmt.Sprintf("0 /dev/null\n1 %s\n2 /dev/null\n4 %[1]s\n6 %[1]s\n", out.Name())
	if got := contents(t, out); got != want {
		t.Errorf("descriptors = %q; want %q", got, want)
	}
}

func TestNilFileAsStdin(t *testing.T) {
	c := Command("/bin/sh", "-c", "if [ -e /proc/self/fd/0 ]; then echo open; else echo closed; fi")
	c.Stdin = (*os.File)(nil)
	if out, err := c.Output(); err != nil || string(out) != "closed\n" {
		t.Errorf("Output() = %q, %v; want closed", out, err)
	}
}

func TestExtraFiles(t *testing.T) {
	var files []*os.File
	for range 20 {
		files = append(files, tempFile(t))
	}
	// In reverse, so that every number is another file's target.
	for i := range files {
		files[i], files[len(files)-1-i] = files[len(files)-1-i], files[i]
		if i >= len(files)/2 {
			break
		}
	}
	c := helperCommand("fds")
	c.ExtraFiles = files
	out, err := c.Output()
	if err != nil {
		t.Fatal(err)
	}
	for i, f := range files {
		if want := fmt.Sprintf("\n%d %s\n", 3+i, f.Name()); !strings.Contains(string(out), want) {
			t.Errorf("descriptors lack %q:\n%s", want, out)
		}
	}
}

// Programs do not expect their streams to be in non-blocking mode, which the
// Go ends of pipes are in.
func TestChildrenGetBlockingPipes(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	for _, test := range []struct {
		name   string
		stdin  io.Reader
		stderr io.Writer
	}{
		{"copied", strings.NewReader(""), new(bytes.Buffer)},
		{"files", r, w},
	} {
		c := helperCommand("modes")
		c.Stdin, c.Stderr = test.stdin, test.stderr
		if out, err := c.Output(); err != nil || len(out) != 0 {
			t.Errorf("%s: non-blocking: %q, %v; want none", test.name, out, err)
		}
	}
	c := helperCommand("modes")
	in, _ := c.StdinPipe()
	stderr, _ := c.StderrPipe()
	if out, err := c.Output(); err != nil || len(out) != 0 {
		t.Errorf("StdinPipe, StderrPipe: non-blocking: %q, %v; want none", out, err)
	}
	in.Close()
	stderr.Close()
}

// Only a start may change the mode of a file; a plan looks at the number.
func TestShownFd(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	shown, err := spec.FD(r)
	if err != nil {
		t.Fatal(err)
	}
	nonblocking := func() bool {
		flags, err := unix.FcntlInt(uintptr(shown), unix.F_GETFL, 0)
		return err == nil && flags&unix.O_NONBLOCK != 0
	}
	if !nonblocking() {
		t.Error("shownFd has changed the mode of the file")
	}
	if passed, err := passedFd(r); passed != shown || err != nil || nonblocking() {
		t.Errorf("passedFd = %d, %v, non-blocking: %v; want %d in blocking mode", passed, err, nonblocking(), shown)
	}
	r.Close()
	for _, fd := range []func(*os.File) (int, error){spec.FD, passedFd} {
		if n, err := fd(r); !errors.Is(err, os.ErrClosed) {
			t.Errorf("descriptor of a closed file = %d, %v; want %v", n, err, os.ErrClosed)
		}
	}
}

func TestStdinFromReader(t *testing.T) {
	for _, size := range []int{0, 1, 4096, 1 << 16, 3 << 20} {
		text := strings.Repeat("x", size)
		for name, r := range map[string]io.Reader{
			"strings.Reader": strings.NewReader(text),
			"bytes.Buffer":   bytes.NewBufferString(text),
			"plain":          struct{ io.Reader }{strings.NewReader(text)},
		} {
			c := helperCommand("cat")
			c.Stdin = r
			if out, err := c.Output(); err != nil || string(out) != text {
				t.Errorf("%s of %d bytes: got %d, %v", name, size, len(out), err)
			}
		}
	}
}

func TestStdinFromFile(t *testing.T) {
	f := tempFile(t)
	f.WriteString("from a file")
	f.Seek(0, io.SeekStart)
	c := helperCommand("cat")
	c.Stdin = f
	if out, err := c.Output(); err != nil || string(out) != "from a file" {
		t.Errorf("Output() = %q, %v", out, err)
	}
}

// endless never ends, and brokenReader ends badly.
type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

type brokenReader struct{ err error }

func (r brokenReader) Read([]byte) (int, error) { return 0, r.err }

func TestUnreadStdinIsNoError(t *testing.T) {
	for name, r := range map[string]io.Reader{
		"10 MB":   strings.NewReader(strings.Repeat("x", 10<<20)),
		"endless": endless{},
	} {
		c := helperCommand("true")
		c.Stdin = r
		if err := c.Run(); err != nil {
			t.Errorf("%s: Run() = %v; want nil", name, err)
		}
	}
}

func TestStdinReadError(t *testing.T) {
	for _, want := range []error{io.ErrUnexpectedEOF, syscall.EPIPE} {
		c := helperCommand("cat")
		c.Stdin = brokenReader{want}
		if err := c.Run(); err != want {
			t.Errorf("Run() = %v; want %v", err, want)
		}
		c = helperCommand("exit", "4")
		c.Stdin = brokenReader{want}
		if e, ok := c.Run().(*ExitError); !ok || e.ExitCode() != 4 {
			t.Errorf("Run() of a program that fails = %v; want its exit status", e)
		}
	}
}

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, io.ErrShortWrite }

func TestStdoutWriteErrorEndsTheProgram(t *testing.T) {
	c := helperCommand("yes")
	c.Stdout = brokenWriter{}
	if err := c.Run(); err == nil {
		t.Error("Run() = nil; want an error")
	}
	c = helperCommand("echo", "once")
	c.Stdout = brokenWriter{}
	if err := c.Run(); err != io.ErrShortWrite {
		t.Errorf("Run() = %v; want %v", err, io.ErrShortWrite)
	}
}

// onlyOne complains about concurrent writes, under the race detector at least.
type onlyOne struct{ lines []string }

func (w *onlyOne) Write(p []byte) (int, error) {
	w.lines = append(w.lines, strings.Fields(string(p))...)
	return len(p), nil
}

func TestSameWriterGetsOnePipe(t *testing.T) {
	var w onlyOne
	c := helperCommand("both", "1", "2", "3", "4", "5", "6")
	c.Stdout, c.Stderr = &w, &w
	if err := c.Run(); err != nil {
		t.Fatal(err)
	}
	if got, want := strings.Join(w.lines, " "), "1 2 3 4 5 6"; got != want {
		t.Errorf("output = %q; want %q", got, want)
	}
	f := tempFile(t)
	c = helperCommand("both", "1", "2", "3")
	c.Stdout, c.Stderr = f, f
	if err := c.Run(); err != nil {
		t.Fatal(err)
	}
	if got, want := contents(t, f), "1\n2\n3\n"; got != want {
		t.Errorf("output = %q; want %q", got, want)
	}
}

// Types that == cannot compare are no reason to panic.
type funcWriter func([]byte) (int, error)

func (f funcWriter) Write(p []byte) (int, error) { return f(p) }

type boxedWriter struct{ any }

func (b boxedWriter) Write(p []byte) (int, error) { return b.any.(io.Writer).Write(p) }

func TestWritersThatCannotBeCompared(t *testing.T) {
	var out, errs bytes.Buffer
	for _, wrap := range []func(w *bytes.Buffer) io.Writer{
		func(w *bytes.Buffer) io.Writer { return funcWriter(w.Write) },
		func(w *bytes.Buffer) io.Writer { return boxedWriter{funcWriter(w.Write)} },
	} {
		out.Reset()
		errs.Reset()
		c := helperCommand("both", "1", "2", "3")
		c.Stdout, c.Stderr = wrap(&out), wrap(&errs)
		if err := c.Run(); err != nil || out.String() != "1\n3\n" || errs.String() != "2\n" {
			t.Errorf("%T: %q, %q, %v", c.Stdout, out.String(), errs.String(), err)
		}
	}
}

func TestPipes(t *testing.T) {
	c := helperCommand("cat")
	stdin, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	stderr, err := c.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	var buf [5]byte
	for _, line := range []string{"one!\n", "two!\n"} {
		if _, err := io.WriteString(stdin, line); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(stdout, buf[:]); err != nil || string(buf[:]) != line {
			t.Fatalf("read %q, %v; want %q", buf[:], err, line)
		}
	}
	stdin.Close()
	if rest, err := io.ReadAll(stdout); err != nil || len(rest) != 0 {
		t.Errorf("after the end of its input the program wrote %q, %v", rest, err)
	}
	if errs, err := io.ReadAll(stderr); err != nil || len(errs) != 0 {
		t.Errorf("standard error = %q, %v; want nothing", errs, err)
	}
	if err := c.Wait(); err != nil {
		t.Error(err)
	}
	for name, f := range map[string]io.Closer{"stdin": stdin, "stdout": stdout, "stderr": stderr} {
		if err := f.Close(); !errors.Is(err, os.ErrClosed) {
			t.Errorf("%s.Close() after Wait = %v; want %v", name, err, os.ErrClosed)
		}
	}
}

// A caller may write, close and kill while another goroutine waits.
func TestStdinPipeUsedDuringWait(t *testing.T) {
	c := helperCommand("cat")
	stdin, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{}, 2)
	go func() {
		c.Process.Kill()
		done <- struct{}{}
	}()
	go func() {
		io.Copy(stdin, strings.NewReader("something"))
		if err := stdin.Close(); err != nil && !errors.Is(err, os.ErrClosed) {
			t.Errorf("Close() = %v", err)
		}
		done <- struct{}{}
	}()
	c.Wait()
	<-done
	<-done
}

func TestPipeMethodsRefuse(t *testing.T) {
	pipes := []struct {
		name string
		call func(c *Cmd) error
		set  func(c *Cmd)
	}{
		{"Stdin", func(c *Cmd) error { _, err := c.StdinPipe(); return err }, func(c *Cmd) { c.Stdin = os.Stdin }},
		{"Stdout", func(c *Cmd) error { _, err := c.StdoutPipe(); return err }, func(c *Cmd) { c.Stdout = os.Stdout }},
		{"Stderr", func(c *Cmd) error { _, err := c.StderrPipe(); return err }, func(c *Cmd) { c.Stderr = os.Stderr }},
	}
	for _, p := range pipes {
		c := helperCommand("true")
		p.set(c)
		if err, want := p.call(c), "sprog: "+p.name+" already set"; err == nil || err.Error() != want {
			t.Errorf("%sPipe() with %[1]s = %v; want %s", p.name, err, want)
		}
		c = helperCommand("true")
		if err := c.Run(); err != nil {
			t.Fatal(err)
		}
		if err, want := p.call(c), "sprog: "+p.name+"Pipe after process started"; err == nil || err.Error() != want {
			t.Errorf("%sPipe() after Start = %v; want %s", p.name, err, want)
		}
	}
}

// A caller that changes its mind about a pipe leaves nothing behind.
func TestPipeReplaced(t *testing.T) {
	before := snapshot()
	c := helperCommand("cat")
	for range 2 {
		c.Stdin = nil
		if _, err := c.StdinPipe(); err != nil {
			t.Fatal(err)
		}
	}
	c.Stdin = strings.NewReader("instead")
	if out, err := c.Output(); err != nil || string(out) != "instead" {
		t.Errorf("Output() = %q, %v; want instead", out, err)
	}
	c = helperCommand("cat")
	if _, err := c.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	c.Stdin = nil
	if err := c.Run(); err != nil {
		t.Error(err)
	}
	if leaks := before.leaks(); len(leaks) > 0 {
		t.Errorf("left behind: %q", leaks)
	}
}

// A start that does not succeed closes the pipes that were asked for.
func TestFailedStartClosesPipes(t *testing.T) {
	before := snapshot()
	for _, c := range []*Cmd{Command("no-such-program-anywhere"), Command("/no/such/program")} {
		in, _ := c.StdinPipe()
		out, _ := c.StdoutPipe()
		c.Stderr = new(bytes.Buffer)
		if err := c.Start(); err == nil {
			t.Fatal("Start() = nil; want an error")
		}
		if _, err := in.Write([]byte("x")); !errors.Is(err, os.ErrClosed) {
			t.Errorf("write = %v; want %v", err, os.ErrClosed)
		}
		if _, err := out.Read(make([]byte, 1)); !errors.Is(err, os.ErrClosed) {
			t.Errorf("read = %v; want %v", err, os.ErrClosed)
		}
	}
	if leaks := before.leaks(); len(leaks) > 0 {
		t.Errorf("left behind: %q", leaks)
	}
}

func TestOutput(t *testing.T) {
	out, err := helperCommand("both", "out", "err").Output()
	if err != nil || string(out) != "out\n" {
		t.Errorf("Output() = %q, %v; want out", out, err)
	}
	out, err = helperCommand("both", "out", "err").CombinedOutput()
	if err != nil || string(out) != "out\nerr\n" {
		t.Errorf("CombinedOutput() = %q, %v; want out, err", out, err)
	}
	if _, err := Command("/no/such/program").Output(); err == nil {
		t.Error("Output() of a missing program = nil; want an error")
	}
}

func TestOutputRefuses(t *testing.T) {
	for _, test := range []struct {
		cmd  Cmd
		call func(*Cmd) ([]byte, error)
		want string
	}{
		{Cmd{Stdout: os.Stdout}, (*Cmd).Output, "sprog: Stdout already set"},
		{Cmd{Stdout: os.Stdout}, (*Cmd).CombinedOutput, "sprog: Stdout already set"},
		{Cmd{Stderr: os.Stderr}, (*Cmd).CombinedOutput, "sprog: Stderr already set"},
	} {
		test.cmd.Path = testBinary()
		if _, err := test.call(&test.cmd); err == nil || err.Error() != test.want {
			t.Errorf("error = %v; want %s", err, test.want)
		}
	}
}

func TestOutputKeepsStderrInTheError(t *testing.T) {
	_, err := helperCommand("exit", "3", "some reason").Output()
	if e, ok := err.(*ExitError); !ok || string(e.Stderr) != "some reason" {
		t.Errorf("Output() = %#v; want an *ExitError with the reason", err)
	}
	c := helperCommand("exit", "3", "some reason")
	c.Stderr = io.Discard
	_, err = c.Output()
	if e, ok := err.(*ExitError); !ok || e.Stderr != nil {
		t.Errorf("Output() with Stderr = %#v; want an *ExitError without", err)
	}
}

// What is left out of much output, and the words for that, are os/exec's.
func TestOutputShortensStderrAsOsExecDoes(t *testing.T) {
	for _, size := range []string{"0", "1", "32768", "65535", "65536", "65537", "200000"} {
		ours := helperCommand("flood", size)
		theirs := exec.Command(ours.Path, ours.Args[1:]...)
		theirs.Env = ours.Env
		var got, want *ExitError
		_, err := ours.Output()
		_, theirErr := theirs.Output()
		if !errors.As(err, &got) || !errors.As(theirErr, &want) {
			t.Fatalf("%s bytes: %v; os/exec: %v; want two *ExitErrors", size, err, theirErr)
		}
		if !bytes.Equal(got.Stderr, want.Stderr) {
			t.Errorf("%s bytes: Stderr has %d, and in os/exec %d", size, len(got.Stderr), len(want.Stderr))
		}
	}
}

func TestCapture(t *testing.T) {
	for _, chunk := range []int{1, 2, 3, 7, 9, 10, 11, 26, 100} {
		for size := range 60 {
			text := strings.Repeat("abcdefghijklmnopqrstuvwxyz", 3)[:size]
			h := Capture{Head: 10, Tail: 10}
			for rest := text; rest != ""; {
				n := min(chunk, len(rest))
				if m, err := h.Write([]byte(rest[:n])); m != n || err != nil {
					t.Fatalf("Write = %d, %v; want %d, nil", m, err, n)
				}
				rest = rest[n:]
			}
			want := text
			if size > 20 {
				want = fmt.Sprintf("%s\n... omitting %d bytes ...\n%s", text[:10], size-20, text[size-10:])
			}
			if got := h.String(); got != want {
				t.Fatalf("%d bytes by %d: %q; want %q", size, chunk, got, want)
			}
		}
	}
}

// What a Capture keeps is passed on whole, as long as that is taken.
func TestCaptureTee(t *testing.T) {
	var all bytes.Buffer
	c := helperCommand("flood", "5000")
	stderr := &Capture{Head: 3, Tail: 3, Tee: &all}
	c.Stderr = stderr
	c.Run()
	head, tail, lost := stderr.Kept()
	if len(head) != 3 || len(tail) != 3 || lost != 4994 || all.Len() != 5000 {
		t.Errorf("kept %q and %q, lost %d, passed on %d bytes; want 3, 3, 4994 and 5000", head, tail, lost, all.Len())
	}
	c = helperCommand("flood", "5000000")
	c.Stderr = &Capture{Tee: takesNothing{}}
	if err := c.Run(); err == nil {
		t.Error("Run() with a Tee that fails = nil; want an error")
	}
}

// takesNothing is a writer that takes nothing.
type takesNothing struct{}

func (takesNothing) Write([]byte) (int, error) { return 0, io.ErrShortWrite }

func tempFile(t *testing.T) *os.File {
	t.Helper()
	f, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func contents(t *testing.T, f *os.File) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Clean(f.Name()))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// never is longer than any test runs; brief is long enough for nothing.
const (
	never = 10 * time.Minute
	brief = time.Millisecond
)

// startHang starts the helper program hang and waits until it is ready.
// prepare, if not nil, is called before.
func startHang(t *testing.T, ctx context.Context, how string, prepare func(*Cmd)) *Cmd {
	t.Helper()
	c := CommandContext(ctx, testBinary(), "hang", how)
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if prepare != nil {
		prepare(c)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "ready\n" {
		t.Fatalf("hang said %q, %v", line, err)
	}
	return c
}

// killed reports whether err is that of a program that died of SIGKILL.
func killed(err error) bool {
	e, ok := err.(*ExitError)
	return ok && e.Sys().(syscall.WaitStatus).Signal() == syscall.SIGKILL
}

func TestContextEndsTheProgram(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	c := startHang(t, ctx, "", nil)
	cancel()
	if err := c.Wait(); !killed(err) {
		t.Errorf("Wait() = %v; want that it was killed", err)
	}

	ctx, cancel = context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	if err := CommandContext(ctx, testBinary(), "hang", "").Run(); !killed(err) && !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Run() = %v; want that it was killed", err)
	}
}

// The process is killed when the context is done, not when Wait is called.
func TestContextEndsTheProgramWithoutWait(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	c := CommandContext(ctx, testBinary(), "cat")
	in, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	cancel()
	for err == nil { // until nobody reads any more
		_, err = io.WriteString(in, strings.Repeat("x", 1<<10))
		time.Sleep(brief)
	}
	if err := c.Wait(); !killed(err) {
		t.Errorf("Wait() = %v; want that it was killed", err)
	}
}

func TestContextThatEndsTooLate(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	c := CommandContext(ctx, testBinary(), "true")
	c.WaitDelay = never
	if err := c.Run(); err != nil {
		t.Errorf("Run() = %v; want nil", err)
	}
	c.Cancel = func() error { panic("called after the end") }
	cancel()
}

func TestCancelIsNotCalledIfStartFails(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	c := CommandContext(ctx, "/no/such/program")
	c.Cancel = func() error { panic("called without a process") }
	if err := c.Start(); err == nil {
		t.Error("Start() = nil; want an error")
	}
	cancel()
}

func TestCancelThatTheProgramHandles(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	c := startHang(t, ctx, "exit0", func(c *Cmd) {
		c.Cancel = func() error { return c.Process.Signal(os.Interrupt) }
	})
	cancel()
	if err := c.Wait(); err != context.Canceled {
		t.Errorf("Wait() = %v; want %v", err, context.Canceled)
	}
	if !c.ProcessState.Success() {
		t.Errorf("ProcessState = %v; want success", c.ProcessState)
	}
}

func TestCancelThatTheProgramIgnores(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	c := startHang(t, ctx, "deaf", func(c *Cmd) {
		c.Cancel = func() error { return c.Process.Signal(os.Interrupt) }
		c.WaitDelay = brief
	})
	cancel()
	if err := c.Wait(); !killed(err) {
		t.Errorf("Wait() = %v; want that it was killed", err)
	}
}

// With Cancel nil only WaitDelay has an effect.
func TestNoCancel(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	c := startHang(t, ctx, "exit0", func(c *Cmd) { c.Cancel, c.WaitDelay = nil, never })
	cancel()
	time.Sleep(brief)
	if err := c.Process.Signal(os.Interrupt); err != nil {
		t.Error(err)
	}
	if err := c.Wait(); err != nil {
		t.Errorf("Wait() = %v; want nil", err)
	}

	ctx, cancel = context.WithCancel(context.Background())
	c = startHang(t, ctx, "deaf", func(c *Cmd) { c.Cancel, c.WaitDelay = nil, brief })
	cancel()
	if err := c.Wait(); !killed(err) {
		t.Errorf("Wait() = %v; want that it was killed", err)
	}
}

// What Wait returns if Cancel returns an error.
func TestCancelErrors(t *testing.T) {
	odd := errors.New("odd")
	done := fmt.Errorf("wrapped: %w", os.ErrProcessDone)
	for _, test := range []struct {
		name      string
		cancelErr error
		helper    []string
		delay     time.Duration
		ok        func(err error) bool
	}{
		{"success", odd, []string{"cat"}, 0, func(err error) bool { return errors.Is(err, odd) && err != odd }},
		{"success, process done", done, []string{"cat"}, 0, func(err error) bool { return err == nil }},
		{"failure", odd, []string{"exit", "1"}, 0, isExit1},
		{"failure, process done", done, []string{"exit", "1"}, 0, isExit1},
		{"killed", odd, []string{"hang", "deaf"}, brief, killed},
		{"killed, process done", done, []string{"hang", "deaf"}, brief, killed},
	} {
		t.Run(test.name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(context.Background())
			c := CommandContext(ctx, testBinary(), test.helper...)
			in, err := c.StdinPipe()
			if err != nil {
				t.Fatal(err)
			}
			called := make(chan struct{})
			c.Cancel = func() error {
				in.Close()
				close(called)
				return test.cancelErr
			}
			c.WaitDelay = test.delay
			if err := c.Start(); err != nil {
				t.Fatal(err)
			}
			cancel()
			<-called
			if err := c.Wait(); !test.ok(err) {
				t.Errorf("Wait() = %v", err)
			}
		})
	}
}

func isExit1(err error) bool {
	e, ok := err.(*ExitError)
	return ok && e.ExitCode() == 1
}

// A process that the program leaves behind holds its pipes open.
func TestWaitDelayWithAnOrphan(t *testing.T) {
	var out bytes.Buffer
	c := helperCommand("orphan")
	c.Stdout, c.WaitDelay = &out, 50*time.Millisecond
	if err := c.Run(); err != ErrWaitDelay {
		t.Errorf("Run() = %v; want %v", err, ErrWaitDelay)
	}

	ctx, cancel := context.WithCancel(context.Background())
	c = CommandContext(ctx, testBinary(), "orphan")
	c.Stdout, c.Stderr, c.WaitDelay = new(bytes.Buffer), new(bytes.Buffer), 50*time.Millisecond
	called := make(chan struct{})
	c.Cancel = func() error {
		close(called)
		return os.ErrProcessDone
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	cancel()
	<-called
	if err := c.Wait(); err != nil && err != ErrWaitDelay && !killed(err) {
		t.Errorf("Wait() = %v; want nil, %v, or that it was killed", err, ErrWaitDelay)
	}
}

// The watch closes the pipes itself if Wait does not come before WaitDelay is
// over.
func TestWaitDelayOverBeforeWait(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	c := CommandContext(ctx, testBinary(), "orphan")
	out := &lateWriter{}
	c.Stdout, c.WaitDelay = out, brief
	c.Cancel = func() error { return nil }
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	waitForExit(t, c)
	cancel()
	time.Sleep(20 * brief)
	if err := c.Wait(); !errors.Is(err, context.Canceled) {
		t.Errorf("Wait() = %v; want %v", err, context.Canceled)
	}
}

type lateWriter struct{}

func (lateWriter) Write(p []byte) (int, error) { return len(p), nil }

// waitForExit returns when the process is a zombie.
func waitForExit(t *testing.T, c *Cmd) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(brief) {
		if strings.HasSuffix(strings.SplitAfter(status(fmt.Sprint(c.Process.Pid)), ")")[1], " Z") {
			return
		}
	}
	t.Fatal("the program does not exit")
}

func TestWaitDelayUnused(t *testing.T) {
	for _, stdout := range []io.Writer{nil, new(bytes.Buffer)} {
		c := helperCommand("echo", "x")
		c.Stdout, c.WaitDelay = stdout, never
		if err := c.Run(); err != nil {
			t.Errorf("Run() = %v; want nil", err)
		}
	}
}

// Commands that are waited for cost no thread, and those with a context no
// goroutine besides the caller's.
func TestWaitCostsNoThread(t *testing.T) {
	const n = 300
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	goroutines := runtime.NumGoroutine()
	var all sync.WaitGroup
	for range n {
		c := CommandContext(ctx, "sleep", "600")
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		all.Go(func() {
			if err := c.Wait(); !killed(err) {
				t.Errorf("Wait() = %v; want that it was killed", err)
			}
		})
	}
	time.Sleep(20 * time.Millisecond)
	if tasks, _ := filepath.Glob("/proc/self/task/*"); len(tasks) == 0 || len(tasks) >= 50 {
		t.Errorf("%d threads; want fewer than 50", len(tasks))
	}
	if got := runtime.NumGoroutine() - goroutines; got > n+5 {
		t.Errorf("%d goroutines for %d commands", got, n)
	}
	cancel()
	all.Wait()
}
