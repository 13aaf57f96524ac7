// Package api has the test that lists the API of the public package.
package api

import (
	"bytes"
	"flag"
	"go/ast"
	"go/build"
	"go/doc"
	"go/format"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the listing")

const (
	root    = "../.."
	listing = root + "/docs/api.txt"
)

// The exported declarations of the public package are those of docs/api.txt, so
// that a change of the API is seen where it is reviewed.
func TestAPI(t *testing.T) {
	got := declarations(t)
	if *update {
		if err := os.WriteFile(listing, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(listing)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s is not what `go test ./internal/api -update` writes:\n%s", listing, firstDifference(string(got), string(want)))
	}
	if n := bytes.Count(got, []byte("\n")); n < 200 {
		t.Errorf("%d lines of API", n)
	}
}

// exported parses the exported declarations of the package in dir, on Linux,
// without comments and bodies.
func exported(t *testing.T, dir, importPath string) (*doc.Package, *token.FileSet) {
	t.Helper()
	files := token.NewFileSet()
	var parsed []*ast.File
	context := build.Default
	context.GOOS, context.GOARCH = "linux", "amd64"
	paths, err := filepath.Glob(dir + "/*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		ours, err := context.MatchFile(dir, filepath.Base(path))
		if err != nil {
			t.Fatal(err)
		}
		if !ours || strings.HasSuffix(path, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(files, path, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		parsed = append(parsed, f)
	}
	p, err := doc.NewFromFiles(files, parsed, importPath)
	if err != nil {
		t.Fatal(err)
	}
	return p, files
}

// declarations lists what the public package exports.
func declarations(t *testing.T) []byte {
	p, files := exported(t, root, "github.com/sprog-dev/sprog")
	var b bytes.Buffer
	add := func(n ast.Node) {
		if err := format.Node(&b, files, n); err != nil {
			t.Fatal(err)
		}
		b.WriteString("\n\n")
	}
	values := func(list []*doc.Value) {
		for _, v := range list {
			add(v.Decl)
		}
	}
	functions := func(list []*doc.Func) {
		for _, f := range list {
			f.Decl.Body = nil
			add(f.Decl)
		}
	}
	values(p.Consts)
	values(p.Vars)
	functions(p.Funcs)
	for _, typ := range p.Types {
		add(typ.Decl)
		values(typ.Consts)
		values(typ.Vars)
		functions(typ.Funcs)
		functions(typ.Methods)
	}
	return b.Bytes()
}

// Every exported name of os/exec is there, as the same kind of thing and with the
// same signature, so that changing the import is all there is to do. The types
// of Cmd's fields are compared where the fields are.
func TestNamesOfOsExec(t *testing.T) {
	context := build.Default
	std, err := context.Import("os/exec", "", build.FindOnly)
	if err != nil {
		t.Fatal(err)
	}
	theirs, ours := names(exported(t, std.Dir, "os/exec")), names(exported(t, root, "github.com/sprog-dev/sprog"))
	for _, known := range []string{"Command", "LookPath", "Cmd", "Cmd.Wait", "Error.Unwrap", "ErrDot"} {
		if theirs[known] == "" {
			t.Errorf("%s is not found in os/exec itself", known)
		}
	}
	for name, want := range theirs {
		typ, _, isMethod := strings.Cut(name, ".")
		if isMethod && ours[typ] == "type = exec."+typ {
			continue // the very type
		}
		if got := ours[name]; got != want && got != want+" = exec."+name {
			t.Errorf("%s is %q; want %q", name, got, want)
		}
	}
}

// names tells of all that p exports what it is: "var", "const", "type", or the
// signature of a function. A method is called Type.Method.
func names(p *doc.Package, files *token.FileSet) map[string]string {
	all := map[string]string{}
	values := func(list []*doc.Value) {
		for _, v := range list {
			for _, name := range v.Names {
				all[name] = v.Decl.Tok.String()
			}
		}
	}
	functions := func(prefix string, list []*doc.Func) {
		for _, f := range list {
			all[prefix+f.Name] = signature(files, f.Decl.Type)
		}
	}
	values(p.Consts)
	values(p.Vars)
	functions("", p.Funcs)
	for _, typ := range p.Types {
		all[typ.Name] = "type" + aliased(files, typ)
		values(typ.Consts)
		values(typ.Vars)
		functions("", typ.Funcs)
		functions(typ.Name+".", typ.Methods)
	}
	return all
}

// aliased is " = pkg.Name" for an alias.
func aliased(files *token.FileSet, typ *doc.Type) string {
	for _, s := range typ.Decl.Specs {
		if s := s.(*ast.TypeSpec); s.Name.Name == typ.Name && s.Assign.IsValid() {
			return " = " + signature(files, s.Type)
		}
	}
	return ""
}

// signature is how gofmt writes n.
func signature(files *token.FileSet, n ast.Node) string {
	var b bytes.Buffer
	if err := format.Node(&b, files, n); err != nil {
		return err.Error()
	}
	return b.String()
}

// firstDifference shows the first line that differs.
func firstDifference(got, want string) string {
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range g {
		if i >= len(w) || g[i] != w[i] {
			return "+ " + g[i]
		}
	}
	return "- " + strings.Join(w[len(g):min(len(g)+1, len(w))], "")
}

// Every exported type has an example that runs, but for those whose examples need
// rights that no ordinary user has.
func TestExamples(t *testing.T) {
	compiledOnly := map[string]bool{"CgroupHandle": true, "CgroupStats": true, "ViewBirth": true}
	examples := map[string]bool{}
	paths, err := filepath.Glob(root + "/example_*test.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range doc.Examples(f) {
			name, _, _ := strings.Cut(e.Name, "_")
			examples[name] = examples[name] || e.Output != "" || compiledOnly[name]
		}
	}
	p, _ := exported(t, root, "github.com/sprog-dev/sprog")
	if len(p.Types) < 50 {
		t.Errorf("%d exported types", len(p.Types))
	}
	for _, typ := range p.Types {
		if !examples[typ.Name] {
			t.Errorf("%s has no example that runs: add Example%s to example_*_test.go", typ.Name, typ.Name)
		}
	}
}
