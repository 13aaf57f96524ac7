//go:build amd64 || arm64

package sprog

import (
	"os"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// A label for a module that the kernel does not run is refused.
func TestExecLabelWithoutModule(t *testing.T) {
	for _, test := range []struct {
		module, there string
		label         ExecLabel
	}{
		{"SELinux", "/sys/fs/selinux/enforce", ExecLabel{SELinux: "a:b:c:s0"}},
		{"AppArmor", "/sys/module/apparmor", ExecLabel{AppArmor: "no such profile"}},
	} {
		err := (&Cmd{Path: "/bin/true", Attr: &Attr{ExecLabel: &test.label}}).Run()
		if err == nil || !strings.Contains(err.Error(), "(Attr.ExecLabel."+test.module+")") {
			t.Errorf("label for %s: %v; want an error about it", test.module, err)
		}
		if !exists(test.there) && (err == nil || !strings.HasSuffix(err.Error(), "the running kernel has no "+test.module+", or it is not enabled")) {
			t.Errorf("label for %s: %v; want that there is none", test.module, err)
		}
	}
}

// The program runs under a profile that is loaded, and the init does not. The
// profile is what apparmor_parser(8) makes of
// "profile sprog_test flags=(attach_disconnected) { file, capability, signal, unix, ptrace, }".
func TestAppArmorProfile(t *testing.T) {
	requires(t, asRoot, appArmor)
	profile, err := os.ReadFile("testdata/apparmor.bin")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(appArmorFiles+".replace", profile, 0); err != nil {
		t.Fatal(err)
	}
	defer os.WriteFile(appArmorFiles+".remove", []byte("sprog_test"), 0)
	for _, attr := range []*Attr{{}, {Init: &Init{}}} {
		attr.ExecLabel = &ExecLabel{AppArmor: "sprog_test"}
		sys := &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}, Chroot: "/"}
		out := printed(t, sys, attr, "/bin/sh", "-c", "cat /proc/self/attr/current; cat /proc/$PPID/attr/current")
		lines := strings.Split(out, "\n")
		if lines[0] != "sprog_test (enforce)" || attr.Init != nil && lines[1] != "unconfined" {
			t.Errorf("labels of the program and its parent: %q; want sprog_test (enforce), unconfined", lines)
		}
	}
}

const appArmorFiles = "/sys/kernel/security/apparmor/"

var appArmor = &requirement{what: "AppArmor", works: func() error { return unix.Access(appArmorFiles+".replace", unix.W_OK) }}
