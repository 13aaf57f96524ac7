//go:build amd64 || arm64

package compile

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// ARCHITECTURE.md lists the steps as the builder emits them.
func TestOrderIsDocumented(t *testing.T) {
	emitted := slices.Concat(callsOf(t, "order_linux.go", "steps"), callsOf(t, "order_linux.go", "rest"), callsOf(t, "steps_linux.go", "lastSteps"))
	listed := listedSteps(t)
	for i := range max(len(emitted), len(listed)) {
		switch {
		case i >= len(listed):
			t.Fatalf("ARCHITECTURE.md lacks %s, the last steps", strings.Join(emitted[i:], ", "))
		case i >= len(emitted):
			t.Fatalf("ARCHITECTURE.md lists %s, which nothing emits", strings.Join(listed[i:], ", "))
		case emitted[i] != listed[i]:
			t.Fatalf("ARCHITECTURE.md lists %s as step %d; the builder emits %s there", listed[i], i+1, emitted[i])
		}
	}
}

// callsOf are the builder's methods that a function calls, in their order.
func callsOf(t *testing.T, file, function string) (names []string) {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range f.Decls {
		fn, ok := d.(*ast.FuncDecl)
		if !ok || fn.Name.Name != function {
			continue
		}
		for _, statement := range fn.Body.List {
			names = append(names, statement.(*ast.ExprStmt).X.(*ast.CallExpr).Fun.(*ast.SelectorExpr).Sel.Name)
		}
	}
	if len(names) == 0 {
		t.Fatalf("%s has no function %s", file, function)
	}
	return names
}

var (
	stepLine = regexp.MustCompile("(?m)^[0-9]+\\. ((?:`\\w+`(?:, )?)+): ")
	stepName = regexp.MustCompile(`\w+`)
)

// listedSteps are the names at the beginning of the lines of the list.
func listedSteps(t *testing.T) (names []string) {
	t.Helper()
	text, err := os.ReadFile("../../ARCHITECTURE.md")
	if err != nil {
		t.Fatal(err)
	}
	_, list, found := strings.Cut(string(text), "\n### The child's steps, in order\n")
	if !found {
		t.Fatal("ARCHITECTURE.md has no list of the child's steps")
	}
	list, _, _ = strings.Cut(list, "\n## ")
	for _, line := range stepLine.FindAllStringSubmatch(list, -1) {
		names = append(names, stepName.FindAllString(line[1], -1)...)
	}
	return names
}
