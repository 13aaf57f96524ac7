//go:build amd64 || arm64

package sprog

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/pathwalk"
)

// The reasons of failures are looked for where hardly a descriptor is left, and
// the runtime has no network poller yet, for which it would end the process.
func TestHintsWithFewDescriptors(t *testing.T) {
	tried := 0
	for _, theme := range themes {
		for _, f := range theme.failings {
			t.Run(f.asked, func(t *testing.T) {
				requires(t, append(f.by.requires(), f.needs...)...)
				x := f.scene(t)
				out, err := f.helper("launch-with-few", x).CombinedOutput()
				if err != nil {
					t.Errorf("%v\n%.2000s", err, out)
				}
				if string(out) == primed {
					return
				}
				tried++
				for line := range strings.Lines(x.told(string(out))) {
					left, said, _ := strings.Cut(strings.TrimSpace(line), " ")
					// It says less, or what it failed of itself, but nothing else.
					less := strings.HasPrefix(f.want, strings.TrimSuffix(said, ")"))
					if !less && !strings.Contains(said, "too many open files") && !strings.Contains(said, " are limited by RLIMIT_NPROC for each user, ") {
						t.Errorf("with %s descriptors left: %s\nwant %s", left, said, f.want)
					}
				}
			})
		}
	}
	if !t.Failed() && tried < 50 {
		t.Errorf("%d tries; want more of them without a network poller", tried)
	}
}

const primed = "there is a network poller already"

// launch-with-few ASKED DIR: make a launch with no descriptor left, with one,
// and so on.
var _ = helper("launch-with-few", func(args []string) int {
	debug.SetGCPercent(-1) // its scavenger has a timer, for which the runtime makes the poller as well
	c := failingCalled(args[0]).prepare(&scene{dir: args[1]})
	for n := range 300 {
		if pathwalk.RealPath(n) == "anon_inode:[eventpoll]" || pathwalk.RealPath(0) == "" { // there is one, or that is not to be seen
			fmt.Print(primed)
			return 0
		}
	}
	for left := range 16 {
		restore := leaveDescriptors(left)
		err := again(c).Start()
		restore()
		fmt.Println(left, err)
		if err == nil {
			return 0 // as os/exec has it, Wait tells of the failure
		}
	}
	if lateRemoval != "" {
		must(unix.Rmdir(lateRemoval))
	}
	return 0
})

// No file of the package is opened by os, whose files go to the network poller.
func TestFilesAreOpenedPlainly(t *testing.T) {
	banned := []string{"Open", "OpenFile", "OpenInRoot", "OpenRoot", "ReadFile", "ReadDir", "WriteFile", "Create", "CreateTemp", "DirFS"}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, pattern := range []string{"internal/machine/*.go", "internal/cgroup/*.go", "internal/exitwait/*.go", "internal/ownproc/*.go", "internal/nofile/*.go"} {
		more, _ := filepath.Glob(pattern)
		files = append(files, more...)
	}
	set := token.NewFileSet()
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(set, name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if of, ok := n.(*ast.SelectorExpr); ok {
				if x, ok := of.X.(*ast.Ident); ok && x.Name == "os" && slices.Contains(banned, of.Sel.Name) {
					t.Errorf("%v: os.%s; want package plain, or a system call", set.Position(of.Pos()), of.Sel.Name)
				}
			}
			return true
		})
	}
}
