package nofile

import (
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

func soft(t *testing.T) string {
	t.Helper()
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	return strconv.FormatUint(limit.Cur, 10)
}

// children is the soft limit that children of os/exec get.
func children(t *testing.T) string {
	t.Helper()
	out, err := exec.Command("/bin/sh", "-c", "ulimit -Sn").Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

func TestKeep(t *testing.T) {
	limit, inherited := soft(t), children(t)
	restore := Keep()
	// This restores the original limit, and then returns.
	if err := syscall.Exec("/no/such/program", []string{"x"}, nil); err == nil {
		t.Fatal("Exec = nil; want an error")
	}
	restore()
	if got := soft(t); got != limit {
		t.Errorf("limit = %s; want %s", got, limit)
	}
	if got := children(t); got != inherited {
		t.Errorf("children get %s; want %s", got, inherited)
	}
}
