//go:build amd64 || arm64

package machine

import (
	"bytes"
	"os"
	"os/exec"
	"testing"
	"unsafe"
)

// The instructions in the table are those of this process's own functions.
func TestCodesAreOurs(t *testing.T) {
	addr := prologueAddress()
	own := unsafe.Slice(*(**byte)(unsafe.Pointer(&addr)), len(codes[Native].prologue)+8)
	if got := codes[Native].prologue; got != string(own[:len(got)]) || *(*uint32)(unsafe.Pointer(&own[len(got)])) != codeEnd {
		t.Error("the prologue in code_linux.go is not that of the assembly: go generate ./internal/machine")
	}
	if codes[Native].machine != string(code()) {
		t.Error("the machine in code_linux.go is not that of the assembly: go generate ./internal/machine")
	}
}

// The table is what the generator makes of the assembly of both architectures.
func TestCodesAreCurrent(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the package for two architectures")
	}
	got, err := exec.Command("go", "run", "gen.go", "-").Output()
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile("code_linux.go")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("code_linux.go is not what go generate ./internal/machine makes")
	}
}
