//go:build linux

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Each sub-command has a page with examples, and neither groff nor mandoc finds anything wrong with it.
func TestManualPages(t *testing.T) {
	for _, name := range append([]string{""}, commandNames()...) {
		page, err := app.Man(name)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(page, "\n.SH EXAMPLES\n") {
			t.Errorf("the page of %q has no examples", name)
		}
		file := filepath.Join(t.TempDir(), "page.1")
		if err := os.WriteFile(file, []byte(page), 0o666); err != nil {
			t.Fatal(err)
		}
		for _, reader := range [][]string{{"mandoc", "-T", "lint", file}, {"groff", "-man", "-Tutf8", "-ww", "-z", file}} {
			if path, err := exec.LookPath(reader[0]); err == nil {
				out, err := exec.Command(path, reader[1:]...).CombinedOutput()
				if err != nil || len(out) > 0 {
					t.Errorf("%s of the page of %q: %v\n%s", reader[0], name, err, out)
				}
			}
		}
	}
}

func commandNames() (names []string) {
	for i := range app.Commands {
		names = append(names, app.Commands[i].Name)
	}
	return names
}
