//go:build linux && (amd64 || arm64)

package main

import (
	"bytes"
	"encoding/json"
	"go/ast"
	"go/constant"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/sprog-dev/sprog"
	"github.com/sprog-dev/sprog/internal/doctor"
	"github.com/sprog-dev/sprog/internal/terms"
)

// goName is what only a Go program knows.
var goName = regexp.MustCompile(`\b(?:Attr|SysProcAttr|ProcAttr|Cmd|Ending|Birth|CgroupHandle)\.[A-Z]\w*`)

// Whatever the library says of a field, the command says of a flag, or in words that are
// listed. All texts of the library are gone through: each refers to the fields that it is
// about, and to nothing else.
func TestMessagesReferToFields(t *testing.T) {
	fields := fieldNames()
	otherFlags := regexp.MustCompile(`mount --bind|systemd-run( --?\w+)+`)
	references := 0
	for _, l := range libraryLiterals(t) {
		switch {
		case goName.FindString(l.text) == l.text && l.text != "", l.ofField:
			if field := l.field(); flagsFor(terms.Reference{Field: field}, nil) == "" {
				t.Errorf("%s: the command has no name for %s: see flagsOfFields and phrases in terms.go", l.at, field)
			}
			continue
		case !strings.ContainsAny(l.text, " {-"):
			continue
		}
		terms.Text(l.text).Walk(func(plain string) {
			if name := goName.FindString(plain); name != "" {
				t.Errorf("%s: %s is no reference in %q: write {%s}", l.at, name, l.text, name)
			}
			for _, word := range regexp.MustCompile(`[A-Za-z]\w*`).FindAllString(plain, -1) {
				if fields[word] {
					t.Errorf("%s: the field %s is no reference in %q", l.at, word, l.text)
				}
			}
			if flag := flagIn(otherFlags.ReplaceAllString(plain, "")); flag != "" {
				t.Errorf("%s: the library speaks of the flag %s in %q", l.at, flag, l.text)
			}
		}, func(r terms.Reference) {
			if !isField(r.Field) {
				return
			}
			references++
			said := flagsFor(r, nil)
			if said == "" || goName.MatchString(said) || said == r.Words {
				t.Errorf("%s: the command calls %v %q: see flagsOfFields and phrases in terms.go", l.at, r, said)
			}
			if r.Value != "" && r.Value != "%s" && phraseFor(r) == "" {
				t.Errorf("%s: the command has no words for %s: %s", l.at, r.Field, r.Value)
			}
		})
	}
	if references < 100 {
		t.Errorf("%d references are found; want those of all messages", references)
	}
}

// flagIn is a flag of the command's that a text has, or "".
func flagIn(text string) string {
	for _, flag := range regexp.MustCompile(`--[a-z][a-z0-9-]*`).FindAllString(text, -1) {
		if slices.Contains(flagsOfRun(), flag[2:]) {
			return flag
		}
	}
	return ""
}

// fieldNames are the names of fields that are no other words: they have capitals inside.
func fieldNames() map[string]bool {
	names := map[string]bool{"Cloneflags": true, "Unshareflags": true, "Setsid": true, "Setpgid": true, "Setctty": true, "Noctty": true, "Ctty": true, "Pgid": true}
	inside := regexp.MustCompile(`[a-z][A-Z]`)
	var add func(reflect.Type)
	add = func(of reflect.Type) {
		for of.Kind() == reflect.Pointer || of.Kind() == reflect.Slice {
			of = of.Elem()
		}
		if of.Kind() != reflect.Struct || !strings.HasSuffix(of.PkgPath(), "sprog") && of.PkgPath() != "syscall" {
			return
		}
		for f := range of.NumField() {
			if name := of.Field(f).Name; of.Field(f).IsExported() {
				names[name] = names[name] || inside.MatchString(name)
				add(of.Field(f).Type)
			}
		}
	}
	add(reflect.TypeFor[sprog.Attr]())
	add(reflect.TypeFor[sprog.Cmd]())
	for _, product := range []string{"AppArmor", "Landlock"} { // are called so by everybody
		names[product] = false
	}
	return names
}

// A literal is a string in the library's source.
type literal struct {
	at, text string
	ofField  bool // it is the argument of spec.Field
}

func (l literal) field() string {
	if l.ofField {
		return "SysProcAttr." + l.text
	}
	return l.text
}

// libraryLiterals are all strings of package sprog and what it consists of.
func libraryLiterals(t *testing.T) (list []literal) {
	t.Helper()
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		name := d.Name()
		switch {
		case err != nil:
			return err
		case d.IsDir() && (slices.Contains([]string{"cmd", "bench", "boxnet", "examples", "tools", "testdata", "flags"}, name) || name[0] == '.' && name != ".."):
			return fs.SkipDir
		case d.IsDir() || filepath.Ext(name) != ".go" || strings.HasSuffix(name, "_test.go") || name == "gen.go":
			return nil
		}
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, path, nil, 0)
		if err == nil {
			list = append(list, literalsOf(set, file)...)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// literalsOf are the strings of a file, but for imports and tags.
func literalsOf(set *token.FileSet, file *ast.File) (list []literal) {
	ofField := map[ast.Node]bool{}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.ImportSpec, *ast.Field:
			return false
		case *ast.CallExpr:
			if name := types.ExprString(n.Fun); (name == "Field" || name == "spec.Field") && len(n.Args) == 1 {
				ofField[n.Args[0]] = true
			}
		case *ast.BasicLit:
			if text, err := strconv.Unquote(n.Value); err == nil && n.Kind == token.STRING {
				list = append(list, literal{set.Position(n.Pos()).String(), text, ofField[n]})
			}
		}
		return true
	})
	return list
}

