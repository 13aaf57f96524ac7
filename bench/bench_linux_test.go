package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/sprog-dev/sprog"
)

// The test binary plays the benchmark's roles.
func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == roleMark {
		playRole(os.Args[2], os.Args[3:])
		return
	}
	os.Exit(m.Run())
}

// testPrograms are the payloads of this architecture.
func testPrograms(t *testing.T) programs {
	t.Helper()
	if _, ok := payloads[runtime.GOARCH]; !ok {
		t.Skipf("no programs for %s", runtime.GOARCH)
	}
	p, err := writePrograms(t.TempDir(), runtime.GOARCH)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestProgramsRun(t *testing.T) {
	p := testPrograms(t)
	if out, err := exec.Command(p.Exit).CombinedOutput(); err != nil || len(out) != 0 {
		t.Errorf("exit: %q, %v; want nothing", out, err)
	}
	if out, err := exec.Command(p.Write).Output(); err != nil || string(out) != "ok\n" {
		t.Errorf("write: %q, %v; want ok", out, err)
	}
	c := exec.Command(p.Pause)
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	c.Process.Kill()
	c.Wait()
	if ws := c.ProcessState.Sys().(syscall.WaitStatus); ws.Signal() != syscall.SIGKILL {
		t.Errorf("pause: ended with %v before it was killed", c.ProcessState)
	}
}

// The programs that make many calls end, and make them: under a filter that
// kills at the call they are killed.
func TestProgramsCall(t *testing.T) {
	progs := testPrograms(t)
	for prog, call := range map[string]string{progs.Early: "getpid", progs.Late: "getcpu"} {
		if err := sprog.Command(prog).Run(); err != nil {
			t.Error(err)
		}
		c := sprog.Command(prog)
		c.Attr = &sprog.Attr{NoNewPrivs: true, Seccomp: &sprog.Seccomp{
			Default: sprog.SeccompAllow, Rules: []sprog.SeccompRule{{Names: []string{call}, Action: sprog.SeccompKillProcess}},
		}}
		if err := c.Run(); err == nil || !strings.HasPrefix(err.Error(), "signal: bad system call") {
			t.Errorf("%s makes no %s: %v", prog, call, err)
		}
	}
}

func TestContenders(t *testing.T) {
	p := testPrograms(t)
	w, err := newWorker(setup{Memory: 1 << 20, Files: 20})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.close)
	for name := range contenders {
		orders := []order{
			{Prog: p.Exit, Goroutines: 1, Starts: 5},
			{Prog: p.Exit, Goroutines: 3, Starts: 7, Procs: 4},
		}
		if name == bySprog || name == byExec {
			orders = append(orders, order{Prog: p.Write, Goroutines: 1, Starts: 3, Capture: true})
			if os.Geteuid() == 0 {
				orders = append(orders, order{Prog: p.Exit, Goroutines: 1, Starts: 3, NewUser: true})
			}
		}
		for _, o := range orders {
			o.Contender = name
			out, err := w.do(o)
			if err != nil {
				t.Errorf("%+v: %v", o, err)
				continue
			}
			if len(out.Latency) != o.Starts || out.Elapsed <= 0 {
				t.Errorf("%+v: %+v", o, out)
			}
			for _, l := range out.Latency {
				if l <= 0 {
					t.Errorf("%+v: a latency of %d ns", o, l)
				}
			}
		}
	}
}

// A program that does not do what it should is no figure but an error.
func TestContendersNotice(t *testing.T) {
	testPrograms(t)
	w, err := newWorker(setup{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.close)
	for name := range contenders {
		for _, prog := range []string{"/bin/false", "/nonexistent"} {
			if _, err := w.do(order{Contender: name, Prog: prog, Goroutines: 1, Starts: 1}); err == nil {
				t.Errorf("%s of %s: no error", name, prog)
			}
		}
	}
	if _, err := w.do(order{Contender: "nobody"}); err == nil {
		t.Error("there is a contender of that name")
	}
}

func TestHerd(t *testing.T) {
	p := testPrograms(t)
	for name := range herders {
		h, err := runHerd(name, p.Pause, 5)
		if err != nil {
			t.Fatal(err)
		}
		if h.Children != 5 || h.Threads < 1 || h.Resident == 0 || h.Reaped == 0 || h.Fatal != "" {
			t.Errorf("%s: %+v", name, h)
		}
	}
	if _, err := runHerd(byExec, "/nonexistent", 1); err == nil {
		t.Error("a herd of nothing: no error")
	}
}

func TestFatalText(t *testing.T) {
	var f fatalText
	f.Write([]byte("runtime: program exceeds 10000-thread limit\nfatal error: thread exhaustion\n\n"))
	f.Write(bytes.Repeat([]byte("goroutine\n"), 10000))
	if got := f.String(); got != "thread exhaustion" {
		t.Errorf("fatalText = %q; want thread exhaustion", got)
	}
}

func TestSlowFile(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root, to mount a FUSE file system")
	}
	p := testPrograms(t)
	path, unmount, err := slowFile(p.Exit, 0)
	if err != nil {
		t.Skip(err)
	}
	want, err := os.ReadFile(p.Exit)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, want) {
		t.Errorf("ReadFile = %x, %v; want %x", got, err, want)
	}
	if _, err := os.Stat(filepath.Dir(path) + "/other"); !os.IsNotExist(err) {
		t.Errorf("Stat of a file that is not there: %v", err)
	}
	if out, err := exec.Command(path).CombinedOutput(); err != nil {
		t.Errorf("running it: %q, %v", out, err)
	}
	unmount()
	if _, err := os.Stat(path); err == nil {
		t.Error("the file system has outlived its server")
	}
}

// A whole run, in small: every figure that the report promises is in it.
func TestReport(t *testing.T) {
	testPrograms(t)
	b, err := newBench(true, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer b.close()
	r := &report{Machine: thisMachine(), Quick: true}
	for _, sc := range scenarios[:2] {
		s := &section{ID: sc.id, Title: sc.title}
		if err := b.scenario(s, sc.run); err != nil {
			t.Fatalf("%s: %v", sc.id, err)
		}
		r.Sections = append(r.Sections, s)
	}
	dir := t.TempDir()
	if err := r.write(dir); err != nil {
		t.Fatal(err)
	}
	md, err := os.ReadFile(dir + "/results.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"## Start and wait", "(start.svg)", "(allocs.svg)", "| os/exec", "- aim: "} {
		if !strings.Contains(string(md), want) {
			t.Errorf("results.md lacks %q:\n%s", want, md)
		}
	}
	data, err := os.ReadFile(dir + "/results.json")
	if err != nil {
		t.Fatal(err)
	}
	var back report
	if err := json.Unmarshal(data, &back); err != nil {
		t.Fatal(err)
	}
	if s := back.Sections[0].Samples.find(byExec, "", 1); s == nil || s.P50 == 0 {
		t.Errorf("results.json has no figure of os/exec:\n%s", data)
	}
	if _, err := os.Stat(dir + "/start.svg"); err != nil {
		t.Error(err)
	}
}
