//go:build linux

package main

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/cmd/sprog/internal/box"
	"github.com/sprog-dev/sprog/internal/seccomp"
)

// A watcher is told of the system calls by which programs ask for files and servers, before the kernel makes them
// as if nobody had looked. What it sees may be another path by then: it decides nothing by that, and only
// says what was asked for.
type watcher struct {
	box   *box.Box
	calls map[[2]uint32]*watchedCall // by architecture and number, as far as they have come

	mu    sync.Mutex
	lacks []string // one line each, in the order of the first time
}

// A watchedCall says where a system call has its path: after a descriptor of a directory, if dir is not
// negative. How is where the flags of open(2) are, or what the call does.
type watchedCall struct {
	name      string
	dir, path int
	how       int
}

// What calls do whose flags do not say so.
const (
	toRead    = -1
	toChange  = -2
	toConnect = -3
)

// watchedCalls leave out execve(2): the program's own comes before anybody listens.
var watchedCalls = [...]watchedCall{
	{"open", -1, 0, 1}, {"openat", 0, 1, 2}, {"openat2", 0, 1, toRead}, {"creat", -1, 0, toChange},
	{"stat", -1, 0, toRead}, {"lstat", -1, 0, toRead}, {"newfstatat", 0, 1, toRead}, {"statx", 0, 1, toRead},
	{"access", -1, 0, toRead}, {"faccessat", 0, 1, toRead}, {"faccessat2", 0, 1, toRead}, {"chdir", -1, 0, toRead},
	{"mkdir", -1, 0, toChange}, {"mkdirat", 0, 1, toChange}, {"unlink", -1, 0, toChange}, {"unlinkat", 0, 1, toChange}, {"truncate", -1, 0, toChange},
	{"rename", -1, 1, toChange}, {"renameat", 2, 3, toChange}, {"renameat2", 2, 3, toChange}, {"connect", -1, 1, toConnect},
}

// around starts the program on a thread of its own that is watched, with what it starts. No goroutine may get that
// thread later: the one that looks at calls would wait for itself. It lasts as long as sprog, as
// the program's parent.
func (w *watcher) around(start func() error) error {
	if w == nil {
		return start()
	}
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		listener, err := w.listen()
		if err != nil {
			started <- fmt.Errorf("--why: %w", err)
			return
		}
		go w.serve(listener)
		started <- start()
		select {}
	}()
	return <-started
}

// listen sets the filter for this thread. The box's own filter comes later, in the program: what that denies stays denied.
func (w *watcher) listen() (listener uintptr, err error) {
	rule := seccomp.Rule{Action: seccomp.Notify}
	for _, call := range watchedCalls {
		rule.Names = append(rule.Names, call.name)
	}
	policy := seccomp.Policy{Archs: seccomp.Native(runtime.GOARCH), Rules: []seccomp.Rule{rule}}
	policy.Default, policy.BadArch = seccomp.Allow, seccomp.Allow
	code, err := policy.Compile()
	if err != nil {
		return 0, err
	}
	filter := seccomp.Encode(code)
	program := unix.SockFprog{Len: uint16(len(code)), Filter: (*unix.SockFilter)(unsafe.Pointer(&filter[0]))}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return 0, err
	}
	for _, flags := range [...]uintptr{unix.SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, 0} { // Linux 5.19, and before
		flags |= unix.SECCOMP_FILTER_FLAG_NEW_LISTENER
		fd, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, flags, uintptr(unsafe.Pointer(&program)))
		if errno == 0 {
			return fd, nil
		}
		err = errno
	}
	return 0, err
}

// A notification is struct seccomp_notif, and the answer to it struct seccomp_notif_resp.
type notification struct {
	id         uint64
	pid, flags uint32
	call       uint32
	arch       uint32
	pc         uint64
	args       [6]uint64
}

type notificationAnswer struct {
	id, value uint64
	errno     int32
	flags     uint32
}

