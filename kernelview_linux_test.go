//go:build amd64 || arm64

package sprog

import (
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// What a program started with some attributes sees of itself is read from the
// kernel, by programs that are not part of this package.

// printed runs a program with attributes and returns what it prints.
func printed(t *testing.T, sys *syscall.SysProcAttr, attr *Attr, prog string, args ...string) string {
	t.Helper()
	c := Command(prog, args...)
	c.SysProcAttr, c.Attr = sys, attr
	return outputOf(t, c)
}

func outputOf(t *testing.T, c *Cmd) string {
	t.Helper()
	var diagnostics strings.Builder
	c.Stderr = &diagnostics
	out, err := c.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s%s", c, err, out, diagnostics.String())
	}
	return string(out)
}

// selfStatus is /proc/self/status of a program with these attributes.
func selfStatus(t *testing.T, sys *syscall.SysProcAttr) string {
	t.Helper()
	return printed(t, sys, nil, "/bin/cat", "/proc/self/status")
}

// wantStatus compares lines of /proc/self/status.
func wantStatus(t *testing.T, sys *syscall.SysProcAttr, want map[string]string) {
	t.Helper()
	text := selfStatus(t, sys)
	for name, value := range want {
		if got := fieldOf(text, name); got != value {
			t.Errorf("%s = %q; want %q", name, got, value)
		}
	}
}

// A procStat is a part of /proc/PID/stat.
type procStat struct {
	state                                     string
	pid, ppid, pgrp, session, terminal, tpgid int
}

func parseStat(text string) procStat {
	w := strings.Fields(text[strings.LastIndexByte(text, ')')+1:])
	n := make([]int, 8)
	for i := 1; i < 7; i++ {
		n[i], _ = strconv.Atoi(w[i])
	}
	pid, _ := strconv.Atoi(text[:strings.IndexByte(text, ' ')])
	return procStat{w[0], pid, n[1], n[2], n[3], n[4], n[5]}
}

// statOf is the stat of a process, which must exist.
func statOf(pid int) procStat {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		panic(err)
	}
	return parseStat(string(b))
}

// selfStat is /proc/self/stat of a program with these attributes.
func selfStat(t *testing.T, sys *syscall.SysProcAttr) procStat {
	t.Helper()
	return parseStat(printed(t, sys, nil, "/bin/cat", "/proc/self/stat"))
}
