package examples

import (
	"path/filepath"
	"strings"
	"testing"
)

// judged is the verdict on a program that is to print 42.
func judged(t *testing.T, flags []string, args ...string) string {
	t.Helper()
	dir := publicDir(t)
	write(t, filepath.Join(dir, "a.in"), "20 22\n")
	write(t, filepath.Join(dir, "a.out"), "42\n")
	all := append([]string{"-tests", dir}, flags...)
	stdout, stderr, _ := example(t, "judge", append(append(all, "--"), args...)...)
	words := strings.Fields(stdout)
	if len(words) < 2 || words[0] != "a" {
		t.Fatalf("judge %q printed %q and %q; want a verdict on a", all, stdout, stderr)
	}
	return words[1]
}

func TestJudge(t *testing.T) {
	needs(t, isolation...)
	mark, hostile := mark(), filepath.Join(bin, "hostile")
	for _, test := range []struct {
		name  string
		flags []string
		args  []string
		want  string
	}{
		{"right", nil, []string{"sh", "-c", "read a b; echo $((a + b))"}, "AC"},
		{"white space", nil, []string{"sh", "-c", "echo; echo 42; echo"}, "AC"},
		{"wrong", nil, []string{"echo", "43"}, "WA"},
		{"silent", nil, []string{"true"}, "WA"},
		{"exit code", nil, []string{"sh", "-c", "echo 42; exit 1"}, "RE"},
		{"signal", nil, []string{"sh", "-c", "echo 42; kill -SEGV $$"}, "RE"},
		{"computes", []string{"-cpu", "200ms"}, []string{"sh", "-c", "while :; do :; done"}, "TLE"},
		{"has others compute", []string{"-cpu", "200ms"}, []string{"sh", "-c", "(while :; do :; done) & wait"}, "TLE"},
		{"sleeps", []string{"-wall", "300ms"}, []string{"sleep", mark}, "TLE"},
		{"prints", []string{"-output", "10000"}, []string{"yes"}, "OLE"},
		{"allocates", []string{"-memory", "33554432"}, []string{"sh", "-c", "yes | tr -d '\\n' | tail -n 1"}, "MLE"},
		{"connects", nil, []string{hostile, "network", "127.0.0.1:1"}, "SV"},
		{"mounts", nil, []string{hostile, "mount"}, "SV"},
		{"makes a namespace", nil, []string{hostile, "namespace"}, "SV"},
		{"reads the answer", nil, []string{"sh", "-c", "cat " + bin + "/*/a.out"}, "RE"},
		{"leaves a daemon", nil, []string{"sh", "-c", "echo 42; (setsid sleep " + mark + " >&- 2>&- &)"}, "AC"},
		{"forks", []string{"-processes", "8"}, []string{"sh", "-c", "i=0; while [ $i -lt 200 ]; do sleep " + mark + " & i=$((i+1)); done; echo 42"}, "RE"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := judged(t, test.flags, test.args...); got != test.want {
				t.Errorf("the verdict is %s; want %s", got, test.want)
			}
		})
	}
	if pids := left(t, mark); pids != nil {
		t.Errorf("still there: %v", pids)
	}
}

// With a cgroup it is all processes together that have the memory.
func TestJudgeCgroup(t *testing.T) {
	needs(t, append(isolation, "cgroup-memory", "cgroup-pids")...)
	flags := []string{"-cgroup", "-memory", "33554432"}
	if got := judged(t, flags, "sh", "-c", "yes | tr -d '\\n' | tail -n 1"); got != "MLE" {
		t.Errorf("the verdict is %s; want MLE", got)
	}
	if got := judged(t, flags, "echo", "42"); got != "AC" {
		t.Errorf("the verdict is %s; want AC", got)
	}
}
