package main

import (
	"bytes"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"slices"
	"strconv"
	"strings"
)

// rewrite gives every file its new imports.
func (m *module) rewrite() {
	for _, f := range m.files {
		f.new = rewriteImports(f.name, f.old)
	}
}

// rewriteImports returns the file with sprog in the place of os/exec, or nil if it has only a
// blank import of that.
//
// A name that the file has given stays, and exec is given otherwise, so that nothing but the
// import changes. In a block the import moves to a group of packages from elsewhere.
func rewriteImports(name string, source []byte) []byte {
	out := source
	for {
		files := token.NewFileSet()
		f, err := parser.ParseFile(files, name, out, parser.ParseComments)
		if err != nil {
			return nil
		}
		e := find(files, f, out)
		if e == nil {
			break
		}
		out = e.edit()
	}
	if bytes.Equal(out, source) {
		return nil
	}
	if formatted, err := format.Source(out); err == nil && isFormatted(source) {
		return formatted
	}
	return out
}

// find finds an import to change.
func find(files *token.FileSet, f *ast.File, source []byte) *editor {
	for _, decl := range f.Decls {
		block, is := decl.(*ast.GenDecl)
		if !is || block.Tok != token.IMPORT {
			continue
		}
		for _, spec := range block.Specs {
			s := spec.(*ast.ImportSpec)
			if s.Path.Value == strconv.Quote(oldPath) && (s.Name == nil || s.Name.Name != "_") {
				return &editor{files: files, source: source, block: block, spec: s}
			}
		}
	}
	return nil
}

// isFormatted reports whether gofmt has nothing to do: otherwise nothing but the import
// changes.
func isFormatted(source []byte) bool {
	formatted, err := format.Source(source)
	return err == nil && bytes.Equal(formatted, source)
}

// An editor changes one import.
type editor struct {
	files  *token.FileSet
	source []byte
	block  *ast.GenDecl
	spec   *ast.ImportSpec
}

// offset is where a position is in the source.
func (e *editor) offset(p token.Pos) int { return e.files.Position(p).Offset }

// line is the number of the line of a position.
func (e *editor) line(p token.Pos) int { return e.files.Position(p).Line }

// text is what is imported now.
func (e *editor) text() string {
	name := "exec"
	if e.spec.Name != nil {
		name = e.spec.Name.Name
	}
	return name + " " + strconv.Quote(newPath)
}

// edit puts the new import into its place.
func (e *editor) edit() []byte {
	from, to := e.offset(e.spec.Pos()), e.offset(e.spec.End())
	if after := e.group(); after != nil {
		return e.move(after)
	}
	return slices.Concat(e.source[:from], []byte(e.text()), e.source[to:])
}

// group is the import after which the new one belongs: the last one of the group of packages
// from elsewhere that has most in common with it, or of the group of os/exec itself, if there
// is none. It is nil where the import stays in its place.
func (e *editor) group() ast.Spec {
	if !e.block.Lparen.IsValid() || len(e.block.Specs) == 1 || e.sharesLine() {
		return nil
	}
	var best ast.Spec
	most := -1
	for _, spec := range e.block.Specs {
		path, _ := strconv.Unquote(spec.(*ast.ImportSpec).Path.Value)
		if first, _, _ := strings.Cut(path, "/"); !strings.Contains(first, ".") {
			continue
		}
		if n := common(path, newPath); n >= most {
			best, most = spec, n
		}
	}
	if best != nil {
		return best
	}
	return e.endOfGroup()
}

// sharesLine reports whether something else stands on the import's line.
func (e *editor) sharesLine() bool {
	return e.line(e.block.Lparen) == e.line(e.spec.Pos()) || slices.ContainsFunc(e.block.Specs, func(s ast.Spec) bool {
		return s != e.spec && (e.line(s.Pos()) == e.line(e.spec.Pos()) || e.line(s.End()) == e.line(e.spec.Pos()))
	})
}

// endOfGroup is the last import of the group that os/exec is in.
func (e *editor) endOfGroup() ast.Spec {
	i := slices.IndexFunc(e.block.Specs, func(s ast.Spec) bool { return s == e.spec })
	last := e.block.Specs[i]
	for _, next := range e.block.Specs[i+1:] {
		if e.line(begin(next)) > e.line(last.End())+1 {
			break
		}
		last = next
	}
	return last
}

// begin is where an import begins, with the comment above it.
func begin(s ast.Spec) token.Pos {
	if doc := s.(*ast.ImportSpec).Doc; doc != nil {
		return doc.Pos()
	}
	return s.Pos()
}

// end is where it ends, with the comment behind it.
func end(s ast.Spec) token.Pos {
	if behind := s.(*ast.ImportSpec).Comment; behind != nil {
		return behind.End()
	}
	return s.End()
}

// move takes the lines of the import, with its comments, to behind another import: into its
// group, or, if that is one of the standard library, to a group of its own.
func (e *editor) move(after ast.Spec) []byte {
	from, to := lineAround(e.source, e.offset(begin(e.spec)), e.offset(end(e.spec)))
	name, path := e.offset(e.spec.Pos()), e.offset(e.spec.End())
	lines := slices.Concat(e.source[from:name], []byte(e.text()), e.source[path:to])
	_, at := lineAround(e.source, e.offset(end(after)), e.offset(end(after)))
	own, _ := strconv.Unquote(after.(*ast.ImportSpec).Path.Value)
	if first, _, _ := strings.Cut(own, "/"); !strings.Contains(first, ".") {
		if e.alone() {
			return slices.Concat(e.source[:name], []byte(e.text()), e.source[path:])
		}
		lines = slices.Concat([]byte("\n"), lines)
	}
	if at <= from {
		return slices.Concat(e.source[:at], lines, e.source[at:from], e.source[to:])
	}
	return slices.Concat(e.source[:from], e.source[to:at], lines, e.source[at:])
}

// alone reports whether nothing else is in the group of os/exec.
func (e *editor) alone() bool {
	i := slices.IndexFunc(e.block.Specs, func(s ast.Spec) bool { return s == e.spec })
	before := i == 0 || e.line(begin(e.spec)) > e.line(e.block.Specs[i-1].End())+1
	return before && e.endOfGroup() == e.spec
}

// lineAround widens a part of the source to whole lines.
func lineAround(source []byte, from, to int) (int, int) {
	from = bytes.LastIndexByte(source[:from], '\n') + 1
	if n := bytes.IndexByte(source[to:], '\n'); n >= 0 {
		return from, to + n + 1
	}
	return from, len(source)
}

// common counts the elements that two paths begin with.
func common(a, b string) (n int) {
	x, y := strings.Split(a, "/"), strings.Split(b, "/")
	for n < min(len(x), len(y)) && x[n] == y[n] {
		n++
	}
	return n
}
