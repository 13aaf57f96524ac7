//go:build amd64 || arm64

package launch

import (
	"io"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/program"
	"github.com/sprog-dev/sprog/internal/spec"
	_ "github.com/sprog-dev/sprog/internal/verified"
)

// Children that wait become programs that nobody had thought of when they were born.
func TestWaiting(t *testing.T) {
	for name, ask := range map[string]spec.Start{
		"plain":          {},
		"init":           {Attr: &spec.Attr{Init: new(spec.Init)}},
		"PID namespace":  {Sys: &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWPID | unix.CLONE_NEWNS | unix.CLONE_NEWNET}, Attr: &spec.Attr{Init: new(spec.Init)}},
		"user namespace": {Sys: &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWUSER | unix.CLONE_NEWPID | unix.CLONE_NEWNS}, Attr: &spec.Attr{NoNewPrivs: true}},
	} {
		t.Run(name, func(t *testing.T) {
			if name == "PID namespace" && os.Geteuid() != 0 {
				t.Skip("it takes root")
			}
			ask.Path = "/what/there/is/not"
			var all sync.WaitGroup
			for _, word := range strings.Fields("one two three four five six seven eight") {
				w, err := Wait(&ask, Options{})
				if err != nil {
					t.Fatal(err)
				}
				all.Go(func() { goOn(t, w, &ask, word) })
			}
			all.Wait()
		})
	}
}

func goOn(t *testing.T, w *Waiting, ask *spec.Start, word string) {
	var in, out [2]int
	for _, pair := range []*[2]int{&in, &out} {
		if err := unix.Pipe2(pair[:], unix.O_CLOEXEC); err != nil {
			t.Error(err)
			return
		}
	}
	dir := t.TempDir()
	os.Chmod(dir, 0o755)
	r := *ask
	r.Path, r.Argv, r.Env, r.Dir = "/bin/sh", []string{"sh", "-c", "read line; echo $line $0 $VALUE $PWD; ls /proc/self/fd | wc -l >&7", word}, []string{"VALUE=v" + word}, dir
	r.Files = append(onceFiles(in[0], out[1]), spec.ChildFile{N: 7, Source: spec.FromParent, Fd: out[1], Field: "ExtraFiles[4]"})
	if !FitsRest(&r) || !w.GoOn(&r, Options{Birth: new(Birth)}) {
		t.Error("the child that waited has not become the program")
		return
	}
	unix.Close(in[0])
	unix.Close(out[1])
	unix.Write(in[1], []byte("line"+word+"\n"))
	unix.Close(in[1])
	f := os.NewFile(uintptr(out[0]), "out")
	defer f.Close()
	got, _ := io.ReadAll(f)
	if want := strings.Join([]string{"line" + word, word, "v" + word, dir}, " ") + "\n5\n"; string(got) != want {
		t.Errorf("got %q; want %q", got, want)
	}
	if state, err := w.Process.Wait(); err != nil || !state.Success() {
		t.Errorf("%v, %v", state, err)
	}
}

// Whatever step fails or dies, before the child waits or after, it leaves nothing; and the start says so.
func TestWaitingFaults(t *testing.T) {
	ask := spec.Start{Path: "/bin/true", Argv: []string{"true"}, Dir: "/", Files: onceFiles(0, 1),
		Sys:  &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWUSER | unix.CLONE_NEWPID | unix.CLONE_NEWNS},
		Attr: &spec.Attr{Init: new(spec.Init), NoNewPrivs: true, Umask: new(uint32(0o77)), Rlimits: []spec.Rlimit{{Resource: unix.RLIMIT_NOFILE, Cur: 64, Max: 64}}}}
	before := len(openNumbers())
	for _, die := range []bool{false, true} {
		births, failed := faults(t, die, func(at Options) bool {
			w, err := Wait(&ask, at)
			if err == nil {
				w.End()
			}
			return err == nil
		})
		rests, broken := faults(t, die, func(at Options) bool {
			w, err := Wait(&ask, Options{})
			if err != nil {
				t.Fatal(err)
			}
			r := ask
			at.Birth = new(Birth)
			if !FitsRest(&r) || !w.GoOn(&r, at) {
				return false
			}
			w.Process.Wait()
			at.Birth.End.Close()
			return true
		})
		if failed < births/2 || broken < rests/4 || rests < 30 {
			t.Errorf("of %d steps %d have failed, of %d of the rest %d", births, failed, rests, broken)
		}
	}
	if _, err := unix.Wait4(-1, nil, unix.WNOHANG|unix.WALL, nil); err != unix.ECHILD {
		t.Errorf("a child is left: %v", err)
	}
	if n := len(openNumbers()); n > before {
		t.Errorf("%d descriptors are open; before there were %d", n, before)
	}
}

// faults has a start go wrong at each step of the last of its programs, and returns how many there are, and how
// many starts have failed.
func faults(t *testing.T, die bool, start func(Options) bool) (steps, failed int) {
	t.Helper()
	for at := 0; at <= steps; at++ {
		ok := start(Options{Inspect: func(_, second *program.Program) {
			if steps = second.Len(); at < steps {
				second.Fault = &program.Fault{Step: at, Die: die}
			}
		}})
		if at == steps && !ok {
			t.Fatal("a start without a fault has failed")
		}
		if !ok {
			failed++
		}
	}
	return steps, failed
}
