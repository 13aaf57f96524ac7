package guide

import (
	"os"
	"path/filepath"
	"testing"
)

const document = "text\n\n<!-- needs: root jq -->\n<!-- setup: touch a\ntouch b -->\n\n```console\n$ ls\na\nb\n$ cat <<E\n> x\n> E\nx\n```\n\n<!-- not run: it is long -->\n```sh\nmake\n```\n\nlast\n\n```text\n```\n"

func TestRead(t *testing.T) {
	file := filepath.Join(t.TempDir(), "a.md")
	if err := os.WriteFile(file, []byte(document), 0o600); err != nil {
		t.Fatal(err)
	}
	blocks, err := Read(file)
	if err != nil || len(blocks) != 3 {
		t.Fatalf("%d blocks, %v", len(blocks), err)
	}
	console, script, text := blocks[0], blocks[1], blocks[2]
	commands := console.Commands()
	if len(commands) != 2 || commands[0] != (Command{"ls\n", "a\nb\n"}) || commands[1] != (Command{"cat <<E\nx\nE\n", "x\n"}) {
		t.Errorf("commands: %q", commands)
	}
	if console.Setup != "touch a\ntouch b\n" || len(console.Needs) != 2 || console.Line != 7 {
		t.Errorf("%+v", console)
	}
	if script.NotRun != "it is long" || script.Needs != nil || text.NotRun != "" {
		t.Errorf("%+v, %+v", script, text)
	}
}

func TestSame(t *testing.T) {
	for _, test := range []struct {
		documented, printed string
		vary, same          bool
	}{
		{"a\n", "a\n", false, true},
		{"a\n", "b\n", false, false},
		{"a\n", "a\nb\n", false, false},
		{"a\n...\nd\n", "a\nb\nc\nd\n", false, true},
		{"a\n...\nd\n", "a\nb\nc\n", false, false},
		{"a … c (x)\n", "a b c (x)\n", false, true},
		{"took 1.5 s\n", "took 12 s\n", true, true},
		{"took 1.5 s\n", "took 12 s\n", false, false},
		{"took 1.5 s\n", "took 12 m\n", true, false},
		{"", "a\n", false, false},
		{"", "", false, true},
		{"a.c\n", "abc\n", true, false},
	} {
		b := Block{Vary: test.vary}
		if got := b.Same(test.documented, test.printed); got != test.same {
			t.Errorf("Same(%q, %q), figures vary: %v: %v", test.documented, test.printed, test.vary, got)
		}
	}
}
