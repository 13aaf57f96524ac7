package main

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"path/filepath"
	"slices"
	"strings"
)

// checked is a unit with its types.
type checked struct {
	files  *token.FileSet
	syntax []*ast.File
	types  *types.Package
	info   *types.Info
	errs   []types.Error
}

// check finds the types of a unit, and of those of the module that it imports: with the
// files as they are to be, or as they were.
func (m *module) check(u *unit, asNew bool) *checked {
	if u.checked != nil {
		return u.checked
	}
	c := &checked{files: token.NewFileSet(), info: &types.Info{
		Types: map[ast.Expr]types.TypeAndValue{}, Defs: map[*ast.Ident]types.Object{}, Uses: map[*ast.Ident]types.Object{},
		Selections: map[*ast.SelectorExpr]*types.Selection{}, Implicits: map[ast.Node]types.Object{},
	}}
	u.checked = c
	for _, name := range u.paths() {
		var source any
		if f := m.files[name]; f != nil {
			source = f.old
			if asNew && f.new != nil {
				source = f.new
			}
		}
		if f, err := parser.ParseFile(c.files, name, source, parser.ParseComments); err == nil {
			c.syntax = append(c.syntax, f)
		}
	}
	config := types.Config{FakeImportC: true, Importer: importerOf{m, u, asNew}, Error: func(err error) {
		if e := (types.Error{}); errors.As(err, &e) && !e.Soft {
			c.errs = append(c.errs, e)
		}
	}}
	path, _, _ := strings.Cut(u.ImportPath, " ")
	c.types, _ = config.Check(path, c.files, c.syntax, c.info)
	return c
}

// An importerOf imports for one unit.
type importerOf struct {
	*module
	unit  *unit
	asNew bool
}

// Import finds a package: the module's own from their source, the others as they were compiled.
func (i importerOf) Import(path string) (*types.Package, error) {
	if path == "unsafe" {
		return types.Unsafe, nil
	}
	if mapped, ok := i.unit.ImportMap[path]; ok {
		path = mapped
	}
	u := i.units[path]
	if u == nil {
		return nil, fmt.Errorf("no package %s", path)
	}
	if !u.own() || u.Export != "" && strings.HasPrefix(path, newPath) {
		return i.exports.Import(path)
	}
	if c := i.check(u, i.asNew); c.types != nil {
		return c.types, nil
	}
	return nil, fmt.Errorf("%s does not compile", path)
}

// forget forgets all types.
func (m *module) forget() {
	for _, u := range m.order {
		u.checked = nil
	}
}

// settle gives os/exec back to files that would not compile, until everything does that did
// before, and says why.
func (m *module) settle() (places []place) {
	before := map[string]bool{}
	m.forget()
	for _, u := range m.order {
		for _, e := range m.check(u, false).errs {
			before[key(e)] = true
		}
	}
	for {
		m.forget()
		back := 0
		for _, u := range m.order {
			for _, e := range m.check(u, true).errs {
				if before[key(e)] {
					continue
				}
				back += m.giveBack(u, e, &places)
			}
		}
		if back == 0 {
			return places
		}
	}
}

// key names an error, wherever its line has moved to.
func key(e types.Error) string { return e.Fset.Position(e.Pos).Filename + ": " + e.Msg }

// giveBack gives os/exec back to the file that an error is in, or, if it has that already, to
// the others of its package, or to the packages that it imports. It returns how many.
func (m *module) giveBack(u *unit, e types.Error, places *[]place) (n int) {
	at := e.Fset.Position(e.Pos)
	why := place{file: at.Filename, line: at.Line, column: at.Column, text: "keeps os/exec: " + advised(e.Msg)}
	if f := m.files[at.Filename]; f != nil && f.new != nil {
		f.new = nil
		why.line -= moved(f)
		*places = append(*places, why)
		return 1
	}
	names := u.paths()
	if !slices.ContainsFunc(names, m.rewritten) {
		for path := range imported(u.checked) {
			if mapped, ok := u.ImportMap[path]; ok {
				path = mapped
			}
			if d := m.units[path]; d != nil && d.own() {
				names = append(names, d.paths()...)
			}
		}
	}
	for _, name := range names {
		if m.rewritten(name) {
			m.files[name].new = nil
			text := fmt.Sprintf("keeps os/exec: %s:%d would not compile: %s", filepath.Base(at.Filename), at.Line, advised(e.Msg))
			*places = append(*places, place{file: name, line: 1, column: 1, text: text})
			n++
		}
	}
	return n
}

// advised is the text of an error, with what helps.
func advised(text string) string {
	if strings.Contains(text, "exec.Cmd") {
		text += " (hand it over before sprog.FromExec takes it)"
	}
	return text
}

// rewritten reports whether a file is to be rewritten.
func (m *module) rewritten(name string) bool { return m.files[name] != nil && m.files[name].new != nil }

// moved is by how many lines a file has become longer above its declarations.
func moved(f *file) int {
	lines := func(b []byte) int { return strings.Count(string(b), "\n") }
	rewritten := rewriteImports(f.name, f.old)
	return lines(rewritten) - lines(f.old)
}

// imported are the packages that a unit imports.
func imported(c *checked) map[string]bool {
	paths := map[string]bool{}
	for _, f := range c.syntax {
		for _, s := range f.Imports {
			paths[strings.Trim(s.Path.Value, `"`)] = true
		}
	}
	return paths
}
