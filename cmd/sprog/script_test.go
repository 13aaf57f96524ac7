//go:build linux

package main

import (
	"cmp"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"os/user"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog"
	"github.com/sprog-dev/sprog/internal/slowfile"
	_ "github.com/sprog-dev/sprog/internal/verified"
)

var update = flag.Bool("update", false, "write what sprog prints into the scripts' golden files")

func TestMain(m *testing.M) {
	testscript.Main(heedful{m}, map[string]func(){"sprog": main, "bwrap": main, "adopting": adopting, "take-signals": takeSignals, "lookup-without-descriptors": lookupWithoutDescriptors, "serve-mute": serveMute, "box-attack": boxAttack})
}

// serve-mute FILE: put a file system over the directory of FILE that does not answer who looks
// for slowfile.Mute.
func serveMute() {
	err := slowfile.Serve(os.Args[1], 0, func() { fmt.Println("ready") }, nil)
	fmt.Fprintln(os.Stderr, err)
	os.Exit(125)
}

// adopting is a program that becomes another one, as a child subreaper.
func adopting() {
	err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
	if err == nil {
		var path string
		if path, err = exec.LookPath(os.Args[1]); err == nil {
			err = unix.Exec(path, os.Args[1:], os.Environ())
		}
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(125)
}

// A heedful run of the tests gives their programs the default action for what a
// caller like nohup(1) ignores: a shell cannot trap a signal that is ignored
// when it starts.
type heedful struct{ *testing.M }

func (m heedful) Run() int {
	for _, sig := range []os.Signal{unix.SIGHUP, unix.SIGINT} {
		if signal.Ignored(sig) {
			signal.Notify(make(chan os.Signal, 1), sig)
		}
	}
	return m.M.Run()
}

// The race detector sees what the command does at once, which other scripts do again with other flags. A
// command that is built with it takes more than ten times as long to start.
var scriptsForRace = []string{"box_overlay", "box_why", "bwrap", "exitcode", "hang", "hang_files", "info", "life", "orphans",
	"output", "record", "signals", "terminal", "trace"}

// Each of these takes seconds. A short run leaves them out.
var longScripts = []string{"box", "box_overlay", "box_profile", "box_why", "compile", "denied", "hang", "hang_files", "life", "orphans"}

// scripts are the files of those to be run.
func scripts(t *testing.T) (files []string) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	forRace, long := scriptFiles(t, files, scriptsForRace), scriptFiles(t, files, longScripts)
	info, _ := debug.ReadBuildInfo()
	switch {
	case slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"}):
		return forRace
	case testing.Short():
		return slices.DeleteFunc(files, func(file string) bool { return slices.Contains(long, file) })
	}
	return files
}

// scriptFiles are the files of the named scripts, each of which is there.
func scriptFiles(t *testing.T, files, names []string) (some []string) {
	for _, name := range names {
		file := "testdata/" + name + ".txtar"
		if !slices.Contains(files, file) {
			t.Errorf("there is no %s", file)
		}
		some = append(some, file)
	}
	return some
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Files:               scripts(t),
		Condition:           condition,
		RequireExplicitExec: true,
		UpdateScripts:       *update,
		Setup: func(env *testscript.Env) error {
			env.Setenv("UID", fmt.Sprint(os.Geteuid()))
			env.Setenv("GID", fmt.Sprint(os.Getegid()))
			env.Setenv("GORACE", "atexit_sleep_ms=0") // or every sprog built with -race takes a second to exit
			env.Setenv("CGROUP2", cgroup2())
			for name, dir := range map[string]string{"TEST_GOCACHE": ".cache/go-build", "RUSTUP_HOME": ".rustup", "CARGO_HOME": ".cargo"} {
				env.Setenv(name, cmp.Or(os.Getenv(strings.TrimPrefix(name, "TEST_")), filepath.Join(os.Getenv("HOME"), dir)))
			}
			own := fmt.Sprintf("%s/sprog-test-%d-%s", cgroup2(), os.Getpid(), filepath.Base(env.WorkDir)) // for the script to make
			env.Setenv("OWNCGROUP", own)
			env.Setenv("FREEZER", fmt.Sprintf("%s/sprog-test-%d-%s", freezerV1, os.Getpid(), filepath.Base(env.WorkDir))) // likewise
			env.Defer(func() { os.Remove(own) })
			return os.Chmod(env.WorkDir, 0o777)
		},
	})
}

// condition answers the conditions of the scripts:
//
//	root     the tests run as root
//	userns   user namespaces can be made
//	usrroot  /usr can be a root directory: programs in /bin find their libraries
//	landlock, landlock10  the kernel has Landlock, ABI 7 or 10 or later
//	uidmap   newuidmap is there, and an account nobody that can be delegated to
//	freezer  cgroups of v1 can be frozen
//	fuse     file systems can be served
//	kmsg     the kernel's log can be read
//	audit    the kernel's audit records can be heard
//	listener a process can look at the system calls of others
//	cargo    cargo has a toolchain
//	overlay  a user namespace's root can mount overlays
//	cgroup2  a cgroup can be made below the first cgroup2 mount
func condition(name string) (bool, error) {
	switch name {
	case "root":
		return os.Geteuid() == 0, nil
	case "userns":
		return exec.Command("unshare", "--user", "--map-root-user", "true").Run() == nil, nil
	case "usrroot":
		return exec.Command("chroot", "/usr", "/bin/true").Run() == nil, nil
	case "landlock":
		return landlockABI() >= 7, nil
	case "landlock10":
		return landlockABI() >= 10, nil
	case "uidmap":
		account, err := user.LookupId("65534")
		return err == nil && account.Username == "nobody" && account.Gid == "65534" &&
			exec.Command("sh", "-c", "command -v newuidmap newgidmap && test -e /etc/subuid -a -e /etc/subgid").Run() == nil, nil
	case "fuse":
		return unix.Access("/dev/fuse", unix.R_OK|unix.W_OK) == nil, nil
	case "freezer":
		return os.Geteuid() == 0 && unix.Access(freezerV1, unix.W_OK) == nil, nil
	case "kmsg":
		return hearDenials().readable() && unix.Access("/proc/sys/kernel/seccomp/actions_logged", unix.R_OK) == nil, nil
	case "audit":
		return hearsAudit(), nil
	case "listener":
		return sprog.Probe("seccomp-listener").Answer == sprog.Yes, nil
	case "cargo":
		return exec.Command("cargo", "--version").Run() == nil, nil
	case "overlay":
		return sprog.Probe("overlay-user").Answer == sprog.Yes, nil
	case "cgroup2":
		return cgroup2() != "", nil
	}
	return false, fmt.Errorf("unknown condition %q", name)
}

// freezerV1 is where the hierarchy of v1 is mounted by custom.
const freezerV1 = "/sys/fs/cgroup/freezer"

func landlockABI() int {
	abi, _, _ := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION)
	return int(abi)
}

// cgroup2 is a cgroup2 directory that this process may put processes into,
// wherever it is mounted, or "".
func cgroup2() string {
	mounts, _ := os.ReadFile("/proc/self/mounts")
	for line := range strings.Lines(string(mounts)) {
		if w := strings.Fields(line); len(w) > 2 && w[2] == "cgroup2" && unix.Access(w[1], unix.W_OK) == nil {
			return w[1]
		}
	}
	return ""
}
