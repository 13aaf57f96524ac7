//go:build amd64 || arm64

package sprog

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/explain"
	"github.com/sprog-dev/sprog/internal/kernel"
	"github.com/sprog-dev/sprog/internal/pathwalk"
	"github.com/sprog-dev/sprog/internal/program"
	"github.com/sprog-dev/sprog/internal/spec"
	"github.com/sprog-dev/sprog/internal/userns"
)

// An Exec says what a start says, though it has to know beforehand.
func TestExecSaysWhy(t *testing.T) {
	// Who writes a file is not looked for beforehand, and no process is made.
	others := map[string]bool{"A program that is being written": true, "An init whose user may have no second process": true, "One process more than the user may have": true}
	for _, theme := range [][]failing{failingPrograms, failingPaths, failingFiles, failingRights} {
		for _, f := range theme {
			if others[f.asked] {
				continue
			}
			t.Run(f.asked, func(t *testing.T) {
				requires(t, append(f.by.requires(), f.needs...)...)
				x := f.scene(t)
				c := f.helper("launch-exec", x)
				var errs strings.Builder
				c.Stderr = &errs
				err := c.Run()
				want := strings.Replace(f.want, "sprog: start ", "sprog: exec ", 1)
				if got := x.told(strings.TrimSuffix(errs.String(), "\n")); got != want {
					t.Errorf("Exec says %s\nwant      %s", got, want)
				}
				var ended *ExitError
				if !errors.As(err, &ended) || ended.ExitCode() < 125 {
					t.Errorf("it ends with %v", err)
				}
			})
		}
	}
}

// launch-exec ASKED DIR: make a launch in the place of this process. What keeps
// it from beginning is printed like what fails later.
var _ = helper("launch-exec", func(args []string) int {
	f := failingCalled(args[0])
	c := f.prepare(&scene{dir: args[1]})
	if c.Stdin == nil {
		c.Stdin = os.Stdin
	}
	os.Stderr.WriteString(c.Exec().Error() + "\n")
	return 125
})

// The resolver looks nowhere but in the child's root, whatever links there are.
func TestWalkStaysInRoot(t *testing.T) {
	dir := t.TempDir()
	root := dir + "/root"
	for _, d := range []string{root, root + "/etc", dir + "/outside"} {
		if err := os.Mkdir(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{dir + "/outside/secret", root + "/etc/here"} {
		if err := os.WriteFile(name, nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for link, to := range map[string]string{
		"/up": "../outside/secret", "/far": "../../../../../../etc/here", "/abs": dir + "/outside/secret",
		"/in": "/etc/here", "/dir": "etc", "/etc/root": "/",
	} {
		if err := os.Symlink(to, root+link); err != nil {
			t.Fatal(err)
		}
	}
	v := pathwalk.View{Root: root}
	for path, want := range map[string]bool{
		"/up": false, "/abs": false, "/../outside/secret": false, "/far": true, "/in": true, "/dir/here": true,
		"/etc/root/dir/root/etc/here": true, "dir/../etc/./here": true, "/etc/here/..": false, "//etc//here": true, "/etc/here/": false,
	} {
		if got := v.Exists(path); got != want {
			t.Errorf("exists(%q) = %v; want %v", path, got, want)
		}
	}
}

// It opens nothing that would make it wait, or that would notice.
func TestWalkDoesNotOpen(t *testing.T) {
	dir := t.TempDir()
	if err := unix.Mkfifo(dir+"/fifo", 0o777); err != nil {
		t.Fatal(err)
	}
	v := pathwalk.View{}
	if f, err := v.Open(dir + "/fifo"); err == nil {
		f.Close()
		t.Error("a FIFO was opened")
	}
	if !v.Exists(dir + "/fifo") {
		t.Error("the FIFO is not there")
	}
	before := snapshot()
	for range 20 {
		v.Exists(dir + "/fifo/x")
		v.Exists(dir + "/no/x")
		v.Exists("/proc/self/exe")
	}
	if leaks := before.leaks(); len(leaks) > 0 {
		t.Errorf("left open: %q", leaks)
	}
}

// Whose rights count: those of the child, and its capabilities where they do.
func TestViewerMay(t *testing.T) {
	file := func(mode uint32, uid, gid int) *unix.Stat_t {
		return &unix.Stat_t{Mode: unix.S_IFREG | mode, Uid: uint32(uid), Gid: uint32(gid)}
	}
	user := pathwalk.Viewer{Known: true, UID: 1000, GID: 100, Groups: []int{27}}
	root := pathwalk.Viewer{Known: true, Powerful: true}
	inside := pathwalk.Viewer{Known: true, UID: 1000, GID: 100, Powerful: true, Inside: true, UIDs: []userns.IDRange{{First: 1000, Size: 1}}, GIDs: []userns.IDRange{{First: 100, Size: 1}}}
	for _, test := range []struct {
		who  pathwalk.Viewer
		st   *unix.Stat_t
		what uint32
		want bool
	}{
		{user, file(0o700, 1000, 0), pathwalk.ToExecute, true}, {user, file(0o077, 1000, 100), pathwalk.ToExecute, false}, // the owner's bits alone
		{user, file(0o010, 0, 100), pathwalk.ToExecute, true}, {user, file(0o010, 0, 27), pathwalk.ToExecute, true}, {user, file(0o707, 0, 27), pathwalk.ToExecute, false},
		{user, file(0o001, 0, 0), pathwalk.ToExecute, true}, {user, file(0o770, 0, 0), pathwalk.ToRead, false},
		{root, file(0o000, 1000, 0), pathwalk.ToRead, true}, {root, file(0o644, 1000, 0), pathwalk.ToExecute, false}, {root, file(0o100, 1000, 0), pathwalk.ToExecute, true},
		{inside, file(0o000, 1000, 100), pathwalk.ToRead, true}, {inside, file(0o000, 0, 0), pathwalk.ToRead, false}, {inside, file(0o000, 1000, 0), pathwalk.ToRead, false},
		{pathwalk.Viewer{}, file(0o000, 0, 0), pathwalk.ToRead, true},
	} {
		if got := test.who.May(-1, test.st, test.what); got != test.want {
			t.Errorf("%+v may do %d with %s = %v; want %v", test.who, test.what, pathwalk.ModeOf(test.st), got, test.want)
		}
	}
}

// As whom the child comes to look at files, as this process sees the ids.
func TestViewerOfChild(t *testing.T) {
	requires(t, asRoot)
	for name, test := range map[string]struct {
		sys  *syscall.SysProcAttr
		want pathwalk.Viewer
	}{
		"itself": {&syscall.SysProcAttr{}, pathwalk.Viewer{Known: true, Powerful: true}},
		"user":   {&syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 5, Gid: 6, Groups: []uint32{7}}}, pathwalk.Viewer{Known: true, UID: 5, GID: 6, Groups: []int{7}}},
		"mapped": {&syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWUSER, UidMappings: oneID(0, 1000), GidMappings: oneID(0, 100),
			GidMappingsEnableSetgroups: true, Credential: &syscall.Credential{}}, pathwalk.Viewer{Known: true, Powerful: true, Inside: true, UID: 1000, GID: 100}},
		"not mapped": {&syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWUSER, UidMappings: oneID(0, 1000), GidMappings: oneID(0, 100),
			GidMappingsEnableSetgroups: true, Credential: &syscall.Credential{Uid: 3}}, pathwalk.Viewer{UID: -1, GID: 100, Inside: true}},
	} {
		r := &spec.Start{Sys: test.sys}
		r.FillIn()
		got := explain.Failure{Ask: r}.Viewer()
		if got.Known != test.want.Known || got.UID != test.want.UID || got.GID != test.want.GID || got.Powerful != test.want.Powerful || got.Inside != test.want.Inside {
			t.Errorf("%s: %+v; want %+v", name, got, test.want)
		}
		if test.want.Groups != nil && (len(got.Groups) != 1 || got.Groups[0] != test.want.Groups[0]) {
			t.Errorf("%s: groups %v; want %v", name, got.Groups, test.want.Groups)
		}
	}
}

