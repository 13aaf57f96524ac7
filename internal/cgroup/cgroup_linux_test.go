package cgroup

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/mountinfo"
)

// place makes a cgroup for a test to make cgroups in. It has to be empty at the
// end.
func place(t *testing.T) string {
	t.Helper()
	top := top(t)
	dir, err := os.MkdirTemp(top, "sprog-test-leaf")
	if err != nil && unix.Access(top, unix.W_OK) != nil {
		t.Skip("needs a cgroup2 directory that this user may write to: ", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.Remove(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// top is where cgroups of v2 are mounted.
func top(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	for m := range mountinfo.Mounts(string(text)) {
		if m.Type == "cgroup2" {
			return m.Point
		}
	}
	t.Skip("needs a cgroup2 file system")
	return ""
}

// needs skips the test without a controller.
func needs(t *testing.T, controller string) {
	t.Helper()
	have, err := os.ReadFile(top(t) + "/cgroup.controllers")
	if err != nil || !slices.Contains(strings.Fields(string(have)), controller) {
		t.Skip("needs the controller " + controller + " of cgroup v2")
	}
}

// made makes a cgroup that has to be made.
func made(t *testing.T, s *Spec) *Group {
	t.Helper()
	g, err := Make(s)
	if err != nil {
		t.Fatal(err)
	}
	g.Commit()
	return g
}

// startIn starts a shell in the cgroup, and waits for it to say something.
func startIn(t *testing.T, dir int, script string) *exec.Cmd {
	t.Helper()
	c := exec.Command("/bin/sh", "-c", script)
	c.SysProcAttr = &syscall.SysProcAttr{UseCgroupFD: true, CgroupFD: dir}
	out, err := c.StdoutPipe()
	if err == nil {
		err = c.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	out.Read(make([]byte, 1))
	return c
}

// openFiles are the descriptors of this process.
func openFiles(t *testing.T) int {
	t.Helper()
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(list)
}

// All in the cgroup and below it ends, by cgroup.kill or without, and the
// counters outlast it.
func TestCgroup(t *testing.T) {
	for _, plain := range []bool{false, true} {
		parent := place(t)
		before := openFiles(t)
		g := made(t, &Spec{Parent: parent, Writes: []Write{{"cgroup.max.depth", "7", ""}}})
		if filepath.Dir(g.Path()) != parent {
			t.Errorf("the cgroup is %s; want it in %s", g.Path(), parent)
		}
		if depth, err := os.ReadFile(g.Path() + "/cgroup.max.depth"); err != nil || string(depth) != "7\n" {
			t.Errorf("cgroup.max.depth is %q, %v; want 7", depth, err)
		}
		c := startIn(t, g.FD(), `mkdir `+g.Path()+`/x; (echo 0 >`+g.Path()+`/x/cgroup.procs; exec sleep 1000 >/dev/null) & echo; exec sleep 1000`)
		if s, err := g.Stats(); err != nil || !s.Populated {
			t.Errorf("Stats() = %+v, %v; want a process", s, err)
		}
		g.Plain = plain
		if err := g.Kill(); err != nil {
			t.Error(err)
		}
		c.Wait()
		if s := c.ProcessState.Sys().(syscall.WaitStatus).Signal(); s != syscall.SIGKILL {
			t.Errorf("plain %v: the shell ended with %v; want SIGKILL", plain, c.ProcessState)
		}
		if err := g.Remove(); err != nil {
			t.Error(err)
		}
		if s, err := g.Stats(); err != nil || s.Populated || s.CPUUsage <= 0 {
			t.Errorf("the last Stats() = %+v, %v; want no process and CPU time", s, err)
		}
		if after := openFiles(t); after != before {
			t.Errorf("%d descriptors are open; want the %d from before", after, before)
		}
		if err := errors.Join(g.Kill(), g.Remove()); err != nil {
			t.Errorf("once it is gone: %v", err)
		}
	}
}

// A process of the caller's that goes into the cgroup by its cgroup.procs is in it.
func TestCgroupProcs(t *testing.T) {
	g := made(t, &Spec{Parent: place(t), Name: "job"})
	defer g.Remove()
	fd, err := g.OpenProcs()
	if err != nil {
		t.Fatal(err)
	}
	procs := os.NewFile(uintptr(fd), "cgroup.procs")
	c := exec.Command("/bin/sh", "-c", `echo 0 >&3 && sed -n s/^0:://p /proc/self/cgroup`)
	c.ExtraFiles = []*os.File{procs}
	out, err := c.CombinedOutput()
	procs.Close()
	if err != nil || !strings.HasSuffix(string(out), "/job\n") {
		t.Errorf("it is in %q, %v; want the cgroup job", out, err)
	}
	if fd, err := OpenProcsV1(g.Path()); !errors.Is(err, unix.EINVAL) {
		t.Errorf("OpenProcsV1 of a cgroup of v2 = %d, %v; want EINVAL", fd, err)
	}
}

// What cannot be made leaves nothing, and the error says what of the request it
// is about.
func TestCgroupRefused(t *testing.T) {
	parent := place(t)
	made(t, &Spec{Parent: parent, Name: "taken"})
	defer os.Remove(parent + "/taken")
	for _, test := range []struct {
		spec  Spec
		label string
		is    error
		hint  string
	}{
		{Spec{Parent: "/sys/nope"}, "Parent", fs.ErrNotExist, ""},
		{Spec{Parent: "/tmp"}, "Parent", unix.EINVAL, ""},
		{Spec{Name: "taken"}, "Name", fs.ErrExist, ""},
		{Spec{Controllers: []string{"nosuch"}}, "", fs.ErrNotExist, ""},
		{Spec{Writes: []Write{{"cgroup.max.depth", "9", "a"}, {"cgroup.max.depth", "many", "b"}}}, "b", unix.EINVAL, "the file does not take that value"},
		{Spec{Writes: []Write{{"cgroup.nosuch", "1", "c"}}}, "c", fs.ErrNotExist, "this kernel's cgroups do not have the file"},
	} {
		if test.spec.Parent == "" {
			test.spec.Parent = parent
		}
		before := openFiles(t)
		g, err := Make(&test.spec)
		var e *Error
		if !errors.As(err, &e) || e.Label != test.label || !errors.Is(err, test.is) || e.Hint != test.hint || e.Holder != "" {
			t.Errorf("Make(%+v) = %v, %+v; want %q, %v (%s)", test.spec, g, e, test.label, test.is, test.hint)
		}
		if after := openFiles(t); after != before {
			t.Errorf("after %v %d descriptors are open; want the %d from before", err, after, before)
		}
	}
}

// A parent with processes is told of as their holder, also to who asks for the cgroup
// below it, and is left as it is.
func TestCgroupHolder(t *testing.T) {
	needs(t, "hugetlb")
	parent := made(t, &Spec{Parent: place(t), Name: "full"})
	defer parent.Remove()
	below := made(t, &Spec{Parent: parent.Path(), Name: "below"})
	c := startIn(t, parent.FD(), "echo; exec sleep 1000")
	for _, dir := range []string{parent.Path(), below.Path()} {
		_, err := Make(&Spec{Parent: dir, Controllers: []string{"hugetlb"}})
		var e *Error
		if !errors.As(err, &e) || e.Holder != parent.Path() || !errors.Is(err, unix.EBUSY) {
			t.Errorf("in %s: %v, %+v; want EBUSY, with %s as the holder", dir, err, e, parent.Path())
		}
	}
	// Of another cgroup than the parent no process moves.
	if g, err := Make(&Spec{Parent: below.Path(), Controllers: []string{"hugetlb"}, Evacuate: true}); err == nil {
		t.Errorf("%s is made", g.Path())
		g.Discard()
	}
	if procs, err := os.ReadFile(parent.Path() + "/cgroup.procs"); err != nil || len(strings.Fields(string(procs))) != 1 {
		t.Errorf("%s holds %q, %v; want the process", parent.Path(), procs, err)
	}
	g := made(t, &Spec{Parent: parent.Path(), Controllers: []string{"hugetlb"}, Evacuate: true})
	if procs, err := os.ReadFile(parent.Path() + "/" + Leaf + "/cgroup.procs"); err != nil || len(strings.Fields(string(procs))) != 1 {
		t.Errorf("%s holds %q, %v; want the process", Leaf, procs, err)
	}
	c.Process.Kill()
	c.Wait()
	if err := errors.Join(g.Remove(), below.Remove()); err != nil {
		t.Error(err)
	}
}

// A cgroup that nothing has run in goes without a descriptor, and the name of another
// stays.
func TestCgroupDiscard(t *testing.T) {
	parent := place(t)
	g, err := Make(&Spec{Parent: parent, Name: "job"})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(g.Path()); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(g.Path(), 0o755); err != nil {
		t.Fatal(err)
	}
	g.Discard()
	if err := os.Remove(g.Path()); err != nil {
		t.Errorf("another's cgroup of that name: %v", err)
	}
	if g, err = Make(&Spec{Parent: parent, Name: "job"}); err != nil {
		t.Fatal(err)
	}
	g.Discard()
	if _, err := os.Stat(g.Path()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the cgroup is still there: %v", err)
	}
}

// What is stopped is told of, and goes on.
func TestCgroupFreeze(t *testing.T) {
	g := made(t, &Spec{Parent: place(t)})
	c := startIn(t, g.FD(), "echo; exec sleep 1000")
	for _, stop := range []bool{true, false} {
		if err := g.Freeze(stop); err != nil {
			t.Error(err)
			break
		}
		for s, _ := g.Stats(); s.Frozen != stop; s, _ = g.Stats() { // or the test binary's own limit on time
			time.Sleep(time.Millisecond)
		}
	}
	if err := g.Kill(); err != nil {
		t.Error(err)
	}
	c.Wait()
	if err := g.Remove(); err != nil {
		t.Error(err)
	}
}