// serve looks at calls as long as there is somebody to make some.
func (w *watcher) serve(listener uintptr) {
	for {
		var n notification
		_, _, errno := unix.Syscall(unix.SYS_IOCTL, listener, unix.SECCOMP_IOCTL_NOTIF_RECV, uintptr(unsafe.Pointer(&n)))
		if errno == unix.EINTR || errno == unix.ENOENT { // ENOENT: it was killed meanwhile
			continue
		}
		if errno != 0 {
			unix.Close(int(listener)) // so that calls fail, instead of waiting
			return
		}
		if call := w.call(&n); call != nil {
			w.look(&n, call)
		}
		answer := notificationAnswer{id: n.id, flags: unix.SECCOMP_USER_NOTIF_FLAG_CONTINUE}
		unix.Syscall(unix.SYS_IOCTL, listener, unix.SECCOMP_IOCTL_NOTIF_SEND, uintptr(unsafe.Pointer(&answer)))
	}
}

// call is which one a notification is about, or nil.
func (w *watcher) call(n *notification) *watchedCall {
	key := [2]uint32{n.arch, n.call}
	if call, known := w.calls[key]; known {
		return call
	}
	w.calls[key] = nil
	name := seccomp.CallName(n.arch, int(n.call))
	for i := range watchedCalls {
		if watchedCalls[i].name == name {
			w.calls[key] = &watchedCalls[i]
		}
	}
	return w.calls[key]
}

// look notes what a call will not get.
func (w *watcher) look(n *notification, call *watchedCall) {
	if call.how == toConnect {
		w.lookConnect(n, call)
		return
	}
	path := w.path(n, call)
	if path == "" {
		return
	}
	change := call.how == toChange
	if call.how >= 0 {
		change = n.args[call.how]&(unix.O_ACCMODE|unix.O_CREAT|unix.O_TRUNC) != 0 && n.args[call.how]&unix.O_PATH == 0
	}
	if lack := w.lack(int(n.pid), path, change); lack != "" && executed(n.pid) {
		w.note(lack)
	}
}

// executed reports whether a process is the program, or one that it has started, and no longer a child
// that prepares itself, or an init.
func executed(process uint32) bool {
	own, _ := os.Readlink("/proc/self/exe")
	is, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", process))
	return err == nil && is != own && is != initImage
}

// initImage is what an init has executed, as the kernel names it.
const initImage = "/memfd:sprog (deleted)"

// lack is what the box keeps from the program at a path, and the flag for that, or "".
func (w *watcher) lack(process int, path string, change bool) string {
	lack, at := box.Missing(process, path, change)
	switch lack {
	case box.Hidden:
		flag := "--ro"
		switch {
		case path == os.Getenv("SSH_AUTH_SOCK"):
			return shown(path) + " is hidden (--ssh-agent)"
		case strings.HasSuffix(path, "/docker.sock"):
			return shown(path) + " is hidden (--docker)"
		case strings.HasPrefix(path, "/dev/"):
			flag = "--dev-bind"
		case change:
			flag = "--rw"
		}
		return fmt.Sprintf("%s is hidden (%s %[1]s)", shown(at), flag)
	case box.Unwritable:
		if below(path, w.box.Project.Dir) {
			return shown(path) + " is protected: your tools obey it outside of the box"
		}
		return fmt.Sprintf("%s cannot be changed (--rw %s)", shown(path), shown(at))
	}
	return ""
}

// lookConnect notes servers.
func (w *watcher) lookConnect(n *notification, call *watchedCall) {
	address := make([]byte, min(n.args[2], unix.SizeofSockaddrUnix))
	got := readFrom(int(n.pid), n.args[call.path], address)
	if len(got) < 2 {
		return
	}
	switch binary.NativeEndian.Uint16(got) {
	case unix.AF_UNIX:
		name, _, _ := strings.Cut(string(got[2:]), "\x00")
		if strings.HasPrefix(name, "/") {
			w.note(w.lack(int(n.pid), filepath.Clean(name), false))
		}
	case unix.AF_INET:
		if len(got) >= unix.SizeofSockaddrInet4 {
			w.noteServer(got[4:8], got[2:4])
		}
	case unix.AF_INET6:
		if len(got) >= unix.SizeofSockaddrInet6 {
			w.noteServer(got[8:24], got[2:4])
		}
	}
}

