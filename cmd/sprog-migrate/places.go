package main

import (
	"go/ast"
	"go/token"
	"go/types"
	"slices"
)

// places are what compiles with sprog and may yet mean something else.
func (m *module) places() (places []place) {
	m.forget()
	starts := m.starts()
	for _, u := range m.order {
		c := m.check(u, false)
		for _, f := range c.syntax {
			name := c.files.Position(f.Package).Filename
			own := m.files[name]
			l := &looker{module: m, checked: c, starts: starts, file: own, errs: map[types.Object]bool{}}
			if own != nil && own.new != nil || usesStart(c, f, starts) {
				ast.Inspect(f, l.look)
			}
			places = append(places, l.places...)
			if own != nil && own.new != nil && ast.IsGenerated(f) {
				places = append(places, place{name, 1, 1, "is generated: the generator has to write the other import", true})
			}
		}
	}
	for name, f := range m.files {
		if f.ignored && f.new != nil {
			places = append(places, place{name, 1, 1, "is rewritten unseen: it is built with other tags (see -tags)", true})
		}
	}
	return places
}

// starts are the functions of the module that return the error of a start, by their full names.
func (m *module) starts() map[string]bool {
	starts := map[string]bool{}
	for {
		n := len(starts)
		for _, u := range m.order {
			c := m.check(u, false)
			for _, f := range c.syntax {
				for _, decl := range f.Decls {
					if d, is := decl.(*ast.FuncDecl); is && d.Body != nil && returnsStart(c, d, starts) {
						starts[c.info.Defs[d.Name].(*types.Func).FullName()] = true
					}
				}
			}
		}
		if len(starts) == n {
			return starts
		}
	}
}

// returnsStart reports whether a function returns the error of a start.
func returnsStart(c *checked, d *ast.FuncDecl, starts map[string]bool) (is bool) {
	l := &looker{checked: c, starts: starts, errs: map[types.Object]bool{}}
	ast.Inspect(d.Body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncLit:
			return false
		case *ast.AssignStmt:
			l.assign(n)
		case *ast.ReturnStmt:
			is = is || slices.ContainsFunc(n.Results, l.isStartError)
		}
		return true
	})
	return is
}

// usesStart reports whether a file calls one of these functions.
func usesStart(c *checked, f *ast.File, starts map[string]bool) (uses bool) {
	ast.Inspect(f, func(n ast.Node) bool {
		if call, is := n.(*ast.CallExpr); is {
			fn := calleeOf(c, call)
			uses = uses || fn != nil && starts[fn.FullName()]
		}
		return !uses
	})
	return uses
}

// A looker looks through one file.
type looker struct {
	*module
	*checked
	starts map[string]bool
	file   *file
	errs   map[types.Object]bool // variables that have held the error of a start
	places []place
}

// say notes a place, which may be one only if the file is rewritten.
func (l *looker) say(at token.Pos, rewritten bool, text string) {
	p := l.checked.files.Position(at)
	l.places = append(l.places, place{p.Filename, p.Line, p.Column, text, rewritten})
}

// setsSysProcAttr looks at a field that may not compile elsewhere, or never did.
func (l *looker) setsSysProcAttr(field *ast.Ident, at token.Pos) {
	if l.file != nil && !l.file.linux && isField(l.info.Uses[field], oldPath, "SysProcAttr") {
		l.say(at, true, "sets SysProcAttr in a file that other systems build, too: its fields are Linux's own; move it to a file with //go:build linux")
	}
}

// look looks at one node.
func (l *looker) look(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.AssignStmt:
		l.assign(n)
	case *ast.CallExpr:
		l.call(n)
	case *ast.TypeAssertExpr:
		l.assert(n.X, n.Type)
	case *ast.TypeSwitchStmt:
		l.typeSwitch(n)
	case *ast.SelectorExpr:
		l.setsSysProcAttr(n.Sel, n.Pos())
	case *ast.KeyValueExpr:
		if key, is := n.Key.(*ast.Ident); is {
			l.setsSysProcAttr(key, n.Pos())
		}
	}
	return true
}

// assign notes variables that get the error of a start.
func (l *looker) assign(a *ast.AssignStmt) {
	if len(a.Rhs) != 1 || !l.isStartError(a.Rhs[0]) {
		return
	}
	if id, is := a.Lhs[len(a.Lhs)-1].(*ast.Ident); is {
		obj := l.info.Defs[id]
		if obj == nil {
			obj = l.info.Uses[id]
		}
		if obj != nil {
			l.errs[obj] = true
		}
	}
}

