//go:build amd64 || arm64

package sprog

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/atstart"
	"github.com/sprog-dev/sprog/internal/compile"
	"github.com/sprog-dev/sprog/internal/spec"
)

var update = flag.Bool("update", false, "rewrite the listings in testdata from what the package does now")

// golden compares got with a file in testdata, or rewrites it.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s: got\n%s\nwant\n%s\n(-update accepts what is there now)", path, got, want)
	}
}

// standardError is what os.Stderr is at first: under -json, package testing
// makes it the standard output.
var standardError = os.Stderr

// startedPlainly makes plans the same whatever limit on open files and output
// the test was started with.
func startedPlainly(t *testing.T) {
	cur, most, stderr := atstart.NofileCur, atstart.NofileMax, os.Stderr
	t.Cleanup(func() { atstart.NofileCur, atstart.NofileMax, os.Stderr = cur, most, stderr })
	atstart.NofileCur, atstart.NofileMax, os.Stderr = 4096, 4096, standardError
}

// FileAt opens /dev/null at a descriptor number, so that a plan can name it.
func fileAt(t *testing.T, n int) *os.File {
	t.Helper()
	null, err := unix.Open("/dev/null", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(null)
	if unix.Dup3(null, n, unix.O_CLOEXEC) != nil {
		t.Fatal(err)
	}
	f := os.NewFile(uintptr(n), "/dev/null")
	t.Cleanup(func() { f.Close() })
	return f
}

// planned is a command whose plan is the same everywhere, once prepare has
// had its way.
func planned(prepare func(*Cmd)) *Cmd {
	c := &Cmd{Path: "/bin/app", Args: []string{"app", "arg"}, Env: []string{"A=1", "B=2"}}
	if prepare != nil {
		prepare(c)
	}
	return c
}

// with is a command with these attributes only.
func with(sys *syscall.SysProcAttr) func(*Cmd) {
	return func(c *Cmd) { c.SysProcAttr = sys }
}

// by is a command with these attributes of this package only.
func by(attr *Attr) func(*Cmd) {
	return func(c *Cmd) { c.Attr = attr }
}

type planCase struct {
	name    string
	prepare func(*Cmd)
}

// noteAsked notes the fields that are set.
func noteAsked(asked map[string]bool, a *Attr) {
	if a == nil {
		return
	}
	v := reflect.ValueOf(*a)
	for i := range v.NumField() {
		if !v.Field(i).IsZero() {
			asked[v.Type().Field(i).Name] = true
		}
	}
}

// allPlans are all starts whose listings are compared.
func allPlans(t *testing.T) []planCase {
	a, b, tty := fileAt(t, 100), fileAt(t, 101), fileAt(t, 102)
	return slices.Concat(plansOfFiles(a, b), plansOfTables(a, b), plansOfIDs, plansOfSessions(tty), plansOfPlaces, plansOfJoining,
		plansOfInside, plansOfForbidding, plansOfAttr, plansOfCredentials, plansOfSignals, plansOfSched, plansOfMuch(a, tty),
		plansOfLandlock, plansOfIDMap, plansOfSeccomp, plansOfCgroups, plansOfViews(a))
}

// TestPlans compares the listing of a plan with testdata/plans/NAME.golden,
// for every field there is.
func TestPlans(t *testing.T) {
	startedPlainly(t)
	mayAdministerAs(t, true)
	standingAs(t, compile.Standing{Root: true, Capable: true, Guarded: true})
	coresAre(t, unix.Rlimit{}, false)
	exeIsSafeAs(t, true)
	clonesTreesAs(t, true)
	all := allPlans(t)
	listed := map[string]bool{"join-process-unprivileged.golden": true}
	for _, test := range plansOfGuarded {
		listed[test.name+".golden"] = true
	}
	asked := map[string]bool{}
	for _, test := range all {
		listed[test.name+".golden"] = true
		t.Run(test.name, func(t *testing.T) {
			c := planned(test.prepare)
			noteAsked(asked, c.Attr)
			p, err := c.Plan()
			if err != nil {
				t.Fatal(err)
			}
			listing := p.String()
			if test.name == "deny-tiocsti" { // whose filter is of the architecture's ways to call
				listing = regexp.MustCompile(`\{len=\d+\}`).ReplaceAllString(listing, "{len=NN}")
			}
			golden(t, "plans/"+test.name+".golden", listing)
		})
	}
	asked["InheritAll"] = true // whose plan depends on what is open in the test
	for _, f := range spec.Facilities {
		if !asked[f.Field] {
			t.Errorf("no plan asks for Attr.%s: see plan_cases_linux_test.go", f.Field)
		}
	}
	files, _ := filepath.Glob("testdata/plans/*.golden")
	for _, f := range files {
		if !listed[filepath.Base(f)] && !*update {
			t.Errorf("%s belongs to no test", f)
		}
	}
}

func TestPlanAsJSON(t *testing.T) {
	startedPlainly(t)
	standingAs(t, compile.Standing{Root: true, Capable: true, Guarded: true})
	coresAre(t, unix.Rlimit{}, false)
	for _, test := range []planCase{
		{"nothing", nil},
		{"init-map", func(c *Cmd) {
			c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER, UidMappings: toRoot, GidMappings: toRoot}
			c.Attr = &Attr{Init: &Init{}}
		}},
	} {
		p, err := planned(test.prepare).Plan()
		if err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		enc := json.NewEncoder(&out)
		enc.SetIndent("", "\t")
		enc.SetEscapeHTML(false)
		if err := enc.Encode(p); err != nil {
			t.Fatal(err)
		}
		golden(t, "plans/"+test.name+".json", out.String())
	}
}

var _ = helper("plan", func([]string) int {
	p, err := planned(nil).Plan()
	if err != nil {
		os.Stderr.WriteString(err.Error())
		return 1
	}
	os.Stdout.WriteString(p.String())
	return 0
})

// The plan of a process whose limit on open files was raised by the runtime.
func TestPlanRestoresTheLimitOnFiles(t *testing.T) {
	out, err := Command("/bin/sh", "-c", `ulimit -Sn 777 && ulimit -Hn 2000 && exec "$0" plan`, testBinary()).Output()
	if err != nil {
		t.Fatal(err)
	}
	const step = "prlimit64(0, RLIMIT_NOFILE, {rlim_cur=777, rlim_max=2000}, NULL)"
	if n := strings.Count(string(out), step); n != 1 {
		t.Errorf("plan has %d times %s; want it once:\n%s", n, step, out)
	}
}
