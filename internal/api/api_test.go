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

// declarations lists what is exported, without comments and bodies, on Linux.
func declarations(t *testing.T) []byte {
	files := token.NewFileSet()
	var parsed []*ast.File
	context := build.Default
	context.GOOS, context.GOARCH = "linux", "amd64"
	paths, err := filepath.Glob(root + "/*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		ours, err := context.MatchFile(root, filepath.Base(path))
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
	p, err := doc.NewFromFiles(files, parsed, "github.com/sprog-dev/sprog")
	if err != nil {
		t.Fatal(err)
	}
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
