package api

import (
	"bytes"
	"cmp"
	"flag"
	"fmt"
	"go/ast"
	"go/build"
	"go/doc"
	"go/doc/comment"
	"go/format"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var page = flag.String("page", "", "write the documentation of the package to this file")

// The documentation of the package, with its examples, is a page of the site. script/site/build has it
// written.
func TestGoPage(t *testing.T) {
	text := goPage(t)
	for _, heading := range []string{"## type Cmd\n", "## type Attr\n", "## func Command\n", "### func Cmd.Start\n", "\nExample:\n"} {
		if !bytes.Contains(text, []byte(heading)) {
			t.Errorf("the page lacks %q", heading)
		}
	}
	if *page != "" {
		if err := os.WriteFile(*page, text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// A writer writes the page.
type writer struct {
	bytes.Buffer
	pkg   *doc.Package
	files *token.FileSet
	t     *testing.T
	level int // of headings in texts
}

func goPage(t *testing.T) []byte {
	files := token.NewFileSet()
	pkg, err := doc.NewFromFiles(files, sources(t, files), "github.com/sprog-dev/sprog")
	if err != nil {
		t.Fatal(err)
	}
	w := &writer{pkg: pkg, files: files, t: t, level: 2}
	w.WriteString("# The Go package\n\n```go\nimport \"github.com/sprog-dev/sprog\"\n```\n\nThis page is made from the source; [pkg.go.dev](https://pkg.go.dev/github.com/sprog-dev/sprog) has the same.\n\n")
	w.text(pkg.Doc)
	w.level = 4
	w.examples(pkg.Examples)
	w.values("## Constants\n", pkg.Consts)
	w.values("## Variables\n", pkg.Vars)
	for _, f := range pkg.Funcs {
		w.function("## ", f)
	}
	for _, typ := range pkg.Types {
		fmt.Fprintf(w, "## type %s\n\n", typ.Name)
		typ.Decl.Doc = nil // follows
		w.code(typ.Decl)
		w.text(typ.Doc)
		w.examples(typ.Examples)
		w.values("", typ.Consts)
		w.values("", typ.Vars)
		for _, f := range append(slices.Clone(typ.Funcs), typ.Methods...) {
			w.function("### ", f)
		}
	}
	return append(bytes.TrimRight(w.Bytes(), "\n"), '\n')
}

// sources are the files of the package on Linux, and those with examples.
func sources(t *testing.T, files *token.FileSet) (list []*ast.File) {
	context := build.Default
	context.GOOS, context.GOARCH = "linux", "amd64"
	paths, err := filepath.Glob(root + "/*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		name := filepath.Base(path)
		if strings.HasSuffix(name, "_test.go") && !strings.HasPrefix(name, "example_") {
			continue
		}
		if ours, err := context.MatchFile(root, name); err != nil || !ours {
			continue
		}
		file, err := parser.ParseFile(files, path, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, file)
	}
	return list
}

func (w *writer) text(text string) {
	printer := w.pkg.Printer()
	printer.HeadingLevel = w.level
	printer.HeadingID = func(*comment.Heading) string { return "" }
	printer.DocLinkURL = func(link *comment.DocLink) string {
		name := link.Name
		if link.Recv != "" {
			name = strings.TrimPrefix(link.Recv, "*") + "." + name
		}
		return "https://pkg.go.dev/" + cmp.Or(link.ImportPath, "github.com/sprog-dev/sprog") + "#" + name
	}
	w.Write(printer.Markdown(w.pkg.Parser().Parse(text)))
	w.WriteString("\n")
}

func (w *writer) code(node any) {
	w.WriteString("```go\n")
	if err := format.Node(w, w.files, node); err != nil {
		w.t.Fatal(err)
	}
	w.WriteString("\n```\n\n")
}

func (w *writer) values(title string, list []*doc.Value) {
	if len(list) > 0 && title != "" {
		w.WriteString(title + "\n")
	}
	for _, v := range list {
		v.Decl.Doc = nil // follows
		w.code(v.Decl)
		w.text(v.Doc)
	}
}

func (w *writer) function(heading string, f *doc.Func) {
	name := f.Name
	if f.Recv != "" {
		name = strings.TrimPrefix(f.Recv, "*") + "." + name
	}
	fmt.Fprintf(w, "%sfunc %s\n\n", heading, name)
	f.Decl.Body = nil
	f.Decl.Doc = nil
	w.code(f.Decl)
	w.text(f.Doc)
	w.examples(f.Examples)
}

func (w *writer) examples(list []*doc.Example) {
	for _, e := range list {
		title := "Example"
		if e.Suffix != "" {
			title += " (" + e.Suffix + ")"
		}
		w.WriteString(title + ":\n\n")
		w.code(e.Code)
		if e.Output != "" {
			fmt.Fprintf(w, "```text\n%s```\n\n", strings.TrimRight(e.Output, "\n")+"\n")
		}
	}
}
