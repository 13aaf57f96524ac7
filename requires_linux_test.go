//go:build amd64 || arm64

package sprog

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/kernel"
	"github.com/sprog-dev/sprog/internal/pty"
)

// A requirement is something that a test needs and that not every machine or
// user has. A test that lacks one is skipped; but where the machine has every
// sign of having it, that it does not work is an error.
type requirement struct {
	what string
	// works tries it.
	works func() error
	// expected looks, in another way, whether it should work. Nil stands for
	// a requirement where trying is the only way to know.
	expected func() bool
}

// requires skips the test unless all requirements are met.
func requires(t testing.TB, list ...*requirement) {
	t.Helper()
	for _, r := range list {
		err := r.works()
		if err == nil {
			continue
		}
		if r.expected != nil && r.expected() {
			t.Fatalf("%s should work here: %v", r.what, err)
		}
		t.Skipf("needs %s: %v", r.what, err)
	}
}

var (
	asRoot = &requirement{
		what: "root",
		works: func() error {
			if os.Geteuid() != 0 {
				return syscall.EPERM
			}
			return nil
		},
	}
	raisingLimits = &requirement{
		what: "CAP_SYS_RESOURCE",
		works: func() error {
			set, err := strconv.ParseUint(procField("/proc/self/status", "CapEff"), 16, 64)
			if err == nil && set>>unix.CAP_SYS_RESOURCE&1 == 0 {
				err = syscall.EPERM
			}
			return err
		},
	}
	userNamespaces = &requirement{
		what:     "user namespaces",
		works:    sync.OnceValue(tryUserNamespace),
		expected: userNamespacesAllowed,
	}
	cgroup2 = &requirement{
		what: "a writable cgroup2 file system",
		works: sync.OnceValue(func() error {
			dir, err := os.MkdirTemp(cgroup2Mount(), "sprog-test")
			if err == nil {
				err = os.Remove(dir)
			}
			return err
		}),
		expected: func() bool { return cgroup2Mount() != "" && unix.Access(cgroup2Mount(), unix.W_OK) == nil },
	}
	terminals = &requirement{
		what: "pseudo-terminals",
		works: func() error {
			master, slave, err := pty.Open()
			if err == nil {
				master.Close()
				slave.Close()
			}
			return err
		},
		expected: func() bool { return unix.Access("/dev/ptmx", unix.R_OK|unix.W_OK) == nil },
	}
	// That of BusyBox knows few sets.
	setpriv = &requirement{
		what: "setpriv of util-linux",
		works: func() error {
			out, err := exec.Command("setpriv", "--version").CombinedOutput()
			if err == nil && !strings.Contains(string(out), "util-linux") {
				err = errors.New("another one")
			}
			return err
		},
	}
	keyrings = &requirement{
		what: "keyrings",
		works: func() error {
			_, err := unix.KeyctlInt(unix.KEYCTL_GET_KEYRING_ID, unix.KEY_SPEC_PROCESS_KEYRING, 1, 0, 0)
			return err
		},
		expected: func() bool { return exists("/proc/keys") },
	}
	fuse = &requirement{
		what: "FUSE",
		works: func() error {
			fd, err := unix.Open("/dev/fuse", unix.O_RDWR|unix.O_CLOEXEC, 0)
			if err == nil {
				unix.Close(fd)
			}
			return err
		},
		expected: func() bool { return os.Geteuid() == 0 && unix.Access("/dev/fuse", unix.F_OK) == nil },
	}
)

// tool requires a program that is found in PATH.
func tool(name string) *requirement {
	return &requirement{what: "the program " + name, works: func() error {
		_, err := exec.LookPath(name)
		return err
	}}
}

// linux requires a version of the kernel, or a later one.
func linux(major, minor int) *requirement {
	return &requirement{what: fmt.Sprintf("Linux %d.%d", major, minor), works: func() error {
		if name, _, _, known := kernel.Release(); !known || kernel.OlderThan(major, minor) {
			return errors.New("this is " + name)
		}
		return nil
	}}
}

// namespace requires a kind of namespace, by its name in /proc/self/ns.
func namespace(name string) *requirement {
	return &requirement{what: name + " namespaces", works: func() error {
		_, err := os.Lstat("/proc/self/ns/" + name)
		return err
	}}
}

// tryUserNamespace uses os/exec: it is not what is tested.
func tryUserNamespace() error {
	c := exec.Command("/bin/true")
	c.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Geteuid(), Size: 1}},
	}
	return c.Run()
}

// userNamespacesAllowed looks at the settings that are known to forbid them.
func userNamespacesAllowed() bool {
	for file, forbids := range map[string]string{
		"/proc/sys/user/max_user_namespaces":                     "0",
		"/proc/sys/kernel/unprivileged_userns_clone":             "0",
		"/proc/sys/kernel/apparmor_restrict_unprivileged_userns": "1",
	} {
		if b, err := os.ReadFile(file); err == nil && strings.TrimSpace(string(b)) == forbids {
			return false
		}
	}
	// A seccomp filter, as containers have, is not looked into.
	return procField("/proc/self/status", "Seccomp") == "0" && exists("/proc/self/ns/user")
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// procField returns the value of "Name: value" in a file of that form.
func procField(file, name string) string {
	b, _ := os.ReadFile(file)
	return fieldOf(string(b), name)
}

// fieldOf returns the value of the line "name: value", with single spaces.
func fieldOf(text, name string) string {
	for line := range strings.Lines(text) {
		if value, ok := strings.CutPrefix(line, name+":"); ok {
			return strings.Join(strings.Fields(value), " ")
		}
	}
	return ""
}

// cgroup2Mount is where the cgroup2 hierarchy is mounted, or "".
var cgroup2Mount = sync.OnceValue(func() string {
	f, err := os.Open("/proc/self/mounts")
	if err != nil {
		return ""
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		if w := strings.Fields(s.Text()); len(w) > 3 && w[2] == "cgroup2" && !strings.HasPrefix(w[3], "ro") {
			return w[1]
		}
	}
	return ""
})

// newCgroup makes a cgroup for the test and returns its directory, opened.
func newCgroup(t *testing.T) *os.File {
	t.Helper()
	dir, err := os.MkdirTemp(cgroup2Mount(), cgroupsOf(os.Getpid()))
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		f.Close()
		if err := os.Remove(dir); err != nil {
			t.Errorf("the cgroup %s is not empty: %v", filepath.Base(dir), err)
		}
	})
	return f
}