// Settings that forbid user namespaces, which cannot be made here, are named.
func TestSettingsAreNamed(t *testing.T) {
	requires(t, asRootOrNobody)
	const appArmor, clone = "kernel/apparmor_restrict_unprivileged_userns", "kernel/unprivileged_userns_clone"
	for _, test := range []struct {
		setting, value, step string
		origin               program.Origin
		errno                syscall.Errno
		want                 string
	}{
		{clone, "0", "clone3", program.OfBirth, unix.EPERM, "kernel.unprivileged_userns_clone is 0: only root may make user namespaces here, or change that by sysctl"},
		{clone, "1", "clone3", program.OfBirth, unix.EPERM, ""},
		{appArmor, "1", "clone3", program.OfBirth, unix.EACCES, explain.AppArmorText},
		{appArmor, "1", "sethostname", "Attr.Hostname", unix.EPERM, "it takes CAP_SYS_ADMIN in the user namespace that the uts namespace belongs to"},
		{appArmor, "1", "mount", program.OfRoot, unix.EACCES, explain.AppArmorText}, // the namespace is made, and has no rights
		{appArmor, "0", "mount", program.OfRoot, unix.EACCES, ""},
		{"kernel/yama/ptrace_scope", "3", "ptrace", "SysProcAttr.Ptrace", unix.EPERM, "kernel.yama.ptrace_scope is 3: nobody may trace"},
		{"vm/memfd_noexec", "2", "execveat", program.OfStage, unix.EACCES, "vm.memfd_noexec is 2, and the start has a second stage, which is executed from a memfd"},
	} {
		c := helperCommand("hint-with", test.setting, test.value, test.step, string(test.origin), spec.Itoa(int(test.errno)))
		if got := strings.TrimSuffix(outputOf(t, c), "\n"); got != test.want {
			t.Errorf("%s of %v with %s = %s: %s; want %s", test.errno, test.step, test.setting, test.value, got, test.want)
		}
	}
}

// hint-with SETTING VALUE STEP ORIGIN ERRNO: what an ordinary user is told about a step
// of a start in a new user namespace that fails under a setting.
var _ = helper("hint-with", func(args []string) int {
	kernel.Sysctl = func(name string) string {
		if name == args[0] {
			return args[1]
		}
		return ""
	}
	f := failing{by: ordinary, make: func(*scene) *Cmd { return nil }}
	f.prepare(nil)
	errno, _ := strconv.Atoi(args[4])
	e := &spec.Error{Step: args[2], Origin: program.Origin(args[3]), Field: "SysProcAttr.Cloneflags"}
	r := &spec.Start{Sys: &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWUSER}, Path: "/bin/true"}
	r.FillIn()
	fmt.Println(explain.Failure{Ask: r, E: e, Errno: syscall.Errno(errno), Facts: explain.Facts{Born: e.Step != "clone3"}}.Why())
	return 0
})
