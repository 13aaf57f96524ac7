package examples

import (
	"io/fs"
	"os"
	"path/filepath"
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
