package examples

import (
	"os/exec"
	"testing"
)

// The program says the same before and after, but for the text of an error.
func TestMoving(t *testing.T) {
	needs(t, "user-namespaces", "uts-namespaces", "child-subreaper")
	for _, program := range []string{"unshare", "setsid", "hostname"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skip("needs ", err)
		}
	}
	for _, test := range []struct{ name, timeout string }{
		{"before", "signal: killed"},
		{"moving", "sprog: timeout after 200ms: signal: killed"},
	} {
		want := "Linux\nlimited: \"64\\n0077\\n\" <nil>\ntimeout: " + test.timeout + "\nnamespace: \"inside\\n\" <nil>\n"
		if stdout, stderr, code := example(t, test.name); stdout != want || code != 0 {
			t.Errorf("%s printed %q and %q, and exited with %d; want %q, 0", test.name, stdout, stderr, code, want)
		}
	}
}
