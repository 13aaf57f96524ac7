package nofile

import (
	"strconv"
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

func TestKeep(t *testing.T) {
	limit := soft(t)
	restore := Keep()
	// This restores the original limit, and then returns.
	if err := syscall.Exec("/no/such/program", []string{"x"}, nil); err == nil {
		t.Fatal("Exec = nil; want an error")
	}
	restore()
	if got := soft(t); got != limit {
		t.Errorf("limit = %s; want %s", got, limit)
	}
}
