//go:build amd64 || arm64

package sprog

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// What belongs to the process that starts others must not change by that,
// whether the start succeeds or not. The check is made in a process that leads
// a session on a terminal, by a thread with a signal mask of its own.

func init() {
	terminalChecks["unchanged"] = func() error {
		if changes := changedBy(ways["sprog"]); len(changes) > 0 {
			return errors.New(strings.Join(changes, "\n"))
		}
		return nil
	}
	terminalChecks["unchanged-os/exec"] = func() error {
		changes := strings.Join(changedBy(ways["os/exec"]), "\n")
		defects := []string{"no program: foreground: was"}
		if os.Geteuid() == 0 {
			defects = append(defects, "Credential, success: dumpable: was")
		}
		for _, defect := range defects {
			if !strings.Contains(changes, defect) && !mended[defect] {
				return fmt.Errorf("os/exec does it right too: %s\n%s", defect, changes)
			}
		}
		return nil
	}
}

// ownState is what the kernel tells of this thread and process, by name.
func ownState() map[string]string {
	state := map[string]string{}
	for _, file := range []string{"/proc/thread-self/status", "/proc/self/status"} {
		b, _ := os.ReadFile(file)
		for line := range strings.Lines(string(b)) {
			name, value, _ := strings.Cut(line, ":")
			if name == "SigBlk" && file == "/proc/self/status" {
				continue // the first thread may be starting another one, with all blocked
			}
			if steady(name) {
				state[file+" "+name] = strings.TrimSpace(value)
			}
		}
	}
	for _, file := range []string{"/proc/self/limits", "/proc/self/cgroup", "/proc/self/uid_map"} {
		b, _ := os.ReadFile(file)
		state[file] = string(b)
	}
	state["mounts"] = ownMounts()
	for _, dir := range []string{"/proc/thread-self/ns/", "/proc/self/fd/"} {
		for name, to := range links(dir) {
			state[dir+name] = to
		}
	}
	for _, link := range []string{"/proc/self/cwd", "/proc/self/root"} {
		state[link], _ = os.Readlink(link)
	}
	for name, op := range map[string]int{"dumpable": unix.PR_GET_DUMPABLE, "keepcaps": unix.PR_GET_KEEPCAPS, "timer slack": unix.PR_GET_TIMERSLACK} {
		n, err := unix.PrctlRetInt(op, 0, 0, 0, 0)
		state[name] = fmt.Sprint(n, err)
	}
	me := statOf(os.Getpid())
	state["session"] = fmt.Sprint(me.session, me.pgrp, me.terminal)
	state["foreground"] = strconv.Itoa(foregroundGroup())
	return state
}

// steady reports whether a line of /proc/PID/status has no reason to change
// by itself.
func steady(name string) bool {
	for _, prefix := range []string{"Umask", "Uid", "Gid", "Groups", "SigBlk", "SigIgn", "SigCgt", "Cap", "NoNewPrivs", "Seccomp", "TracerPid"} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}

// links reads the symbolic links of a directory. Among this process's own descriptors is the
// one that it is read by.
func links(dir string) map[string]string {
	all := map[string]string{}
	d, err := os.Open(dir)
	if err != nil {
		return all
	}
	names, _ := d.Readdirnames(-1)
	reader := strconv.Itoa(int(d.Fd()))
	d.Close()
	for _, name := range names {
		if name == reader && strings.HasPrefix(dir, "/proc/self/") {
			continue
		}
		if to, err := os.Readlink(dir + name); err == nil {
			all[name] = to
		}
	}
	return all
}

