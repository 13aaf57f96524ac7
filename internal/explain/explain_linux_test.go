//go:build amd64 || arm64

package explain

import (
	"os"
	"os/exec"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/kernel"
	"github.com/sprog-dev/sprog/internal/pathwalk"
	"github.com/sprog-dev/sprog/internal/program"
	"github.com/sprog-dev/sprog/internal/spec"
)

// As whom the child comes to look at files, as this process sees the ids.
func TestViewerOfChild(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root")
	}
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
		got := Failure{Ask: r}.Viewer()
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
	if !asOrdinaryUser(t) {
		return
	}
	const appArmor, clone = "kernel/apparmor_restrict_unprivileged_userns", "kernel/unprivileged_userns_clone"
	for _, test := range []struct {
		setting, value, step string
		origin               program.Origin
		errno                syscall.Errno
		want                 string
	}{
		{clone, "0", "clone3", program.OfBirth, unix.EPERM, "kernel.unprivileged_userns_clone is 0: only root may make user namespaces here, or change that by sysctl"},
		{clone, "1", "clone3", program.OfBirth, unix.EPERM, ""},
		{appArmor, "1", "clone3", program.OfBirth, unix.EACCES, appArmorText},
		{appArmor, "1", "sethostname", "Attr.Hostname", unix.EPERM, "it takes CAP_SYS_ADMIN in the user namespace that the uts namespace belongs to"},
		{appArmor, "1", "mount", program.OfRoot, unix.EACCES, appArmorText}, // the namespace is made, and has no rights
		{appArmor, "0", "mount", program.OfRoot, unix.EACCES, ""},
		{"kernel/yama/ptrace_scope", "3", "ptrace", "SysProcAttr.Ptrace", unix.EPERM, "kernel.yama.ptrace_scope is 3: nobody may trace"},
		{"vm/memfd_noexec", "2", "execveat", program.OfStage, unix.EACCES, "vm.memfd_noexec is 2, and the start has a second stage, which is executed from a memfd"},
	} {
		kernel.Sysctl = func(name string) string {
			if name == test.setting {
				return test.value
			}
			return ""
		}
		e := &spec.Error{Step: test.step, Origin: test.origin, Field: "SysProcAttr.Cloneflags"}
		r := &spec.Start{Sys: &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWUSER}, Path: "/bin/true"}
		r.FillIn()
		got := Failure{Ask: r, E: e, Errno: test.errno, Facts: Facts{Born: e.Step != "clone3"}}.Why().String()
		if got != test.want {
			t.Errorf("%s of %v with %s = %s: %s; want %s", test.errno, test.step, test.setting, test.value, got, test.want)
		}
	}
}

// asOrdinaryUser has the test run by another process, as the user 65534, and reports whether this
// is that one. Where this is an ordinary user's already, no other is needed.
func asOrdinaryUser(t *testing.T) bool {
	const inside = "SPROG_TEST_ORDINARY"
	if os.Geteuid() != 0 {
		return true
	}
	if os.Getenv(inside) != "" {
		for _, err := range []error{syscall.Setgroups(nil), syscall.Setgid(65534), syscall.Setuid(65534)} {
			if err != nil {
				t.Fatal(err)
			}
		}
		return true
	}
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(path, "-test.run=^"+t.Name()+"$", "-test.v")
	c.Env = append(os.Environ(), inside+"=1")
	if out, err := c.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	return false
}

func oneID(inside, outside int) []syscall.SysProcIDMap {
	return []syscall.SysProcIDMap{{ContainerID: inside, HostID: outside, Size: 1}}
}