// A string that refers to fields is a terms.Text: as another string it would be shown with
// its braces.
func TestReferencesAreTexts(t *testing.T) {
	out, err := exec.Command("go", "list", "-export", "-deps", "-json=ImportPath,Dir,GoFiles,Export", "../..", "../../internal/...").Output()
	if err != nil {
		t.Fatal(err)
	}
	type goPackage struct {
		ImportPath, Dir, Export string
		GoFiles                 []string
	}
	var own []goPackage
	exports := map[string]string{}
	for in := json.NewDecoder(bytes.NewReader(out)); in.More(); {
		var p goPackage
		if err := in.Decode(&p); err != nil {
			t.Fatal(err)
		}
		exports[p.ImportPath] = p.Export
		if strings.HasPrefix(p.ImportPath, "github.com/sprog-dev/sprog") {
			own = append(own, p)
		}
	}
	set, texts := token.NewFileSet(), 0
	from := importer.ForCompiler(set, "gc", func(path string) (io.ReadCloser, error) { return os.Open(exports[path]) })
	for _, p := range own {
		var files []*ast.File
		for _, name := range p.GoFiles {
			file, err := parser.ParseFile(set, filepath.Join(p.Dir, name), nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			files = append(files, file)
		}
		info := types.Info{Types: map[ast.Expr]types.TypeAndValue{}}
		if _, err := (&types.Config{Importer: from}).Check(p.ImportPath, set, files, &info); err != nil {
			t.Fatal(err)
		}
		for e, is := range info.Types {
			if is.Value == nil || is.Value.Kind() != constant.String || !refers(constant.StringVal(is.Value)) {
				continue
			}
			switch kind := is.Type.String(); {
			case strings.HasSuffix(kind, "terms.Text"):
				texts++
			case kind != "untyped string": // which is a part of a text
				t.Errorf("%s: %s is a %s; want a terms.Text", set.Position(e.Pos()), is.Value, kind)
			}
		}
	}
	if texts < 100 {
		t.Errorf("%d texts refer to fields; want all messages", texts)
	}
}

// refers reports whether a text refers to a field.
func refers(text string) (does bool) {
	terms.Text(text).Walk(func(string) {}, func(r terms.Reference) { does = does || isField(r.Field) })
	return does
}

// isField reports whether a reference is to a field, and no braces of something else.
func isField(name string) bool {
	return goName.MatchString(name) || slices.Contains([]string{"Dir", "Stdin", "Stdout", "Stderr"}, name)
}

// What the doctor says of a feature, and of this machine, has no field in it.
func TestDoctorSpeaksOfFlags(t *testing.T) {
	words := func(r terms.Reference) string { return flagsFor(r, nil) }
	for _, f := range doctor.Features() {
		if got := find(f, words); goName.MatchString(got.For + got.Reason) {
			t.Errorf("%s is for %q, and %v because of %q; want flags", f.Name, got.For, got.Answer, got.Reason)
		}
		if got := f.For.String(); flagIn(got) != "" {
			t.Errorf("package sprog says that %s is for %q", f.Name, got)
		}
	}
}

// The steps of a plan name flags, whatever is asked for.
func TestPlansNameFlags(t *testing.T) {
	steps := 0
	for _, name := range flagsOfRun() {
		for _, value := range append([]string{""}, words...) {
			cmd := commandOf(t, append([]string{"run"}, strings.TrimSuffix("--"+name+"="+value, "="))...)
			if cmd == nil {
				continue
			}
			plan, err := cmd.Plan()
			if err != nil {
				if text := said(err, func(r terms.Reference) string { return flagsFor(r, []string{name}) }); goName.MatchString(text) {
					t.Errorf("--%s=%s is refused by %q; want flags", name, value, text)
				}
				continue
			}
			for _, s := range plan.Steps {
				if of := fieldInWords(s.Field, func(r terms.Reference) string { return flagsFor(r, []string{name}) }, cmd); goName.MatchString(of) {
					t.Errorf("with --%s a step %s is for %s; want a flag", name, s.Text, of)
				}
				steps++
			}
		}
	}
	if steps < 100 {
		t.Errorf("%d steps are looked at", steps)
	}
}

// What the scripts expect of sprog, and what docs/errors.md has of package sprog, is each
// in its own words.
func TestExpectedWords(t *testing.T) {
	scripts, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(scripts) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, name := range scripts {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for i, line := range strings.Split(string(text), "\n") {
			negative := strings.Contains(line, "! stdout") || strings.Contains(line, "! stderr")
			if field := goName.FindString(strings.ReplaceAll(line, `\`, "")); field != "" && !negative && !strings.HasPrefix(line, "#") {
				t.Errorf("%s:%d: sprog is expected to speak of %s", name, i+1, field)
			}
		}
	}
	errors, err := os.ReadFile("../../docs/errors.md")
	if err != nil {
		t.Fatal(err)
	}
	if flag := flagIn(strings.ReplaceAll(string(errors), "mount --bind", "")); flag != "" {
		t.Errorf("docs/errors.md has the flag %s", flag)
	}
}
