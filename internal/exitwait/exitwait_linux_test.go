package exitwait

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// start starts a shell command; the process has a pidfd. An empty command
// sleeps until it is killed.
func start(t testing.TB, script string) *os.Process {
	t.Helper()
	path, argv := "/bin/sh", []string{"sh", "-c", script}
	if script == "" {
		sleep, err := exec.LookPath("sleep")
		if err != nil {
			t.Fatal(err)
		}
		path, argv = sleep, []string{"sleep", "600"}
	}
	p, err := os.StartProcess(path, argv, &os.ProcAttr{})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// byPid is p without its pidfd, as on systems that have none.
func byPid(p *os.Process) *os.Process { return &os.Process{Pid: p.Pid} }

// reap waits for p, and fails if p.Wait blocks, or does not say what it should.
func reap(t *testing.T, p *os.Process, want int) {
	t.Helper()
	if !gone(p.Pid) {
		t.Errorf("process %d: Wait has returned before its end", p.Pid)
	}
	state, err := p.Wait()
	if err != nil || state.ExitCode() != want {
		t.Errorf("process %d: %v, %v; want exit code %d", p.Pid, state, err, want)
	}
}

// eachWay runs a test with and without pidfds.
func eachWay(t *testing.T, f func(t *testing.T, view func(*os.Process) *os.Process)) {
	t.Run("pidfd", func(t *testing.T) { f(t, func(p *os.Process) *os.Process { return p }) })
	t.Run("SIGCHLD", func(t *testing.T) { f(t, byPid) })
}

func TestWait(t *testing.T) {
	eachWay(t, func(t *testing.T, view func(*os.Process) *os.Process) {
		for script, code := range map[string]int{
			"exit 0":                0,
			"exit 7":                7,
			"kill -9 $$":            -1,
			"sleep 0.03; exit 5":    5,
			"sleep 0.0045; exit 1":  1,
			"exec sleep 0.01":       0,
			"sleep 0.05 & exit 2":   2,
			"kill -STOP $$; exit 3": 3,
		} {
			p := start(t, script)
			if strings.Contains(script, "STOP") {
				// A stop is not an end.
				go continueStopped(p)
			}
			Wait(view(p))
			reap(t, p, code)
		}
	})
}

// continueStopped waits until the process is stopped, and continues it.
func continueStopped(p *os.Process) {
	for {
		stat, err := os.ReadFile("/proc/" + strconv.Itoa(p.Pid) + "/stat")
		if err != nil {
			return
		}
		if strings.Contains(string(stat), ") T ") {
			break
		}
		time.Sleep(time.Millisecond)
	}
	time.Sleep(20 * time.Millisecond) // for Wait to make a mistake
	p.Signal(syscall.SIGCONT)
}

func TestWaitForADeadProcess(t *testing.T) {
	eachWay(t, func(t *testing.T, view func(*os.Process) *os.Process) {
		p := start(t, "exit 4")
		time.Sleep(20 * time.Millisecond)
		Wait(view(p))
		reap(t, p, 4)
		Wait(view(p)) // returns at once
	})
}

func TestWaitForAReleasedProcess(t *testing.T) {
	p := start(t, "exit 0")
	pid := p.Pid
	p.Release()
	Wait(p)
	if _, err := syscall.Wait4(pid, nil, 0, nil); err != nil {
		t.Error(err)
	}
}

func TestWaitForAStranger(t *testing.T) {
	p, err := os.FindProcess(os.Getppid())
	if err != nil {
		t.Fatal(err)
	}
	defer p.Release()
	Wait(byPid(p)) // not a child: returns at once
}

// Others kill, wait for, and release the process that is waited for.
func TestWaitWithInterference(t *testing.T) {
	eachWay(t, func(t *testing.T, view func(*os.Process) *os.Process) {
		for _, interfere := range []func(p *os.Process){
			func(p *os.Process) { p.Kill() },
			func(p *os.Process) { p.Kill(); p.Wait() },
			func(p *os.Process) { syscall.Kill(p.Pid, syscall.SIGKILL); syscall.Wait4(p.Pid, nil, 0, nil) },
			func(p *os.Process) { go p.Wait(); time.Sleep(time.Millisecond); p.Kill() },
			func(p *os.Process) { go Wait(view(p)); time.Sleep(time.Millisecond); p.Kill() },
		} {
			for _, delay := range []time.Duration{0, patience / 2, 4 * patience} {
				p := start(t, "")
				done := make(chan struct{})
				go func() {
					Wait(view(p))
					close(done)
				}()
				time.Sleep(delay)
				interfere(p)
				<-done
				p.Wait()
			}
		}
	})
}

func TestReleaseDuringWait(t *testing.T) {
	p := start(t, "")
	pid := p.Pid
	done := make(chan struct{})
	go func() {
		Wait(p)
		close(done)
	}()
	time.Sleep(3 * patience)
	p.Release()
	syscall.Kill(pid, syscall.SIGKILL)
	<-done
	if _, err := syscall.Wait4(pid, nil, 0, nil); err != nil {
		t.Error(err)
	}
}

// Thousands of children are waited for by a handful of threads, and nothing is
// left when they have exited.
func TestManyChildren(t *testing.T) {
	n := 2000
	if testing.Short() {
		n = 200
	}
	eachWay(t, func(t *testing.T, view func(*os.Process) *os.Process) {
		before := openFiles(t)
		goroutines := runtime.NumGoroutine()
		var all sync.WaitGroup
		var children []*os.Process
		for range n {
			p := start(t, "")
			children = append(children, p)
			all.Go(func() {
				Wait(view(p))
				reap(t, p, -1)
			})
		}
		time.Sleep(2 * patience)
		if got := threads(t); got >= 50 {
			t.Errorf("%d threads while %d children are waited for; want fewer than 50", got, n)
		}
		for _, p := range children {
			p.Kill()
		}
		all.Wait()
		if got := openFiles(t); got > before {
			t.Errorf("%d files are open; want %d", got, before)
		}
		// The goroutine that closed the last channel may still be returning,
		// and os/signal keeps one.
		for range 100 {
			if runtime.NumGoroutine() <= goroutines+1 {
				return
			}
			time.Sleep(10 * time.Millisecond)
		}
		t.Errorf("%d goroutines; want %d", runtime.NumGoroutine(), goroutines)
	})
}

// Pollers and scanners come and go while others wait.
func TestManyShortLives(t *testing.T) {
	eachWay(t, func(t *testing.T, view func(*os.Process) *os.Process) {
		var all sync.WaitGroup
		for i := range 30 {
			all.Go(func() {
				for j := range 8 {
					p := start(t, "sleep 0.0"+strconv.Itoa((i+j)%3)+"; exit 6")
					Wait(view(p))
					reap(t, p, 6)
				}
			})
		}
		all.Wait()
	})
	if current.poller != nil || scanner.waiters != nil {
		t.Errorf("poller = %v, scanner = %v after the last child; want none", current.poller, scanner.waiters)
	}
}

// Without descriptors to spare, SIGCHLD takes over.
func TestOutOfDescriptors(t *testing.T) {
	p := start(t, "")
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	low := syscall.Rlimit{Cur: 3, Max: limit.Max}
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &low); err != nil {
		t.Fatal(err)
	}
	defer syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit)
	time.AfterFunc(4*patience, func() { p.Kill() })
	Wait(p)
	reap(t, p, -1)
}

