package examples

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The Go code in the guides is that of the programs, letter for letter.
func TestCodeInGuides(t *testing.T) {
	var sources []string
	err := filepath.WalkDir(".", func(path string, _ fs.DirEntry, err error) error {
		if strings.HasSuffix(path, ".go") && err == nil {
			text, readErr := os.ReadFile(path)
			sources, err = append(sources, string(text)), readErr
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	all := strings.Join(sources, "\n")
	guides, _ := filepath.Glob("../docs/*.md")
	guides = append(guides, "../README.md")
	blocks := 0
	for _, guide := range guides {
		text, err := os.ReadFile(guide)
		if err != nil {
			t.Fatal(err)
		}
		for i, part := range strings.Split(string(text), "```go\n")[1:] {
			block, _, _ := strings.Cut(part, "```")
			blocks++
			if !strings.Contains(all, "\n"+block) {
				t.Errorf("%s: block %d is in no program:\n%s", guide, i+1, block)
			}
		}
	}
	if blocks < 5 {
		t.Errorf("%d blocks in %d guides; want at least one in each of five", blocks, len(guides))
	}
}

// Each test that the threat model names is there.
func TestPromisesHaveTests(t *testing.T) {
	text, err := os.ReadFile("../docs/threat-model.md")
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]bool{}
	err = filepath.WalkDir("..", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		source, err := os.ReadFile(path)
		for line := range strings.Lines(string(source)) {
			if name, ok := strings.CutPrefix(line, "func "); ok {
				name, _, _ = strings.Cut(name, "(")
				tests[name] = true
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	named := regexp.MustCompile("`(Test[A-Za-z0-9]+)`").FindAllStringSubmatch(string(text), -1)
	for _, match := range named {
		if !tests[match[1]] {
			t.Errorf("the threat model names %s, which is no test", match[1])
		}
	}
	if len(named) < 40 {
		t.Errorf("the threat model names %d tests", len(named))
	}
}
