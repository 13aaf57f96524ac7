//go:build amd64 || arm64

package launch

import (
	"io"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/compile"
	"github.com/sprog-dev/sprog/internal/spec"
)

// A program that was compiled once is started often, at the same time, each time with other
// files, arguments and variables and another directory.
func TestCompiledOnce(t *testing.T) {
	for name, attr := range map[string]*spec.Attr{"one stage": {}, "init": {Init: new(spec.Init)}} {
		t.Run(name, func(t *testing.T) {
			first := onceStart(attr, "/")
			first.Files = onceFiles(100, 101)
			base := new(memory).begin(first, Options{}, tried{})
			if err := base.suppose(); err != nil {
				t.Fatal(err)
			}
			base.compile()
			var all sync.WaitGroup
			for n := range 32 {
				all.Go(func() { startOnce(t, &base.made, base, attr, n) })
			}
			all.Wait()
		})
	}
}

func onceStart(attr *spec.Attr, dir string) *spec.Start {
	r := &spec.Start{Path: "/bin/sh", Dir: dir, Sys: new(syscall.SysProcAttr), Attr: attr}
	r.FillIn()
	return r
}

// onceFiles has the child read and write: standard input and output, each of which
// may be at the other's number in the parent.
func onceFiles(in, out int) []spec.ChildFile {
	return []spec.ChildFile{
		{N: 0, Source: spec.FromParent, Fd: in, Field: "Stdin"},
		{N: 1, Source: spec.FromParent, Fd: out, Field: "Stdout"},
		{N: 2, Source: spec.NullWrite, Field: "Stderr"},
	}
}

func startOnce(t *testing.T, made *compile.Plan, base *attempt, attr *spec.Attr, n int) {
	dir, word := t.TempDir(), strconv.Itoa(n)
	var in, out [2]int
	for _, pair := range []*[2]int{&in, &out} {
		if err := unix.Pipe2(pair[:], unix.O_CLOEXEC); err != nil {
			t.Error(err)
			return
		}
	}
	r := onceStart(attr, dir)
	r.Argv, r.Env = []string{"sh", "-c", "read line; echo $line $0 $VALUE $PWD", word}, []string{"VALUE=v" + word}
	r.Files = onceFiles(in[0], out[1])
	s := new(memory).begin(r, Options{}, tried{})
	defer s.cleanUp(false)
	if err := s.prepare(); err != nil { // which opens what the holes are for
		t.Error(err)
		return
	}
	s.given.Highest = base.given.Highest
	s.made = made.Copy(&s.memory.compile)
	for i, u := range s.given.Uses {
		s.made.Held[i].Use = u
	}
	bound := s.made.Held[len(s.given.Uses):]
	bound[0].Fd, bound[1].Fd = in[0], out[1]
	if err := s.reserve(); err != nil {
		t.Error(err)
		return
	}
	s.bind()
	if err := s.seal(); err != nil {
		t.Error(err)
		return
	}
	s.prepareLaunch()
	res := s.launch.Do()
	s.returnLow()
	if s.stage != nil && res.OK {
		res = s.stage.Outcome(res)
	}
	if !res.OK {
		t.Errorf("start %d: %+v", n, res)
		return
	}
	unix.Close(in[0])
	unix.Close(out[1])
	unix.Write(in[1], []byte("line"+word+"\n"))
	unix.Close(in[1])
	got, _ := io.ReadAll(os.NewFile(uintptr(out[0]), "out"))
	if want := strings.Join([]string{"line" + word, word, "v" + word, dir}, " ") + "\n"; string(got) != want {
		t.Errorf("start %d: got %q; want %q", n, got, want)
	}
	var status unix.WaitStatus
	if _, err := unix.Wait4(res.Pid, &status, 0, nil); err != nil || status != 0 {
		t.Errorf("start %d: %v, %v", n, status, err)
	}
}
