//go:build amd64 || arm64

package klog

import (
	"testing"
	"time"
)

// The log's records are read by who has written what in them, not by what a
// program calls itself, or has the kernel or a logger say.
func TestLogRecord(t *testing.T) {
	audit := logText(`audit: type=1326 audit(1.1:5): auid=1 uid=0 gid=0 ses=1 pid=77 comm="a,pid=9" exe="/a" sig=31 arch=c000003e syscall=83 compat=0`)
	if got := audit.last(" ", "pid"); got != "77" {
		t.Errorf("pid = %q; want 77", got)
	}
	oom := logText(`oom-kill:constraint=CONSTRAINT_MEMCG,oom_memcg=/job,task_memcg=/job,task=a,oom_memcg=/z,pid=77,uid=0`)
	if got := oom.last(",", "pid") + oom.first(",", "oom_memcg"); got != "77/job" {
		t.Errorf("pid and oom_memcg = %q; want 77/job", got)
	}
	for record, want := range map[Record]struct {
		at   time.Duration
		text logText
		ok   bool
	}{
		"6,339,5140900,-;NET: Registered\n SUBSYSTEM=acpi\n": {5140900 * time.Microsecond, "NET: Registered", true},
		"3,340,5140900,-,caller=T7;a;b":                      {5140900 * time.Microsecond, "a;b", true},
		"12,341,5140900,-;Killed process 7 (x)\n":            {5140900 * time.Microsecond, "Killed process 7 (x)", false},
		"x;y": {0, "", false},
	} {
		if at, text, ok := record.read(); at != want.at || text != want.text || ok != want.ok {
			t.Errorf("%q.read() = %v, %q, %t; want %v", record, at, text, ok, want)
		}
	}
}