// isStartError reports whether the value, or the last of several, is the error of a start.
func (l *looker) isStartError(e ast.Expr) bool {
	switch e := ast.Unparen(e).(type) {
	case *ast.Ident:
		return l.errs[l.info.Uses[e]]
	case *ast.CallExpr:
		fn := calleeOf(l.checked, e)
		return fn != nil && (l.starts[fn.FullName()] || slices.Contains([]string{
			"(*os/exec.Cmd).Start", "(*os/exec.Cmd).Run", "(*os/exec.Cmd).Output", "(*os/exec.Cmd).CombinedOutput",
		}, fn.FullName()))
	}
	return false
}

// calleeOf is the function that is called, or nil.
func calleeOf(c *checked, call *ast.CallExpr) *types.Func {
	var id *ast.Ident
	switch f := ast.Unparen(call.Fun).(type) {
	case *ast.Ident:
		id = f
	case *ast.SelectorExpr:
		id = f.Sel
	default:
		return nil
	}
	fn, _ := c.info.Uses[id].(*types.Func)
	return fn
}

// call looks at a call: at questions about the error of a start, and at commands that are
// handed over as something that no compiler checks.
func (l *looker) call(call *ast.CallExpr) {
	fn := calleeOf(l.checked, call)
	if fn == nil || fn.Pkg() == nil {
		return
	}
	if fn.Pkg().Path() == "os" && len(call.Args) == 1 && l.isStartError(call.Args[0]) {
		if instead := map[string]string{"IsNotExist": "fs.ErrNotExist", "IsPermission": "fs.ErrPermission", "IsExist": "fs.ErrExist", "IsTimeout": "os.ErrDeadlineExceeded"}[fn.Name()]; instead != "" {
			l.say(call.Pos(), false, "os."+fn.Name()+" is false for a *sprog.StartError: write errors.Is(err, "+instead+")")
		}
	}
	path := fn.Pkg().Path()
	if l.file == nil || l.own(path) || path == oldPath || slices.Contains([]string{"fmt", "log", "log/slog", "testing"}, path) {
		return
	}
	for _, arg := range call.Args {
		if t := l.info.TypeOf(arg); t != nil && isCmd(t) {
			l.say(arg.Pos(), true, "an *exec.Cmd is handed to package "+path+": it gets a *sprog.Cmd, or has to have one of FromExec's")
		}
	}
}

// own reports whether a package is of the module.
func (l *looker) own(path string) bool {
	u := l.units[path]
	return u != nil && u.own()
}

// typeSwitch looks at the cases of a type switch.
func (l *looker) typeSwitch(s *ast.TypeSwitchStmt) {
	var x ast.Expr
	switch a := s.Assign.(type) {
	case *ast.ExprStmt:
		x = a.X.(*ast.TypeAssertExpr).X
	case *ast.AssignStmt:
		x = a.Rhs[0].(*ast.TypeAssertExpr).X
	}
	for _, c := range s.Body.List {
		for _, t := range c.(*ast.CaseClause).List {
			l.assert(x, t)
		}
	}
}

// assert looks at an assertion that x is of a type.
func (l *looker) assert(x, typ ast.Expr) {
	if typ == nil {
		return
	}
	t := l.info.TypeOf(typ)
	switch {
	case t == nil:
	case isCmd(t):
		l.say(typ.Pos(), true, "a type assertion to *exec.Cmd: what it finds is a *sprog.Cmd, if that has made it, and an *exec.Cmd otherwise")
	case l.isStartError(x) && !isNamed(t, oldPath, "ExitError") && !isNamed(t, oldPath, "Error"):
		l.say(typ.Pos(), false, "a type assertion on the error of a start, which is a *sprog.StartError: use errors.As")
	}
}

// isCmd reports whether a type is exec.Cmd or a pointer to it.
func isCmd(t types.Type) bool { return isNamed(t, oldPath, "Cmd") }

// isNamed reports whether a type is a named one of a package, or a pointer to it.
func isNamed(t types.Type, path, name string) bool {
	if p, is := types.Unalias(t).(*types.Pointer); is {
		t = p.Elem()
	}
	n, is := types.Unalias(t).(*types.Named)
	return is && n.Obj().Name() == name && n.Obj().Pkg() != nil && n.Obj().Pkg().Path() == path
}

// isField reports whether an object is a field of that name in a struct of a package.
func isField(obj types.Object, path, name string) bool {
	v, is := obj.(*types.Var)
	return is && v.IsField() && v.Name() == name && v.Pkg() != nil && v.Pkg().Path() == path
}
