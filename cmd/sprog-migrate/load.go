package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// A module is the packages that are migrated, with all that they need.
type module struct {
	units   map[string]*unit // by the import path, as go list writes it
	order   []*unit          // of the module's own, in go list's order
	files   map[string]*file // by name: those that import os/exec
	exports types.Importer
}

// A unit is what the compiler takes at once: a package, a package with its tests, or the
// tests outside of it.
type unit struct {
	ImportPath string
	Dir        string
	Name       string
	Export     string
	ForTest    string
	DepOnly    bool
	GoFiles    []string
	CgoFiles   []string
	Ignored    []string `json:"IgnoredGoFiles"`
	ImportMap  map[string]string
	Module     *struct{ Main bool }
	Error      *struct{ Err string }

	checked *checked // with the files as they are at the time
}

// own reports whether the unit is of the module that is migrated.
func (u *unit) own() bool { return u.Module != nil && u.Module.Main }

// A file imports os/exec.
type file struct {
	name     string
	old, new []byte // new is nil for one that keeps os/exec
	linux    bool   // it is built for Linux alone
	ignored  bool   // it is not built with the tags that are set
}

// load asks the go command for the packages.
func load(tags string, patterns []string) (*module, error) {
	args := []string{"list", "-e", "-deps", "-test", "-export", "-tags", tags,
		"-json=ImportPath,Dir,Name,Export,ForTest,DepOnly,GoFiles,CgoFiles,IgnoredGoFiles,ImportMap,Module,Error", "--"}
	cmd := exec.Command("go", append(append(args, patterns...), newPath)...)
	cmd.Env = append(os.Environ(), "GOOS=linux")
	if runtime.GOARCH != "amd64" {
		cmd.Env = append(cmd.Env, "GOARCH=arm64")
	}
	var problems bytes.Buffer
	cmd.Stderr = &problems
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w\n%s", err, problems.Bytes())
	}
	m := &module{units: map[string]*unit{}, files: map[string]*file{}}
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		u := new(unit)
		if err := d.Decode(u); err == io.EOF {
			break
		} else if err != nil {
			return nil, fmt.Errorf("go list: %w", err)
		}
		m.units[u.ImportPath] = u
		if u.own() && !strings.HasSuffix(u.ImportPath, ".test") {
			m.order = append(m.order, u)
		}
	}
	if u := m.units[newPath]; u == nil || u.Export == "" && !u.own() {
		return nil, errors.New("this module does not have " + newPath + " yet: run go get " + newPath + "@latest first")
	}
	return m, m.read()
}

// read reads the files that import os/exec.
func (m *module) read() error {
	m.exports = importer.ForCompiler(token.NewFileSet(), "gc", func(path string) (io.ReadCloser, error) {
		u := m.units[path]
		if u == nil || u.Export == "" {
			return nil, errors.New("no export data of " + path)
		}
		return os.Open(u.Export)
	})
	for _, u := range m.order {
		if u.DepOnly || u.ImportPath == newPath || strings.HasPrefix(u.ImportPath, newPath+"/") {
			continue
		}
		for _, name := range u.paths() {
			if err := m.add(name, false); err != nil {
				return err
			}
		}
		for _, name := range u.Ignored {
			if err := m.add(filepath.Join(u.Dir, name), true); err != nil {
				return err
			}
		}
	}
	return nil
}

// paths are the unit's files.
func (u *unit) paths() (list []string) {
	for _, name := range slices.Concat(u.GoFiles, u.CgoFiles) {
		if !filepath.IsAbs(name) { // one that the go command has generated is
			list = append(list, filepath.Join(u.Dir, name))
		}
	}
	return list
}

// add adds a file that imports os/exec and that can be built for Linux.
func (m *module) add(name string, ignored bool) error {
	if m.files[name] != nil {
		return nil
	}
	source, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	f, err := parser.ParseFile(token.NewFileSet(), name, source, parser.ImportsOnly|parser.ParseComments)
	if err != nil || !imports(f, oldPath) {
		return nil // what does not parse is for the compiler to say
	}
	if on := builtOn(name, f); on.linux {
		m.files[name] = &file{name: name, old: source, linux: !on.others, ignored: ignored}
	}
	return nil
}

// imports reports whether a file imports a package.
func imports(f *ast.File, path string) bool {
	return slices.ContainsFunc(f.Imports, func(s *ast.ImportSpec) bool { return s.Path.Value == `"`+path+`"` })
}

// write writes what has changed. A file keeps its mode.
func (m *module) write() error {
	for _, f := range m.files {
		if f.new == nil {
			continue
		}
		if err := os.WriteFile(f.name, f.new, 0o666); err != nil {
			return err
		}
	}
	return nil
}

// count counts files that are rewritten, or those that are not.
func (m *module) count(rewritten bool) (n int) {
	for _, f := range m.files {
		if (f.new != nil) == rewritten {
			n++
		}
	}
	return n
}
