package examples

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/sprog-dev/sprog"
	"github.com/sprog-dev/sprog/internal/guide"

	"github.com/sprog-dev/sprog/internal/sweep"
)

// documents are those whose commands are run.
func documents(t *testing.T) []string {
	t.Helper()
	list, err := filepath.Glob("../docs/*.md")
	below, _ := filepath.Glob("../docs/*/*.md")
	if err != nil || len(list) == 0 {
		t.Fatal("no documents: ", err)
	}
	return append(append(list, below...), "../README.md")
}

// Each command in README and docs prints what stands below it.
func TestCommandsInDocuments(t *testing.T) {
	shims(t)
	files, found := documents(t), 0
	if testing.Short() {
		files = sweep.Drawn(t, files)
	}
	for _, file := range files {
		blocks, err := guide.Read(file)
		if err != nil {
			t.Fatal(err)
		}
		name := strings.TrimPrefix(file, "../")
		found += len(blocks)
		t.Run(name, func(t *testing.T) {
			t.Parallel() // most of what they run waits
			for i := range blocks {
				b := &blocks[i]
				if b.Language == "console" || b.Language == "sh" {
					t.Run(firstCommand(b), func(t *testing.T) { tryBlock(t, name, b) })
				}
			}
		})
	}
	if !testing.Short() && found < 30 {
		t.Errorf("the documents have %d blocks", found)
	}
}

func firstCommand(b *guide.Block) string {
	line, _, _ := strings.Cut(strings.TrimPrefix(b.Text, "$ "), "\n")
	return line
}

// tryBlock runs one block in a home directory of its own.
func tryBlock(t *testing.T, name string, b *guide.Block) {
	if b.NotRun != "" {
		t.Skip(b.NotRun)
	}
	for _, what := range b.Needs {
		need(t, what)
	}
	guides, err := filepath.Abs("../script/guides")
	if err != nil {
		t.Fatal(err)
	}
	place := &guide.Place{Dir: publicDir(t), Path: []string{filepath.Join(bin, "shims"), bin}, Guides: guides}
	if b.Language == "sh" {
		if out, err := place.Script(b); err != nil {
			t.Errorf("%s:%d: %v\n%s", name, b.Line, err, out)
		}
		return
	}
	printed, err := place.Run(b)
	if err != nil {
		t.Fatalf("%s:%d: %v", name, b.Line, err)
	}
	for i, c := range b.Commands() {
		got := "nothing: the shell has ended"
		if i < len(printed) {
			got = printed[i]
		}
		if !b.Same(c.Output, got) {
			t.Errorf("%s:%d: $ %sprints\n%sinstead of\n%s", name, b.Line, c.Text, got, c.Output)
		}
	}
}

// need skips the test where something is missing: root, a user who is not root, a feature of the
// machine's, or a program.
func need(t *testing.T, what string) {
	t.Helper()
	known := func(s sprog.Feature) bool { return s.Name == what }
	switch {
	case what == "root" || what == "user":
		if (os.Getuid() == 0) != (what == "root") {
			t.Skip("needs ", what)
		}
	case slices.ContainsFunc(sprog.Features(), known):
		needs(t, what)
	default:
		if _, err := exec.LookPath(what); err != nil {
			t.Skip("needs ", what)
		}
	}
}

// shims makes a go command that runs the programs that have been built.
func shims(t *testing.T) {
	dir := filepath.Join(bin, "shims")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	real, err := exec.LookPath("go")
	if err != nil {
		t.Fatal(err)
	}
	script := "#!/bin/sh\ncase \"$1 $2\" in 'run ./'*)\n\tprogram=${2##*/}\n\tshift 2\n\texec " + bin + "/$program \"$@\" ;;\nesac\nexec " + real + " \"$@\"\n"
	if err := os.WriteFile(filepath.Join(dir, "go"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
}

// A block that shows commands is one that is run.
func TestNoCommandIsHidden(t *testing.T) {
	for _, file := range documents(t) {
		blocks, err := guide.Read(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range blocks {
			if b.Language == "" || strings.HasPrefix(b.Text, "$ ") != (b.Language == "console") {
				t.Errorf("%s:%d: a block in the language %q", file, b.Line, b.Language)
			}
		}
	}
}
