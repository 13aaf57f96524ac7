//go:build amd64 || arm64

package sprog

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestChildEnvironment(t *testing.T) {
	for _, test := range []struct {
		env  []string
		want string
	}{
		{nil, ""},
		{[]string{"A=1", "B=2", "A=3"}, "B=2\nA=3\n"},
		{[]string{"A=", "ODD", "É=ü\n"}, "A=\nODD\nÉ=ü\n\n"},
	} {
		c := helperCommand("env")
		c.Env = append(test.env, helperEnv)
		if out, err := c.Output(); err != nil || string(out) != test.want {
			t.Errorf("Env %q: %q, %v; want %q", test.env, out, err, test.want)
		}
	}
}

func TestEmptyEnvIsNoEnvironment(t *testing.T) {
	c := Command("/bin/sh", "-c", "tr '\\0' '\\n' </proc/$$/environ")
	c.Env = []string{}
	if out, err := c.CombinedOutput(); err != nil || string(out) != "" {
		t.Errorf("environment = %q, %v; want none", out, err)
	}
}

func TestChildInheritsTheEnvironment(t *testing.T) {
	t.Setenv("SPROG_TEST_VAR", "inherited")
	out, err := helperCommand("env").Output()
	if err != nil || !strings.Contains("\n"+string(out), "\nSPROG_TEST_VAR=inherited\n") {
		t.Errorf("environment = %q, %v", out, err)
	}
}

// A program that trusts PWD sees the name that Dir was given, symbolic links
// included.
func TestDirThroughASymbolicLink(t *testing.T) {
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink("/usr", link); err != nil {
		t.Fatal(err)
	}
	c := Command("/bin/sh", "-c", "pwd; pwd -P")
	c.Dir = link
	if out, err := c.Output(); err != nil || string(out) != link+"\n/usr\n" {
		t.Errorf("pwd = %q, %v; want %s and /usr", out, err, link)
	}
}

func TestEnvWithNUL(t *testing.T) {
	c := helperCommand("env")
	c.Env = []string{helperEnv, "SECRET=abc\x00OTHER=def"}
	err := c.Run()
	var e *StartError
	if !errors.As(err, &e) || e.Field != "Env" || e.Path != c.Path {
		t.Fatalf("Run() = %#v; want a *StartError for Env", err)
	}
	if strings.Contains(err.Error(), "abc") {
		t.Errorf("%v: tells the value", err)
	}
	if got := c.Environ(); len(got) != 1 {
		t.Errorf("Environ() = %q; want it without the entry", got)
	}
}
