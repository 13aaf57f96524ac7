package main

import (
	"go/ast"
	"go/build/constraint"
	"path/filepath"
	"slices"
	"strings"
)

// systems and machines are the names that a file's name may end with, and that are tags.
var (
	systems = strings.Fields("aix android darwin dragonfly freebsd hurd illumos ios js linux nacl netbsd openbsd plan9 solaris wasip1 windows zos")
	// unixes are those with the tag unix.
	unixes   = strings.Fields("aix android darwin dragonfly freebsd hurd illumos ios linux netbsd openbsd solaris")
	machines = strings.Fields("386 amd64 arm arm64 loong64 mips mips64 mips64le mipsle ppc64 ppc64le riscv64 s390x wasm")
)

// Where a file is built: on Linux with amd64 or arm64, and on anything else.
type built struct{ linux, others bool }

// builtOn tries all systems. Tags that are neither a system nor a machine may be set or not.
func builtOn(name string, f *ast.File) (on built) {
	expr := constraintOf(f)
	free := freeTags(expr)
	for _, system := range systems {
		for _, machine := range machines {
			if !nameFits(name, system, machine) || !satisfiable(expr, free, system, machine) {
				continue
			}
			if system == "linux" && (machine == "amd64" || machine == "arm64") {
				on.linux = true
			} else if system != "linux" && system != "android" {
				on.others = true
			}
		}
	}
	return on
}

// constraintOf is the line //go:build, or nil.
func constraintOf(f *ast.File) constraint.Expr {
	for _, group := range f.Comments {
		if group.Pos() > f.Package {
			break
		}
		for _, c := range group.List {
			if constraint.IsGoBuild(c.Text) {
				if expr, err := constraint.Parse(c.Text); err == nil {
					return expr
				}
			}
		}
	}
	return nil
}

// freeTags are the tags that say nothing of the system.
func freeTags(expr constraint.Expr) (free []string) {
	if expr == nil {
		return nil
	}
	expr.Eval(func(tag string) bool {
		free = appendFree(free, tag)
		return true
	})
	expr.Eval(func(tag string) bool { // the branches that the first has passed by
		free = appendFree(free, tag)
		return false
	})
	return free[:min(len(free), 12)]
}

func appendFree(free []string, tag string) []string {
	known := tag == "unix" || strings.HasPrefix(tag, "go1") || slices.Contains(systems, tag) || slices.Contains(machines, tag)
	if known || slices.Contains(free, tag) {
		return free
	}
	return append(free, tag)
}

// satisfiable reports whether there are free tags with which a file is built.
func satisfiable(expr constraint.Expr, free []string, system, machine string) bool {
	if expr == nil {
		return true
	}
	for set := range 1 << len(free) {
		if expr.Eval(func(tag string) bool {
			if i := slices.Index(free, tag); i >= 0 {
				return set&(1<<i) != 0
			}
			return tag == system || tag == machine || strings.HasPrefix(tag, "go1") ||
				tag == "unix" && slices.Contains(unixes, system) || tag == "linux" && system == "android"
		}) {
			return true
		}
	}
	return false
}

// nameFits reports whether a file is built by its name: x_GOOS_GOARCH.go, without _test.
func nameFits(name, system, machine string) bool {
	base := strings.TrimSuffix(strings.TrimSuffix(filepath.Base(name), ".go"), "_test")
	parts := strings.Split(base, "_")
	if len(parts) < 2 { // a whole name says nothing
		return true
	}
	last := parts[len(parts)-1]
	if slices.Contains(machines, last) {
		if last != machine {
			return false
		}
		if len(parts) < 3 {
			return true
		}
		last = parts[len(parts)-2]
	}
	return !slices.Contains(systems, last) || last == system || last == "linux" && system == "android"
}
