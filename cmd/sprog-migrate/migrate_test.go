package main

import (
	"fmt"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"sprog-migrate": main})
}

// The scripts migrate whole modules, which the go command then builds, vets and runs.
func TestScripts(t *testing.T) {
	if testing.Short() {
		t.Skip("takes the go command")
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{Dir: "testdata", Setup: func(env *testscript.Env) error {
		env.Setenv("ROOT", root)
		bin := filepath.Join(env.WorkDir, "bin")
		if out, err := exec.Command("go", "build", "-o", bin+"/", root+"/cmd/sprog").CombinedOutput(); err != nil {
			return fmt.Errorf("%w\n%s", err, out)
		}
		env.Setenv("PATH", bin+string(filepath.ListSeparator)+env.Getenv("PATH"))
		for _, name := range []string{"GOCACHE", "GOMODCACHE", "GOPATH"} {
			out, err := exec.Command("go", "env", name).Output()
			if err != nil {
				return err
			}
			env.Setenv(name, strings.TrimSpace(string(out)))
		}
		env.Setenv("GOPROXY", "off")
		env.Setenv("GOFLAGS", "-mod=mod")
		env.Setenv("GOTOOLCHAIN", "local")
		sum, err := os.ReadFile(filepath.Join(root, "go.sum"))
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(env.WorkDir, "go.sum"), sum, 0o666)
	}})
}

// Every form of the import is rewritten, and nothing else that looks like it.
func TestRewriteImports(t *testing.T) {
	for _, test := range importForms {
		got := string(rewriteImports("a.go", []byte(test.before)))
		if got == "" {
			got = test.before
		}
		if got != test.after {
			t.Errorf("of\n%sit makes\n%swant\n%s", test.before, got, test.after)
		}
		if _, err := parser.ParseFile(token.NewFileSet(), "", got, 0); err != nil {
			t.Error(err)
		}
	}
}

var importForms = []struct{ before, after string }{
	{"package a\n\nimport \"os/exec\"\n", "package a\n\nimport exec \"github.com/sprog-dev/sprog\"\n"},
	{"package a\n\nimport . \"os/exec\"\n", "package a\n\nimport . \"github.com/sprog-dev/sprog\"\n"},
	{"package a\n\nimport osexec \"os/exec\" // of Go\n", "package a\n\nimport osexec \"github.com/sprog-dev/sprog\" // of Go\n"},
	{
		"package a\n\nimport (\n\t\"os\"\n\t\"os/exec\"\n\t_ \"os/exec\"\n\tx2 \"os/exec\"\n\t. \"os/exec\" // dot\n)\n",
		"package a\n\nimport (\n\t\"os\"\n\t_ \"os/exec\"\n\n\texec \"github.com/sprog-dev/sprog\"\n\tx2 \"github.com/sprog-dev/sprog\"\n\t. \"github.com/sprog-dev/sprog\" // dot\n)\n",
	},
	{
		"package a\n\nvar a = []string{\n\t\"os/exec\",\n\t\"x\" + \"os/exec\",\n}\nvar b = \"os/exec\"\n",
		"package a\n\nvar a = []string{\n\t\"os/exec\",\n\t\"x\" + \"os/exec\",\n}\nvar b = \"os/exec\"\n",
	},
}

func TestBuiltOn(t *testing.T) {
	for _, test := range []struct {
		name, line string
		want       built
	}{
		{"a.go", "", built{true, true}},
		{"a_linux.go", "", built{true, false}},
		{"a_linux_test.go", "", built{true, false}},
		{"linux.go", "", built{true, true}},
		{"a_windows.go", "", built{false, true}},
		{"a_linux_arm.go", "", built{false, false}},
		{"a_amd64.go", "", built{true, true}},
		{"a.go", "//go:build !windows", built{true, true}},
		{"a.go", "//go:build linux && !android", built{true, false}},
		{"a.go", "//go:build unix", built{true, true}},
		{"a.go", "//go:build darwin || freebsd", built{false, true}},
		{"a.go", "//go:build integration && linux && !race", built{true, false}},
		{"a.go", "//go:build !linux", built{false, true}},
		{"a.go", "//go:build linux && 386", built{false, false}},
	} {
		f, err := parser.ParseFile(token.NewFileSet(), test.name, test.line+"\n\npackage a\n", parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		if got := builtOn(test.name, f); got != test.want {
			t.Errorf("%s with %q is built on %+v; want %+v", test.name, test.line, got, test.want)
		}
	}
}
