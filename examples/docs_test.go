package examples

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/sprog-dev/sprog/internal/guide"
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
	for _, file := range guides {
		found, err := guide.Read(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, block := range found {
			if block.Language != "go" || block.NotRun != "" {
				continue
			}
			blocks++
			if !strings.Contains(all, "\n"+block.Text) {
				t.Errorf("%s:%d: this is in no program:\n%s", file, block.Line, block.Text)
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

// Each link from one document to another, or into the repository, leads to a file, and to a heading
// that is there.
func TestLinksInDocuments(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)\s]+)\)|(?:src|srcset)="([^"]+)"`)
	files, _ := filepath.Glob("../*.md")
	for _, pattern := range []string{"../docs/*.md", "../docs/*/*.md", "../bench/results/*.md"} {
		more, _ := filepath.Glob(pattern)
		files = append(files, more...)
	}
	links := 0
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, match := range link.FindAllStringSubmatch(withoutCode(string(text)), -1) {
			target, heading, _ := strings.Cut(match[1]+match[2], "#")
			if strings.Contains(target, "://") || strings.HasPrefix(target, "mailto:") {
				continue
			}
			links++
			to := file
			if target != "" {
				to = filepath.Join(filepath.Dir(file), target)
			}
			if _, err := os.Stat(to); err != nil {
				t.Errorf("%s: a link to %s: %v", file, target, err)
			} else if heading != "" && !headings(t, to)[heading] {
				t.Errorf("%s: a link to %s#%s, which has no such heading", file, target, heading)
			}
		}
	}
	if links < 50 {
		t.Errorf("there are %d links", links)
	}
}

var code = regexp.MustCompile("(?s)```.*?\n *```|`[^`\n]*`")

func withoutCode(text string) string { return code.ReplaceAllString(text, "") }

// headings are those of a document, as links name them.
func headings(t *testing.T, file string) map[string]bool {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for _, match := range regexp.MustCompile(`(?m)^#+ (.*)$`).FindAllStringSubmatch(string(text), -1) {
		name := strings.ReplaceAll(strings.ToLower(match[1]), " ", "-")
		names[regexp.MustCompile(`[^a-z0-9_-]`).ReplaceAllString(name, "")] = true
	}
	return names
}
