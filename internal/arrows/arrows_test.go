// Package arrows has the test of which package of the module imports which, and tests
// that the documents about the code show it as it is.
package arrows

import (
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/sprog-dev/sprog"

// arrows are all imports of one package of the module by another, by their
// directories: what a package imports, and what only its tests import besides.
// A package without a line imports none.
var arrows = map[string]struct{ imports, tests string }{
	".": {imports: "internal/cgroup internal/change internal/doctor internal/exitwait internal/job internal/klog internal/launch internal/listing internal/nofile internal/program internal/pty internal/seccomp internal/spec internal/terms internal/waterfall", tests: "internal/atstart internal/compile internal/explain internal/kernel internal/machine internal/ownproc internal/pathwalk internal/proctree internal/slowfile internal/sweep internal/verified"},

	"cmd/sprog":                  {imports: ". cmd/sprog/internal/box cmd/sprog/internal/bwrap cmd/sprog/internal/profile cmd/sprog/internal/show internal/accounts internal/atstart internal/doctor internal/flags internal/inherited internal/klog internal/listing internal/machine internal/ownproc internal/plain internal/seccomp internal/sigwatch internal/terms", tests: "internal/slowfile internal/spec internal/sweep internal/verified"},
	"boxnet":                     {imports: "."},
	"bench":                      {imports: ". internal/seccomp internal/slowfile"},
	"cmd/sprog/internal/box":     {imports: ". internal/mountinfo"},
	"cmd/sprog/internal/bwrap":   {imports: ". internal/listing internal/plain"},
	"cmd/sprog/internal/profile": {imports: "."},
	"cmd/sprog/internal/show":    {imports: "internal/atstart internal/inherited internal/listing internal/mountinfo internal/ownproc"},
	"examples":                   {tests: ". internal/guide internal/sweep internal/verified"},
	"examples/anyip":             {imports: "."},
	"examples/ci":                {imports: "."},
	"examples/judge":             {imports: "."},
	"examples/moving":            {imports: "."},
	"examples/readme":            {imports: "."},
	"examples/snippets":          {imports: "."},
	"examples/supervisor":        {imports: "."},
	"examples/untrusted":         {imports: "."},
	"script/record":              {imports: ". internal/guide"},

	"internal/cgroup":    {imports: "internal/mountinfo internal/plain"},
	"internal/change":    {imports: "internal/kernel internal/listing internal/ownproc internal/proctree internal/spec internal/terms"},
	"internal/compile":   {imports: "internal/kernel internal/program internal/seccomp internal/spec internal/stage2"},
	"internal/doctor":    {imports: "internal/cgroup internal/compile internal/kernel internal/launch internal/listing internal/machine internal/ownproc internal/program internal/pty internal/seccomp internal/spec internal/terms internal/userns"},
	"internal/exitwait":  {imports: "internal/plain"},
	"internal/explain":   {imports: "internal/cgroup internal/kernel internal/listing internal/machine internal/mountinfo internal/ownproc internal/pathwalk internal/plain internal/program internal/spec internal/terms internal/userns"},
	"internal/inherited": {tests: "."},
	"internal/job":       {imports: "internal/cgroup internal/ownproc internal/plain internal/proctree internal/spec internal/stage2"},
	"internal/klog":      {imports: "internal/seccomp"},
	"internal/launch":    {imports: "internal/accounts internal/atstart internal/cgroup internal/compile internal/explain internal/kernel internal/listing internal/machine internal/mountinfo internal/ownproc internal/pathwalk internal/plain internal/program internal/seccomp internal/spec internal/terms internal/userns", tests: "internal/verified"},
	"internal/listing":   {imports: "internal/program"},
	"internal/machine":   {imports: "internal/atstart internal/ownproc internal/plain internal/program internal/stage2"},
	"internal/pathwalk":  {imports: "internal/kernel internal/machine internal/mountinfo internal/plain internal/terms internal/userns"},
	"internal/proctree":  {imports: "internal/ownproc internal/plain"},
	"internal/sigwatch":  {imports: "internal/machine internal/program", tests: "internal/ownproc"},
	"internal/spec":      {imports: "internal/cgroup internal/kernel internal/listing internal/program internal/seccomp internal/terms internal/userns"},
	"internal/userns":    {imports: "internal/plain"},
	"internal/verified":  {imports: "internal/listing internal/program"},
}

// The imports are those of the table, no more and no fewer.
func TestArrows(t *testing.T) {
	drawn := drawnArrows(t)
	for from, a := range arrows {
		listed := append(named(from, "imports", a.imports), named(from, "tests import", a.tests)...)
		for _, arrow := range listed {
			if drawn[arrow] == "" {
				t.Errorf("the table has %q, which no file needs", arrow)
			}
			delete(drawn, arrow)
		}
	}
	for _, arrow := range slices.Sorted(maps.Keys(drawn)) {
		t.Errorf("%s: %q is not in the table", drawn[arrow], arrow)
	}
}

// The table itself keeps to the rules: arrows point down.
func TestArrowsPointDown(t *testing.T) {
	for from, a := range arrows {
		below := strings.HasPrefix(from, "internal/")
		if below && slices.Contains(strings.Fields(a.imports), ".") {
			t.Errorf("%s imports the public package, which is above it", from)
		}
		for to := range strings.FieldsSeq(a.imports + " " + a.tests) {
			own := strings.HasPrefix(to, from+"/internal/")
			if to != "." && !strings.HasPrefix(to, "internal/") && !own {
				t.Errorf("%s imports %s, which stands above everything", from, to)
			}
		}
	}
}

// named are the arrows from a package to others.
func named(from, verb, others string) (list []string) {
	for to := range strings.FieldsSeq(others) {
		list = append(list, from+" "+verb+" "+to)
	}
	return list
}

// drawnArrows are the arrows of all Go files, whatever system they are for, each
// with a file that draws it.
func drawnArrows(t *testing.T) map[string]string {
	root := os.DirFS("../..")
	drawn := map[string]string{}
	err := fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && name != "." && skipped(d.Name()):
			return fs.SkipDir
		case d.IsDir() || path.Ext(name) != ".go":
			return nil
		}
		src, err := fs.ReadFile(root, name)
		if err != nil {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, src, parser.ImportsOnly)
		if err != nil {
			return err
		}
		for _, i := range file.Imports {
			to, _ := strconv.Unquote(i.Path.Value)
			draw(drawn, name, to)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for arrow := range drawn { // what the package imports is no news of its tests
		if from, to, ofTest := strings.Cut(arrow, " tests import "); ofTest && drawn[from+" imports "+to] != "" {
			delete(drawn, arrow)
		}
	}
	return drawn
}

// skipped reports whether the go command does not look into a directory.
func skipped(name string) bool { return name == "testdata" || name[0] == '.' || name[0] == '_' }

// draw notes an import of one file's, if it is of another package of the module.
func draw(drawn map[string]string, file, to string) {
	to, ours := strings.CutPrefix(to, module)
	if ours && to == "" {
		to = "/."
	}
	from := path.Dir(file)
	if !ours || to[0] != '/' || to[1:] == from {
		return
	}
	verb := " imports "
	if strings.HasSuffix(file, "_test.go") {
		verb = " tests import "
	}
	drawn[from+verb+to[1:]] = file
}