// The runtime has no network poller yet, and hardly a descriptor is left for
// one: it would end the process. Each try takes a process of its own.
func TestNoDescriptorForNetpoll(t *testing.T) {
	const leftVar = "EXITWAIT_TEST_LEFT"
	if left, err := strconv.Atoi(os.Getenv(leftVar)); err == nil {
		waitWithDescriptors(t, left)
		if !t.Failed() {
			os.Stdout.WriteString("--- PASS\n")
			syscall.Exit(0) // a report of coverage would need a descriptor
		}
		return
	}
	for left := range 5 {
		c := exec.Command("/proc/self/exe", "-test.run=^TestNoDescriptorForNetpoll$", "-test.v")
		c.Env = append(os.Environ(), leftVar+"="+strconv.Itoa(left))
		if out, err := c.CombinedOutput(); err != nil || !strings.Contains(string(out), "--- PASS") {
			t.Errorf("with %d descriptors left: %v\n%s", left, err, out)
		}
	}
}

func waitWithDescriptors(t *testing.T, left int) {
	p, err := os.StartProcess("/bin/sleep", []string{"sleep", "0.05"}, &os.ProcAttr{}) // longer than a thread watches
	if err != nil {
		t.Fatal(err)
	}
	for fd := range 64 {
		if to, _ := os.Readlink("/proc/self/fd/" + strconv.Itoa(fd)); to == "anon_inode:[eventpoll]" {
			t.Fatal("there is a network poller already")
		}
	}
	lowest, err := syscall.Dup(1)
	if err != nil {
		t.Fatal(err)
	}
	syscall.Close(lowest)
	low := syscall.Rlimit{Cur: uint64(lowest + left), Max: uint64(lowest + left)}
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &low); err != nil {
		t.Fatal(err)
	}
	Wait(p)
	if state, err := p.Wait(); err != nil || !state.Success() {
		t.Errorf("%v, %v", state, err)
	}
}

func threads(t *testing.T) int {
	t.Helper()
	tasks, err := filepath.Glob("/proc/self/task/*")
	if err != nil || len(tasks) == 0 {
		t.Fatal("no /proc/self/task", err)
	}
	return len(tasks)
}

func openFiles(t *testing.T) int {
	t.Helper()
	fds, err := filepath.Glob("/proc/self/fd/*")
	if err != nil || len(fds) == 0 {
		t.Fatal("no /proc/self/fd", err)
	}
	return len(fds)
}

func BenchmarkWait(b *testing.B) {
	for name, wait := range map[string]func(*os.Process){"exitwait": Wait, "blocking": func(*os.Process) {}} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				p, err := os.StartProcess("/bin/true", []string{"true"}, &os.ProcAttr{})
				if err != nil {
					b.Fatal(err)
				}
				wait(p)
				if _, err := p.Wait(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// Those who wait in a bubble of testing/synctest and those outside wake each other.
func TestBubbles(t *testing.T) {
	eachWay(t, func(t *testing.T, view func(*os.Process) *os.Process) {
		wait := func() {
			var all sync.WaitGroup
			for range 40 {
				p := start(t, "")
				all.Go(func() {
					Wait(view(p))
					reap(t, p, -1)
				})
				all.Go(func() { p.Kill() })
			}
			all.Wait()
		}
		var all sync.WaitGroup
		for range 3 {
			all.Go(func() { synctest.Test(t, func(*testing.T) { wait() }) })
			all.Go(wait)
		}
		all.Wait()
	})
}
