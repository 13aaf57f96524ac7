//go:build amd64 || arm64

package sprog

import (
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// insideVar holds the name of the test that a test process is for.
const insideVar = "SPROG_TEST_INSIDE"

// ownProcess runs the test in a process of its own, for what cannot be taken
// back: a filter, a limit, a user. It is called first thing in a test, and
// reports whether this is that process; elsewhere the test is over then. The
// process is started by os/exec, after prepare has had its way with it.
func ownProcess(t *testing.T, prepare func(*exec.Cmd)) bool {
	t.Helper()
	if os.Getenv(insideVar) == t.Name() {
		return true
	}
	out, err := testProcess(t, prepare).CombinedOutput()
	last := strings.Split(t.Name(), "/")
	switch {
	case err != nil:
		t.Errorf("in a process of its own: %v\n%s", err, out)
	case strings.Contains(string(out), "--- SKIP: "+t.Name()+" "):
		t.Skipf("in a process of its own:\n%s", out)
	case !strings.Contains(string(out), "--- PASS: "+t.Name()+" "):
		t.Errorf("%s did not run in a process of its own:\n%s", last[len(last)-1], out)
	case testing.Verbose():
		t.Logf("%s", out)
	}
	return false
}

// testProcess is a command that runs this test alone, and the like.
func testProcess(t *testing.T, prepare func(*exec.Cmd)) *exec.Cmd {
	var pattern []string
	for _, part := range strings.Split(t.Name(), "/") {
		pattern = append(pattern, "^"+regexp.QuoteMeta(part)+"$")
	}
	c := exec.Command(testBinary(), append(passedFlags(), "-test.v", "-test.run="+strings.Join(pattern, "/"))...)
	c.Env = slices.DeleteFunc(os.Environ(), func(kv string) bool {
		return strings.HasPrefix(kv, helperVar+"=") || strings.HasPrefix(kv, insideVar+"=")
	})
	c.Env = append(c.Env, insideVar+"="+t.Name())
	if prepare != nil {
		prepare(c)
	}
	return c
}

// passedFlags are the flags of this process that others need as well.
func passedFlags() []string {
	if testing.Short() {
		return []string{"-test.short"}
	}
	return nil
}
