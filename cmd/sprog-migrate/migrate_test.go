package main

import (
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
