//go:build linux

package main

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// netRaw is the extended attribute of a file that has CAP_NET_RAW: effective, revision 2, permitted.
const netRaw = "\x01\x00\x00\x02" + "\x00\x20\x00\x00" + "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"

// An installation is what somebody made of the command's file, and how an ordinary user calls it.
type installation struct {
	name    string
	mode    uint32
	caps    string // extended attribute
	sys     syscall.SysProcAttr
	noGain  bool // the caller has no_new_privs
	refused bool
}

var installations = []installation{
	{name: "plain", mode: 0o755},
	{name: "set-user-ID", mode: 0o4755, refused: true},
	{name: "set-group-ID", mode: 0o2755, refused: true},
	{name: "capabilities", mode: 0o755, caps: netRaw, refused: true},
	{name: "set-user-ID without effect", mode: 0o4755, noGain: true},
	{name: "ambient capabilities of the caller", mode: 0o755, sys: syscall.SysProcAttr{AmbientCaps: []uintptr{unix.CAP_NET_RAW}}},
	{name: "both", mode: 0o755, caps: netRaw, sys: syscall.SysProcAttr{AmbientCaps: []uintptr{unix.CAP_NET_BIND_SERVICE}}, refused: true},
}

// The command does nothing with rights that it has from its file.
func TestNoRightsFromTheFile(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root")
	}
	dir := t.TempDir()
	for d := dir; d != os.TempDir() && d != "/"; d = filepath.Dir(d) {
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	var fs unix.Statfs_t
	if err := unix.Statfs(dir, &fs); err != nil || fs.Flags&unix.ST_NOSUID != 0 {
		t.Skip("needs a directory whose set-user-ID bits count")
	}
	for _, i := range installations {
		t.Run(i.name, func(t *testing.T) {
			code, message := i.call(t, dir, "sprog", "run", "--", "/bin/sh", "-c", "echo ran >&2; exit 7")
			if i.refused && (code != exitSprog || !strings.HasPrefix(message, "sprog: refusing to run with rights")) {
				t.Errorf("exit code %d, %q; want a refusal", code, message)
			}
			if !i.refused && (code != 7 || message != "ran\n") {
				t.Errorf("exit code %d, %q; want the program's", code, message)
			}
			code, message = i.call(t, dir, "bwrap", "--version")
			if want := map[bool]int{true: 1}[i.refused]; code != want || i.refused != strings.HasPrefix(message, "bwrap: refusing") {
				t.Errorf("bwrap: exit code %d, %q; want %d", code, message, want)
			}
		})
	}
}

// call installs the command by that name, and calls it as an ordinary user.
func (i installation) call(t *testing.T, dir, name string, args ...string) (code int, message string) {
	t.Helper()
	text, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, name)
	defer os.Remove(path)
	err = errors.Join(os.WriteFile(path, text, 0o755), unix.Chmod(path, i.mode))
	if i.caps != "" {
		err = errors.Join(err, unix.Setxattr(path, "security.capability", []byte(i.caps), 0))
	}
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, args...)
	if i.noGain {
		cmd = exec.Command("setpriv", append([]string{"--no-new-privs", path}, args...)...)
	}
	var told bytes.Buffer
	cmd.Dir, cmd.Stderr = "/", &told
	coverage := filepath.Join(dir, "coverage") // which the user can write to
	if err := errors.Join(os.MkdirAll(coverage, 0o777), os.Chmod(coverage, 0o777)); err != nil {
		t.Fatal(err)
	}
	cmd.Env = append(os.Environ(), "GOCOVERDIR="+coverage)
	cmd.SysProcAttr = &i.sys
	cmd.SysProcAttr.Credential = &syscall.Credential{Uid: 65534, Gid: 65534}
	if err = cmd.Run(); cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), told.String()
}
