//go:build linux

package main

import (
	"os"
	"strings"
	"testing"
)

const aboutFlags = `# Flags

Each flag, with an example that a test runs. This page is made from the flags themselves and from
cmd/sprog/testdata/flags.md; ` + "`go generate ./cmd/sprog`" + ` writes it. In the examples ` + "`$cgroups`" + ` is where cgroup2 is mounted, most often /sys/fs/cgroup.

A value follows behind = or as the next word, unless the form shows it in brackets. ` + "`sprog help --FLAG`" + ` says the same in the terminal.
`

//go:generate go test . -run TestFlagsPage|TestConfigFiles -update

// docs/flags.md has every flag, each with an example. TestCommandsInDocuments runs those.
func TestFlagsPage(t *testing.T) {
	source, err := os.ReadFile("testdata/flags.md")
	if err != nil {
		t.Fatal(err)
	}
	examples := map[string]string{}
	for part := range strings.SplitSeq("\n"+string(source), "\n## --") {
		if name, example, ok := strings.Cut(part, "\n\n"); ok {
			examples[strings.TrimSpace(name)] = strings.TrimRight(example, "\n") + "\n"
		}
	}
	known := map[string]bool{}
	for i := range app.Commands {
		for _, f := range app.Commands[i].Flags() {
			if known[f.Name()] = true; examples[f.Name()] == "" {
				t.Errorf("testdata/flags.md has no example for --%s", f.Name())
			}
		}
	}
	for name := range examples {
		if !known[name] {
			t.Errorf("testdata/flags.md has an example for --%s, which is no flag", name)
		}
	}
	const page = "../../docs/flags.md"
	want := aboutFlags + app.Markdown(examples)
	got, err := os.ReadFile(page)
	if *update {
		err = os.WriteFile(page, []byte(want), 0o644)
	} else if string(got) != want {
		t.Errorf("%s is not what the flags say: run go generate ./cmd/sprog", page)
	}
	if err != nil {
		t.Error(err)
	}
}
