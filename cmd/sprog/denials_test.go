//go:build linux && (amd64 || arm64)

package main

import (
	"encoding/binary"
	"os"
	"os/exec"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// audited turns the audit of this machine on for the time of a test, without which Landlock logs nothing.
func audited(t *testing.T) {
	t.Helper()
	const set, enabled = 1001, 1 // AUDIT_SET, AUDIT_STATUS_ENABLED
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_AUDIT)
	if err != nil || landlockABI() < 7 || !hearDenials().readable() {
		t.Skip("needs Landlock ABI 7, and the right to read what the kernel logs")
	}
	turn := func(on uint32) int32 {
		message := binary.NativeEndian.AppendUint32(nil, 60)
		for _, half := range []uint16{set, unix.NLM_F_REQUEST | unix.NLM_F_ACK} {
			message = binary.NativeEndian.AppendUint16(message, half)
		}
		for _, word := range []uint32{1, 0, enabled, on, 0, 0, 0, 0, 0, 0, 0, 0, 0} { // struct audit_status, after two words of the header
			message = binary.NativeEndian.AppendUint32(message, word)
		}
		answer := make([]byte, 4096)
		if err := unix.Sendto(fd, message, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
			t.Skipf("the audit cannot be turned on: %v", err)
		}
		unix.Read(fd, answer)
		return int32(binary.NativeEndian.Uint32(answer[16:]))
	}
	text, _ := os.ReadFile("/proc/cmdline")
	if strings.Contains(string(text), "audit=1") {
		return
	}
	if errno := turn(1); errno != 0 {
		t.Skipf("the audit cannot be turned on: %v", unix.Errno(-errno))
	}
	t.Cleanup(func() {
		turn(0)
		unix.Close(fd)
	})
}

// What Landlock denies is told with the flag that allows it, and with that flag it is allowed.
func TestLandlockDenialsAreTold(t *testing.T) {
	audited(t)
	file := t.TempDir() + "/a file"
	if err := os.WriteFile(file, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	cat := func(flags ...string) string {
		line := []string{"run", "--landlock-abi", "7", "--landlock-try", "--landlock-log", "new-exec-on"}
		for _, dir := range []string{"/usr", "/lib", "/lib64", "/bin", "/etc"} {
			line = append(line, "--landlock-rox", dir)
		}
		out, _ := exec.Command("sprog", append(append(line, flags...), "--", "cat", file)...).CombinedOutput()
		return string(out)
	}
	want := "sprog: Landlock denied fs.read_file '" + file + "' (--landlock-ro '" + file + "')\n"
	if got := cat(); !strings.HasSuffix(got, want) {
		t.Errorf("cat says %q; want %q at its end", got, want)
	}
	if got := cat("--landlock-ro", file); got != "" {
		t.Errorf("cat says %q with the flag; want nothing", got)
	}
}

// The box tells it, too, where it restricts the program by Landlock.
func TestBoxTellsWhatLandlockDenied(t *testing.T) {
	audited(t)
	a := attack(t)
	out, _ := a.in(true, []string{"--net"}, "sh", "-c", "kill -0 $PPID")
	if !strings.HasSuffix(out, "does not have here:\n  a signal to a process outside\n") {
		t.Errorf("a signal: %q", out)
	}
}

// hearsAudit reports whether the kernel tells this process all that it denies.
func hearsAudit() bool { return hearDenials().log.Complete() }
