package examples

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
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

// The recipe of the guide for moving changes every form of the import, and
// nothing else that looks like it.
func TestMovingRecipe(t *testing.T) {
	for _, tool := range []string{"sh", "sed", "grep", "xargs"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skip("needs ", tool)
		}
	}
	guide, err := os.ReadFile("../docs/moving.md")
	if err != nil {
		t.Fatal(err)
	}
	_, recipe, _ := strings.Cut(string(guide), "```sh\ngo get github.com/sprog-dev/sprog\n")
	recipe, _, found := strings.Cut(recipe, "gofmt -w .\n")
	if !found {
		t.Fatal("the guide has no recipe")
	}
	dir := t.TempDir()
	for i, test := range imports {
		if err := os.WriteFile(filepath.Join(dir, strconv.Itoa(i)+".go"), []byte(test.before), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c := exec.Command("sh", "-ec", recipe)
	c.Dir = dir
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for i, test := range imports {
		got, err := os.ReadFile(filepath.Join(dir, strconv.Itoa(i)+".go"))
		if string(got) != test.after || err != nil {
			t.Errorf("%v, of\n%sthe recipe makes\n%swant\n%s", err, test.before, got, test.after)
		}
		if _, err := parser.ParseFile(token.NewFileSet(), "", got, 0); err != nil {
			t.Error(err)
		}
	}
}

var imports = []struct{ before, after string }{
	{"package a\n\nimport \"os/exec\"\n", "package a\n\nimport exec \"github.com/sprog-dev/sprog\"\n"},
	{"package a\n\nimport . \"os/exec\"\n", "package a\n\nimport . \"github.com/sprog-dev/sprog\"\n"},
	{"package a\n\nimport osexec \"os/exec\" // of Go\n", "package a\n\nimport osexec \"github.com/sprog-dev/sprog\" // of Go\n"},
	{
		"package a\n\nimport (\n\t\"os\"\n\t\"os/exec\"\n\t_ \"os/exec\"\n\tx2 \"os/exec\"\n\t. \"os/exec\" // dot\n)\n",
		"package a\n\nimport (\n\t\"os\"\n\texec \"github.com/sprog-dev/sprog\"\n\t_ \"github.com/sprog-dev/sprog\"\n\tx2 \"github.com/sprog-dev/sprog\"\n\t. \"github.com/sprog-dev/sprog\" // dot\n)\n",
	},
	{
		"package a\n\nvar a = []string{\n\t\"os/exec\",\n\t\"x\" + \"os/exec\",\n}\nvar b = \"os/exec\"\n",
		"package a\n\nvar a = []string{\n\t\"os/exec\",\n\t\"x\" + \"os/exec\",\n}\nvar b = \"os/exec\"\n",
	},
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
