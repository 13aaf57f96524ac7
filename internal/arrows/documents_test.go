package arrows

import (
	"os"
	"strings"
	"testing"
	"unicode/utf8"
)

// What CONTRIBUTING.md shows of a facility is in the files that it names: the lines of
// a block, each without the space around it, are lines of the file that follow each
// other, or the only line is a part of one.
func TestFacilityIsAsShown(t *testing.T) {
	blocks := 0
	for i, part := range strings.Split(document(t, "CONTRIBUTING.md"), "\n```") {
		_, block, is := strings.Cut(part, "\n// ")
		if i%2 == 0 || !is { // the text between two blocks, or a block of no file
			continue
		}
		blocks++
		file, code, _ := strings.Cut(block, "\n")
		whole, shown := trimmed(document(t, file)), trimmed(code)
		if found := strings.Contains("\n"+whole+"\n", "\n"+shown+"\n"); !found && (strings.Contains(shown, "\n") || !strings.Contains(whole, shown)) {
			t.Errorf("CONTRIBUTING.md shows what %s does not have:\n%s", file, code)
		}
	}
	if blocks < 10 {
		t.Errorf("CONTRIBUTING.md shows %d files; want all of a facility", blocks)
	}
}

// trimmed is a text without the space around its lines.
func trimmed(text string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		lines[i] = strings.TrimSpace(line)
	}
	return strings.Join(lines, "\n")
}

// The documents fit a screen. What they quote is as wide as it is.
func TestWidth(t *testing.T) {
	const widest = 100
	for _, name := range []string{"ARCHITECTURE.md", "CONTRIBUTING.md"} {
		code := false
		for i, line := range strings.Split(document(t, name), "\n") {
			code = code != strings.HasPrefix(line, "```")
			if n := utf8.RuneCountInString(line); n > widest && !code {
				t.Errorf("%s:%d is %d columns wide; at most %d", name, i+1, n, widest)
			}
		}
	}
}

// document is a file of the module, by its path in it.
func document(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile("../../" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
