//go:build amd64 || arm64

package sprog

import (
	"context"
	"debug/elf"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A program that imports the package remains what it is without cgo, where
// cgo is allowed: static, with system calls on all threads, and with a runtime
// that knows when nobody can go on.
func TestNoCgo(t *testing.T) {
	requires(t, tool("go"), fileExists("testdata/static/main.go"))
	program := filepath.Join(t.TempDir(), "program")
	build := exec.Command("go", "build", "-o", program, "./testdata/static")
	build.Env = append(os.Environ(), "CGO_ENABLED=1", "GOFLAGS=-buildvcs=false")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	file, err := elf.Open(program)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for _, p := range file.Progs {
		if p.Type == elf.PT_INTERP {
			t.Error("the program has a dynamic loader")
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute) // a runtime that does not see it waits for ever
	defer cancel()
	out, err := exec.CommandContext(ctx, program).CombinedOutput()
	for _, want := range []string{"AllThreadsSyscall: 0\n", "all goroutines are asleep - deadlock!"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("the program printed, %v:\n%s\nwant %q", err, out, want)
		}
	}
}

// The library's packages are the standard library's and golang.org/x/sys, and
// of the former none that brings cgo along, nor any part of net.
func TestDependencies(t *testing.T) {
	requires(t, tool("go"), fileExists("go.mod"))
	list := exec.Command("go", "list", "-deps", "-f", "{{.ImportPath}} {{.Standard}}", ".")
	list.Env = append(os.Environ(), "CGO_ENABLED=1")
	out, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(out)) {
		path, standard, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch {
		case path == "net" || strings.HasPrefix(path, "net/") || path == "os/user" || path == "runtime/cgo" || path == "plugin":
			t.Errorf("%s is imported, and brings cgo or the network along", path)
		case standard != "true" && !strings.HasPrefix(path, "github.com/sprog-dev/sprog") && !strings.HasPrefix(path, "golang.org/x/sys/"):
			t.Errorf("%s is imported", path)
		}
	}
}