// manyStarts are kinds of starts that might leave traces. What a user may not
// do does not succeed, and must leave no trace either.
func manyStarts() map[string]func(*Cmd) {
	cred := &syscall.Credential{Uid: 65534, Gid: 65534}
	sys := func(sys syscall.SysProcAttr) func(*Cmd) { return func(c *Cmd) { c.SysProcAttr = &sys } }
	own := syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER, UidMappings: oneID(0, os.Geteuid()), GidMappings: oneID(0, os.Getegid())}
	unshared := own
	unshared.Cloneflags, unshared.Unshareflags = 0, syscall.CLONE_NEWUSER|syscall.CLONE_NEWNS
	withCaps := own
	withCaps.AmbientCaps, withCaps.Credential = []uintptr{unix.CAP_KILL}, &syscall.Credential{}
	return map[string]func(*Cmd){
		"nothing":                          func(*Cmd) {},
		"Dir":                              func(c *Cmd) { c.Dir = "/usr" },
		"Stdin":                            func(c *Cmd) { c.Stdin, c.Stdout = os.Stdin, os.Stdin },
		"pipes":                            func(c *Cmd) { c.Stdin, c.Stdout = strings.NewReader("x"), new(strings.Builder) },
		"Setsid":                           sys(syscall.SysProcAttr{Setsid: true}),
		"Setpgid":                          sys(syscall.SysProcAttr{Setpgid: true}),
		"Foreground":                       sys(syscall.SysProcAttr{Foreground: true}),
		"Noctty":                           func(c *Cmd) { c.Stdin, c.SysProcAttr = os.Stdin, &syscall.SysProcAttr{Noctty: true} },
		"Pdeathsig":                        sys(syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}),
		"Chroot":                           sys(syscall.SysProcAttr{Chroot: "/"}),
		"Credential":                       sys(syscall.SysProcAttr{Credential: cred}),
		"Credential of a foreground group": sys(syscall.SysProcAttr{Credential: cred, Foreground: true}),
		"AmbientCaps":                      sys(syscall.SysProcAttr{Credential: cred, AmbientCaps: []uintptr{unix.CAP_KILL}}),
		"namespaces":                       sys(syscall.SysProcAttr{Cloneflags: allNamespaces}),
		"unshared":                         sys(syscall.SysProcAttr{Unshareflags: allNamespaces}),
		"maps":                             sys(own),
		"unshared maps":                    sys(unshared),
		"capabilities in a namespace":      sys(withCaps),
		"Rlimits": func(c *Cmd) {
			c.Attr = &Attr{Rlimits: []Rlimit{{unix.RLIMIT_NOFILE, 20, 20}, {unix.RLIMIT_CORE, 0, 0}}}
		},
		"Umask":            func(c *Cmd) { c.Attr = &Attr{Umask: mask(0o777)} },
		"NoNewPrivs":       func(c *Cmd) { c.Attr = &Attr{NoNewPrivs: true} },
		"Init":             func(c *Cmd) { c.Attr = &Attr{Init: &Init{}} },
		"Init, Credential": func(c *Cmd) { c.Attr, c.SysProcAttr = &Attr{Init: &Init{}}, &syscall.SysProcAttr{Credential: cred} },
	}
}

// ends are ways for a start to end.
var ends = map[string]func(*Cmd){
	"success":    func(*Cmd) {},
	"no program": func(c *Cmd) { c.Path = "/no/such/program" },
	"no Dir":     func(c *Cmd) { c.Dir = "/no/such/dir" },
}

// changedBy lists what starts of all kinds have changed.
func changedBy(of func(*Cmd) runner) (list []string) {
	runtime.LockOSThread()
	if err := prepareState(); err != nil {
		return []string{err.Error()}
	}
	of(Command("/bin/true")).Run() // what is made once is made now
	ownState()
	for kind, prepare := range manyStarts() {
		for end, spoil := range ends {
			before := ownState()
			c := &Cmd{Path: "/bin/true"}
			prepare(c)
			spoil(c)
			err := of(c).Run()
			if err == nil && c.SysProcAttr != nil && c.SysProcAttr.Foreground {
				takeForeground() // it was the child's, as was asked for
			}
			for _, change := range differences(before, ownState()) {
				list = append(list, fmt.Sprintf("%s, %s: %s (%v)", kind, end, change, err))
			}
			takeForeground()
			unix.Prctl(unix.PR_SET_DUMPABLE, 1, 0, 0, 0)
		}
	}
	return list
}

// prepareState makes the state unlike any default.
func prepareState() error {
	unix.Umask(0o123)
	set := unix.Sigset_t{Val: [16]uint64{1<<(unix.SIGUSR2-1) | 1<<(unix.SIGTTOU-1)}}
	return unix.PthreadSigmask(unix.SIG_BLOCK, &set, nil)
}

func takeForeground() {
	if err := unix.IoctlSetPointerInt(0, unix.TIOCSPGRP, unix.Getpgrp()); err != nil {
		panic(err)
	}
}

func differences(before, after map[string]string) (list []string) {
	for name, was := range before {
		if is, ok := after[name]; !ok || is != was {
			list = append(list, fmt.Sprintf("%s: was %q, is %q", name, was, is))
		}
	}
	for name, is := range after {
		if _, ok := before[name]; !ok {
			list = append(list, fmt.Sprintf("%s: was nothing, is %q", name, is))
		}
	}
	slices.Sort(list)
	return list
}

// The program inherits the mask of the thread that starts it.
func TestSignalMaskIsInherited(t *testing.T) {
	onOwnThread(t, func() error {
		set := unix.Sigset_t{Val: [16]uint64{1 << (unix.SIGUSR2 - 1)}}
		var old unix.Sigset_t
		if err := unix.PthreadSigmask(unix.SIG_BLOCK, &set, &old); err != nil {
			return err
		}
		defer unix.PthreadSigmask(unix.SIG_SETMASK, &old, nil)
		for _, attr := range []*Attr{nil, {Init: &Init{}}} {
			text := printed(t, nil, attr, "/bin/cat", "/proc/self/status")
			if got := fieldOf(text, "SigBlk"); got != "0000000000000800" {
				t.Errorf("SigBlk = %s; want that of SIGUSR2", got)
			}
		}
		return nil
	})
}
