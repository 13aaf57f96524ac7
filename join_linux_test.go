//go:build amd64 || arm64

package sprog

import (
	"bufio"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/spec"
)

// A container is a process in namespaces of its own. It is no child of this
// process, so that tests can look for children that are left behind.
type container struct {
	pid int
}

// newContainer starts one in new namespaces; with a user namespace among them
// where ids, an id map, is not nil.
func newContainer(t *testing.T, flags uintptr, ids []syscall.SysProcIDMap) container {
	t.Helper()
	adopts, _ := subreaper()
	unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)
	defer unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, adopts, 0, 0, 0)
	args := []string{strconv.FormatUint(uint64(flags), 10)}
	for _, m := range ids {
		args = append(args, strconv.Itoa(m.ContainerID), strconv.Itoa(m.HostID), strconv.Itoa(m.Size))
	}
	out := outputOf(t, helperCommand("contain", args...))
	pid, err := strconv.Atoi(strings.TrimSpace(out))
	if err != nil {
		t.Fatal(out, err)
	}
	t.Cleanup(func() { unix.Kill(pid, unix.SIGKILL) })
	return container{pid}
}

func subreaper() (on uintptr, err error) {
	var word int32
	_, _, errno := unix.RawSyscall(unix.SYS_PRCTL, unix.PR_GET_CHILD_SUBREAPER, uintptr(unsafe.Pointer(&word)), 0)
	if errno != 0 {
		return 0, errno
	}
	return uintptr(word), nil
}

// contain FLAGS [INSIDE OUTSIDE COUNT]...: leave a process behind in new
// namespaces, with id maps if there are any, and print its number. It ends by
// itself after a while.
var _ = helper("contain", func(args []string) int {
	flags, _ := strconv.ParseUint(args[0], 10, 64)
	var ids []syscall.SysProcIDMap
	for ; len(args) > 3; args = args[3:] {
		var n [3]int
		for i := range n {
			n[i], _ = strconv.Atoi(args[i+1])
		}
		ids = append(ids, syscall.SysProcIDMap{ContainerID: n[0], HostID: n[1], Size: n[2]})
	}
	c := helperCommand("hang", "")
	c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: uintptr(flags)}
	if ids != nil {
		c.SysProcAttr.Cloneflags |= unix.CLONE_NEWUSER
		c.SysProcAttr.UidMappings, c.SysProcAttr.GidMappings = ids, ids
	}
	out, err := c.StdoutPipe()
	if err == nil {
		err = c.Start()
	}
	if err == nil {
		_, err = bufio.NewReader(out).ReadString('\n')
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	fmt.Println(c.Process.Pid)
	return 0
})

// link is what the kernel calls a namespace of a process.
func link(t *testing.T, pid, kind string) string {
	t.Helper()
	name, err := os.Readlink("/proc/" + pid + "/ns/" + kind)
	if err != nil {
		t.Fatal(err)
	}
	return name
}

const newKinds = syscall.CLONE_NEWNS | syscall.CLONE_NEWUTS | syscall.CLONE_NEWIPC | syscall.CLONE_NEWPID |
	syscall.CLONE_NEWNET | syscall.CLONE_NEWCGROUP

func pidFD(t *testing.T, pid int) *os.File {
	t.Helper()
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		t.Fatal(err)
	}
	f := os.NewFile(uintptr(fd), "pidfd")
	t.Cleanup(func() { f.Close() })
	return f
}

// The child of a start, as the caller sees it, is in every namespace of a
// container, whichever way they were named.
func TestJoinAll(t *testing.T) {
	requires(t, asRoot)
	for name, ids := range map[string][]syscall.SysProcIDMap{
		"": nil, "of other users": {{ContainerID: 0, HostID: 100000, Size: 1000}}, "of the same users": {{ContainerID: 0, HostID: 0, Size: 1000}},
	} {
		flags := uintptr(newKinds | syscall.CLONE_NEWTIME)
		box := newContainer(t, flags, ids)
		var paths []Namespace
		for _, k := range spec.NamespaceKinds {
			if k.Kind != spec.UserNamespace || ids != nil {
				paths = append(paths, Namespace{Kinds: NamespaceKind(k.Kind), Path: "/proc/" + strconv.Itoa(box.pid) + "/ns/" + k.File})
			}
		}
		for how, join := range map[string][]Namespace{
			"pid": {{PID: box.pid}}, "pidfd": {{PidFD: pidFD(t, box.pid)}}, "paths": paths,
			"pid but for the time": {{PID: box.pid, Kinds: NamespaceKind(spec.AllKinds) &^ TimeNamespace}},
		} {
			for _, init := range []*Init{nil, {}} {
				t.Run("container "+name+" by "+how+map[bool]string{true: " with init"}[init != nil], func(t *testing.T) {
					joinAll(t, box, &Attr{Join: join, Init: init}, how)
				})
			}
		}
	}
}

func joinAll(t *testing.T, box container, attr *Attr, how string) {
	c := helperCommand("hang", "")
	c.Attr = attr
	pidfd := -1
	c.SysProcAttr = &syscall.SysProcAttr{PidFD: &pidfd}
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	defer unix.Close(pidfd)
	pid, theirs := strconv.Itoa(c.Process.Pid), strconv.Itoa(box.pid)
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "ready\n" {
		t.Error(line, err)
	}
	for _, k := range spec.NamespaceKinds {
		if k.Kind == spec.TimeNamespace && how == "pid but for the time" {
			continue
		}
		if got, want := link(t, pid, k.File), link(t, theirs, k.File); got != want {
			t.Errorf("%s of the child = %s; want %s", k.File, got, want)
		}
	}
	status := "/proc/" + pid + "/status"
	if got, want := procField(status, "PPid"), strconv.Itoa(os.Getpid()); got != want {
		t.Errorf("parent of the child = %s; want %s", got, want)
	}
	if numbers := strings.Fields(procField(status, "NSpid")); len(numbers) != 2 || numbers[0] != pid {
		t.Errorf("NSpid of the child = %q; want %s and a number inside", numbers, pid)
	}
	if pidfd < 0 {
		t.Error("no pidfd")
	} else if err := unix.PidfdSendSignal(pidfd, unix.SIGKILL, nil, 0); err != nil {
		t.Errorf("signal by the pidfd: %v", err)
	}
	c.Wait()
	if got := c.ProcessState.Sys().(syscall.WaitStatus); !got.Signaled() && attr.Init == nil {
		t.Errorf("the child ended with %v; want by a signal", got)
	}
}