// noteServer notes one that is somewhere else. One at a loopback address may be the program's own.
func (w *watcher) noteServer(address, port []byte) {
	number := binary.BigEndian.Uint16(port)
	if mapped := "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\xff\xff"; strings.HasPrefix(string(address), mapped) { // IPv4
		address = address[len(mapped):]
	}
	if w.box.Net || number == 0 || isOwnAddress(address) {
		return
	}
	var parts []string
	if len(address) == 4 {
		for _, b := range address {
			parts = append(parts, strconv.Itoa(int(b)))
		}
		w.note(fmt.Sprintf("%s:%d is in no network of the box (--net)", strings.Join(parts, "."), number))
		return
	}
	for i := 0; i < len(address); i += 2 {
		parts = append(parts, strconv.FormatUint(uint64(binary.BigEndian.Uint16(address[i:])), 16))
	}
	w.note(fmt.Sprintf("[%s]:%d is in no network of the box (--net)", strings.Join(parts, ":"), number))
}

// isOwnAddress reports whether an address is a loopback's, or none. Package net/netip knows, too, and
// makes every start of the command slower.
func isOwnAddress(address []byte) bool {
	if len(address) == 4 {
		return address[0] == 127 || string(address) == "\x00\x00\x00\x00"
	}
	last := len(address) - 1
	return strings.Trim(string(address[:last]), "\x00") == "" && address[last] <= 1
}

// note keeps a line, once. A program that asks for one thing after the other does not fill the memory.
func (w *watcher) note(line string) {
	const most = 1000
	w.mu.Lock()
	defer w.mu.Unlock()
	if line != "" && len(w.lacks) < most && !slices.Contains(w.lacks, line) {
		w.lacks = append(w.lacks, line)
	}
}

// lacking are the lines, the last first: what failed last is likely what the program has ended for.
func (w *watcher) lacking() []string {
	if w == nil {
		return nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	list := slices.Clone(w.lacks)
	slices.Reverse(list)
	return list
}

// path is the one that a call names, from the root, or "".
func (w *watcher) path(n *notification, call *watchedCall) string {
	text := readFrom(int(n.pid), n.args[call.path], make([]byte, unix.PathMax))
	path, _, ended := strings.Cut(string(text), "\x00")
	if !ended || path == "" {
		return ""
	}
	if filepath.IsAbs(path) {
		return filepath.Clean(path)
	}
	from := "cwd"
	if call.dir >= 0 && int32(n.args[call.dir]) != unix.AT_FDCWD {
		from = fmt.Sprintf("fd/%d", int32(n.args[call.dir]))
	}
	dir, err := os.Readlink(fmt.Sprintf("/proc/%d/%s", n.pid, from))
	if err != nil || !filepath.IsAbs(dir) {
		return ""
	}
	return filepath.Join(dir, path)
}

// readFrom reads another process's memory, as far as there is some.
func readFrom(process int, at uint64, into []byte) []byte {
	have := 0
	for have < len(into) {
		page := min(len(into)-have, 4096-int((at+uint64(have))%4096)) // what is in one page is all there or not at all
		local := []unix.Iovec{{Base: &into[have]}}
		local[0].SetLen(page)
		remote := []unix.RemoteIovec{{Base: uintptr(at) + uintptr(have), Len: page}}
		n, err := unix.ProcessVMReadv(process, local, remote, 0)
		if err != nil || n <= 0 {
			break
		}
		have += n
		if slices.Contains(into[have-n:have], 0) && len(into) == unix.PathMax {
			break
		}
	}
	return into[:have]
}

// below reports whether a path is a directory or in it.
func below(path, dir string) bool { return path == dir || strings.HasPrefix(path, dir+"/") }
