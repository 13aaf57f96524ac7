//go:build amd64 || arm64

package sprog

import (
	"errors"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/kernel"
	"github.com/sprog-dev/sprog/internal/program"
)

// fuses makes sure that a Run sleeps once here, and skips the test where the kernel does not allow that.
func fuses(t *testing.T) {
	t.Helper()
	if err := Command("/bin/true").Run(); err != nil { // what the kernel can is learned from a start
		t.Fatal(err)
	}
	if !kernel.Known.Clone3Works.Load() || kernel.Known.Missing() != 0 {
		t.Skip("the kernel lacks calls that a Run without a second sleep needs")
	}
}

// While a Run is under way, this process holds nothing of the child: no pidfd. That is how the
// program sees that it runs in one.
func TestRunHoldsNothing(t *testing.T) {
	requires(t, realProcessor) // the other is slow enough for something else to hold one meanwhile
	fuses(t)
	script := `ls -l /proc/$PPID/fd | grep -c pidfd; exit 7`
	for _, run := range []struct {
		name string
		do   func(*Cmd) error
		want string
	}{
		{"Run", (*Cmd).Run, "0"},
		{"Start", func(c *Cmd) error {
			if err := c.Start(); err != nil {
				return err
			}
			return c.Wait()
		}, "1"},
	} {
		if n := pidfds(t); n != 0 {
			t.Fatalf("this process holds %d pidfds before", n)
		}
		file, err := os.Create(filepath.Join(t.TempDir(), "out"))
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		c := Command("/bin/sh", "-c", script)
		c.Stdout = file
		err = run.do(c)
		text, _ := os.ReadFile(file.Name())
		exit, is := errors.AsType[*ExitError](err)
		if !is || exit.ExitCode() != 7 || c.ProcessState.Pid() != c.Process.Pid || strings.TrimSpace(string(text)) != run.want {
			t.Errorf("%s: %v, %v, and the program saw %q; want %q pidfds, and exit code 7", run.name, err, c.ProcessState, text, run.want)
		}
		if err := c.Process.Kill(); !errors.Is(err, os.ErrProcessDone) {
			t.Errorf("%s: killed afterwards: %v; want %v", run.name, err, os.ErrProcessDone)
		}
		if r := c.Result(); r.Cause != CauseProgram || r.ExitCode != 7 || r.Wall <= 0 || r.MaxRSS <= 0 {
			t.Errorf("%s: the result is %+v", run.name, r)
		}
	}
}

func pidfds(t *testing.T) (n int) {
	t.Helper()
	dir, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip(err)
	}
	for _, entry := range dir {
		if to, _ := os.Readlink("/proc/self/fd/" + entry.Name()); strings.Contains(to, "pidfd") {
			n++
		}
	}
	return n
}

// Whatever goes wrong in a start, Run says what Start says, and nothing is left.
func TestRunFaults(t *testing.T) {
	fuses(t)
	cmd := Command("/bin/true")
	steps, _ := stepsOf(t, cmd)
	before := heldNow(t)
	for _, die := range []bool{false, true} {
		for i, s := range steps {
			if !die && s.Call.IsOperation() {
				continue
			}
			var said [2]string
			for n, do := range []func(*Cmd) error{(*Cmd).Start, (*Cmd).Run} {
				c := again(cmd)
				c.inspect = func(first, _ *program.Program) { first.Fault = &program.Fault{Step: i, Die: die} }
				err := do(c)
				if n == 0 && err == nil {
					err = c.Wait() // nobody came by
				} else if err != nil && c.Process != nil {
					t.Errorf("step %d: there is a process after %v", i, err)
				}
				if err != nil {
					said[n] = err.Error()
				}
				before.compare(t, said[n])
			}
			if said[0] != said[1] {
				t.Errorf("step %d of a Run: %q; of a start: %q", i, said[1], said[0])
			}
		}
	}
}

// So it does of programs that cannot be executed.
func TestRunOfNoProgram(t *testing.T) {
	fuses(t)
	dir := t.TempDir()
	for name, text := range map[string]string{"script": "#!/no/interpreter\n", "noise": "noise\n", "empty": ""} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, path := range []string{"/nonexistent", dir, "/etc/passwd", filepath.Join(dir, "script"), filepath.Join(dir, "noise"), filepath.Join(dir, "empty")} {
		start, run := Command(path).Start(), Command(path).Run()
		if start == nil || run == nil || start.Error() != run.Error() {
			t.Errorf("Run says %v; Start %v", run, start)
		}
	}
}

// A stop is no end, and a signal from wherever is one.
func TestRunSignals(t *testing.T) {
	fuses(t)
	for _, test := range []struct{ script, want string }{
		{"kill -STOP $$; exit 3", "exit status 3"},
		{"kill -TERM $$; exit 3", "signal: terminated"},
		{"exec sleep 600", "signal: killed"},
	} {
		c := Command("/bin/sh", "-c", "echo $$ >&3; "+test.script)
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		c.ExtraFiles = []*os.File{w}
		var wg sync.WaitGroup
		wg.Go(func() {
			var text [20]byte
			n, _ := r.Read(text[:])
			pid, _ := strconv.Atoi(strings.TrimSpace(string(text[:n])))
			switch {
			case pid == 0:
				t.Error("it has not said its number")
			case strings.Contains(test.script, "STOP"):
				eventually(t, "it stops", func() bool {
					stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
					return err == nil && strings.Contains(string(stat), ") T ")
				})
				unix.Kill(pid, unix.SIGCONT)
			case strings.Contains(test.script, "sleep"):
				unix.Kill(pid, unix.SIGKILL)
			}
		})
		if err := c.Run(); err == nil || err.Error() != test.want {
			t.Errorf("%q: %v; want %s", test.script, err, test.want)
		}
		w.Close()
		wg.Wait()
		r.Close()
	}
}

// More of them than there are threads for wait like others, and all of them end.
func TestManyRuns(t *testing.T) {
	fuses(t)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			c := Command("/bin/cat")
			c.Stdin = r
			if err := c.Run(); err != nil {
				t.Error(err)
			}
		})
	}
	eventually(t, "all of them run", func() bool { return len(childrenNamed("cat")) == 20 })
	if err := Command("/bin/true").Run(); err != nil {
		t.Error(err)
	}
	w.Close()
	wg.Wait()
}

// childrenNamed are this process's children of a name.
func childrenNamed(name string) (pids []string) {
	files, _ := filepath.Glob("/proc/self/task/*/children")
	for _, file := range files {
		text, _ := os.ReadFile(file)
		for pid := range strings.FieldsSeq(string(text)) {
			if comm, _ := os.ReadFile("/proc/" + pid + "/comm"); strings.TrimSpace(string(comm)) == name {
				pids = append(pids, pid)
			}
		}
	}
	return pids
}

// Where SIGCHLD is ignored the kernel reaps by itself: Run returns, and says that it does not know the end.
func TestRunWithoutSIGCHLD(t *testing.T) {
	if !ownProcess(t, nil) {
		return
	}
	fuses(t)
	signal.Ignore(unix.SIGCHLD)
	err := Command("/bin/sh", "-c", "sleep 0.1").Run()
	if !errors.Is(err, syscall.ECHILD) {
		t.Errorf("Run: %v; want %v", err, syscall.ECHILD)
	}
}
