//go:build amd64 || arm64

package sprog

import (
	"fmt"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/compile"
	"github.com/sprog-dev/sprog/internal/explain"
	"github.com/sprog-dev/sprog/internal/launch"
	"github.com/sprog-dev/sprog/internal/program"
	"github.com/sprog-dev/sprog/internal/spec"
)

// Every origin of a step has its reasons, or is listed as one whose errnos say all, and
// there are no others.
func TestOriginsHaveReasons(t *testing.T) {
	seen := map[program.Origin]string{
		program.OfBirth:   "clone3 of the parent",
		"Attr.Cgroup":     "write, where the kernel lacks CLONE_INTO_CGROUP",
		"Attr.InheritAll": "fcntl, where something is open that stays",
	}
	note := func(first, second *program.Program) {
		for _, p := range []*program.Program{first, second} {
			for i := 0; p != nil && i < p.Len(); i++ {
				seen[p.Origin(i)] = p.Steps[i].Call.String() + " for " + p.Steps[i].Field
			}
		}
	}
	plan := func(r *spec.Start, refused error) {
		if refused == nil {
			launch.Plan(r, launch.Options{Inspect: note})
		}
	}
	startedPlainly(t)
	mayAdministerAs(t, true)
	exeIsSafeAs(t, true)
	clonesTreesAs(t, true)
	standingAs(t, compile.Standing{Root: true, Capable: true, Guarded: true})
	for _, test := range allPlans(t) {
		var child, self spec.Start
		plan(&child, planned(test.prepare).translate(&child, spec.FD))
		plan(&self, planned(test.prepare).inPlace(&self, false))
	}
	plan(&spec.Start{Path: "/bin/app", Files: []spec.ChildFile{{N: 0, Source: spec.FromParent, Fd: 2, Field: filesEntry(0)}}}, nil)

	known := explain.Origins()
	for origin, step := range seen {
		if _, is := known[origin]; !is {
			t.Errorf("nobody says why a step of %q can fail, as %s: see reasons_linux.go in internal/explain", origin, step)
		}
	}
	for origin := range known {
		if seen[origin] == "" {
			t.Errorf("reasons are registered for %q, of which no plan has a step", origin)
		}
	}
	for _, f := range spec.Facilities {
		if _, is := known[program.OriginOf("Attr."+f.Field)]; !is && seen[program.OriginOf("Attr."+f.Field)] != "" {
			t.Errorf("the steps of Attr.%s have no reasons", f.Field)
		}
	}
}

// A step is explained by what it is for, not by the call that it makes.
func TestReasonsAreOfTheOrigin(t *testing.T) {
	requires(t, asRoot)
	c := helperCommand("mount-in-chroot", t.TempDir())
	want := "the private root: this process is in a chroot whose root is no mount, so that / cannot be made private: " +
		"mount --bind the directory on itself before the chroot\nAttr.Hostname: \nthe second stage: \n"
	if got := outputOf(t, c); got != want {
		t.Errorf("a mount that is refused is explained\n%s; want\n%s", got, want)
	}
}

// mount-in-chroot DIR: why a mount is refused in a chroot, for several origins.
var _ = helper("mount-in-chroot", func(args []string) int {
	must(unix.Chroot(args[0]))
	r := &spec.Start{Sys: &syscall.SysProcAttr{Unshareflags: unix.CLONE_NEWNS}, Path: "/bin/true"}
	r.FillIn()
	for _, origin := range []program.Origin{program.OfRoot, "Attr.Hostname", program.OfStage} {
		e := &spec.Error{Step: "mount", Object: "/", Origin: origin, Field: "SysProcAttr.Unshareflags"}
		fmt.Printf("%s: %s\n", origin, explain.Failure{Ask: r, E: e, Errno: unix.EINVAL, Facts: explain.Facts{Born: true}}.Why())
	}
	return 0
})
