//go:build linux && (amd64 || arm64)

package sprog_test

import (
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/sprog-dev/sprog"
)

// A launcher is a file that starts one program, without Go and without this package.
func ExampleCompileOptions() {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	file, err := os.OpenFile(filepath.Join(dir, "launcher"), os.O_CREATE|os.O_WRONLY, 0o755)
	if err != nil {
		log.Fatal(err)
	}
	cmd := sprog.Command("/bin/sh", "-c", `umask; echo "$0 $@"`, "the launcher's arguments:")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Attr = &sprog.Attr{Umask: new(uint32(0o027)), NoNewPrivs: true}
	if err := cmd.Compile(file, sprog.CompileOptions{AppendArgs: true}); err != nil {
		log.Fatal(err)
	}
	file.Close()
	out, err := exec.Command(file.Name(), "one", "two").Output()
	fmt.Printf("%s%v\n", out, err)
	// Output:
	// 0027
	// the launcher's arguments: one two
	// <nil>
}
