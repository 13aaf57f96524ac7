//go:build amd64 || arm64

package atstart_test

import (
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/sprog-dev/sprog/internal/atstart"
)

// TestOriginalNofile runs this test again under a soft limit that package
// syscall will have raised.
func TestOriginalNofile(t *testing.T) {
	if os.Getenv("ATSTART_CHILD") != "" {
		if atstart.NofileCur != 777 {
			t.Errorf("NofileCur = %d; want 777", atstart.NofileCur)
		}
		return
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("/bin/sh", "-c", "ulimit -Sn 777 && exec "+exe+" -test.run=TestOriginalNofile -test.v")
	cmd.Env = append(os.Environ(), "ATSTART_CHILD=1")
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "PASS: TestOriginalNofile") {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestSlots(t *testing.T) {
	if atstart.EndSlot-atstart.FirstSlot < 1 {
		t.Fatalf("slots %d to %d; want some", atstart.FirstSlot, atstart.EndSlot)
	}
	for fd := atstart.FirstSlot; fd < atstart.EndSlot; fd++ {
		link, err := os.Readlink("/proc/self/fd/" + itoa(fd))
		flags, _, _ := syscall.Syscall(syscall.SYS_FCNTL, uintptr(fd), syscall.F_GETFL, 0)
		if err != nil || link != "/dev/null" || flags&atstart.SlotFlags != atstart.SlotFlags {
			t.Errorf("descriptor %d is %q with flags %#x, %v; want /dev/null, and the flags %#x", fd, link, flags, err, atstart.SlotFlags)
		}
	}
}

func itoa(n int) string {
	if n < 10 {
		return string(rune('0' + n))
	}
	return itoa(n/10) + string(rune('0'+n%10))
}
