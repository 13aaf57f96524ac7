//go:build amd64 || arm64

package spec

import (
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/terms"
)

// fromThisProcess is what a launcher could only have from the process that compiles it, or
// could only hand to one that stays.
const (
	fromThisProcess = "is a descriptor of this process's, which is not there when the launcher runs"
	needsProcess    = "needs a process that stands by the program"
)

// checkLauncher refuses what cannot be compiled.
func (r *Start) checkLauncher() *Error {
	if r.Launcher == nil {
		return nil
	}
	for _, check := range []func(*Start) *Error{(*Start).checkLauncherArch, (*Start).checkLauncherSys, (*Start).checkLauncherAttr,
		(*Start).checkLauncherFiles, (*Start).checkLauncherView, (*Start).checkLauncherFrozen, (*Start).checkLauncherPath, (*Start).checkPrivileged} {
		if err := check(r); err != nil {
			return err
		}
	}
	return nil
}

func (r *Start) checkLauncherArch() *Error {
	switch r.Launcher.Arch {
	case "amd64", "arm64":
		return nil
	}
	return Invalid("CompileOptions.Arch", strconv.Quote(r.Launcher.Arch), "is neither amd64 nor arm64")
}

// A refusal is a field that cannot be compiled, if it is given.
type refusal struct {
	field string
	given bool
	why   terms.Text
}

func firstRefusal(list []refusal) *Error {
	for _, no := range list {
		if no.given {
			return Invalid(no.field, "", "cannot be compiled: it "+no.why)
		}
	}
	return nil
}

func (r *Start) checkLauncherAttr() *Error {
	a := r.Attr
	return firstRefusal([]refusal{
		{"Attr.Program", a.Program != nil, fromThisProcess},
		{"Attr.DirFile", a.DirFile != nil, fromThisProcess},
		{"Attr.WaitFor", a.WaitFor != nil, fromThisProcess},
		{"Attr.UserNamespace", a.UserNamespace != nil, fromThisProcess},
		{"Attr.InheritAll", a.InheritAll, "would have to know which descriptors there are: name them in {Attr.Inherit}"},
		{MeetField, a.Meet != nil, needsProcess},
		{"Attr.Join", len(a.Join) > 0, "is about processes and namespaces that there are now"},
		{CgroupField, a.Cgroup != nil, "has to be removed at the end, which " + needsProcess + ": use {CompileOptions.Cgroup} with one that is there"},
		{"Attr.IDMap.Subordinate", r.IdMap().Subordinate != NoSubordinateIDs, "has lines of a map that only a process outside of the new user namespace can write"},
		{"Attr.IDMap.Helpers", r.IdMap().Helpers, "has lines of a map that only a process outside of the new user namespace can write"},
		{"Attr.IDMap.Last", r.IdMap().Last, "enters a user namespace that another process has made"},
		{"Attr.ReportNamespaces", a.ReportNamespaces != 0, "is for a process that stands by the program"},
		{"Attr.RefuseUserNamespaces", a.RefuseUserNamespaces, "is for a process that stands by the program"},
		{"Attr.CoreSched.ShareFrom", a.CoreSched != nil && a.CoreSched.ShareFrom != 0, "is a process that there is now"},
		{"Attr.Landlock.BestEffort", a.Landlock != nil && a.Landlock.BestEffort, "depends on the kernel that the launcher runs on: name an ABI"},
		{"Attr.Caps.Keep", a.Caps != nil && a.Caps.Keep, "depends on the capabilities of whoever runs the launcher"},
		{"Attr.LookPath", a.LookPath, "is what a launcher does by itself with a name that has no slash"},
		{"Attr.Dirs", len(a.Dirs) > 0, "is for a start by a process that stays"},
		{"Attr.Init.JobControl", a.Init != nil && a.Init.JobControl, "is for a process that stands between two terminals"},
		{"Attr.Init.ReportStops", a.Init != nil && a.Init.ReportStops, "is for a process that is told of them"},
		{"Attr.Init.Linger", a.Init != nil && a.Init.Linger, "is for a process that is told of the program's end"},
		{"Attr.Init.Keep", a.Init != nil && len(a.Init.Keep) > 0, fromThisProcess},
	})
}

func (r *Start) checkLauncherFiles() *Error {
	for i := range r.Files {
		if f := &r.Files[i]; f.Source == FromParent && f.Fd > 2 && !strings.HasPrefix(f.Field, "Attr.Inherit[") {
			return Invalid(f.Field, "descriptor "+strconv.Itoa(f.Fd), "cannot be compiled: it "+fromThisProcess+
				": give a path in {Attr.Files}, or a number in {Attr.Inherit}")
		}
	}
	if l := r.Attr.Landlock; l != nil && l.Files != nil {
		for i, rule := range l.Files.Rules {
			if rule.File != nil {
				return Invalid(Index("Attr.Landlock.Files.Rules", i), "", "cannot be compiled: it "+fromThisProcess+": give its path")
			}
		}
	}
	return nil
}

// checkLauncherView is for what the program sees.
func (r *Start) checkLauncherView() *Error {
	if !r.HasView() {
		return nil
	}
	if root, field, _ := r.ViewRoot(); root != nil && root.File != nil {
		return Invalid(field, "", "cannot be compiled: it "+fromThisProcess+": give its path")
	}
	for i := range r.Attr.Mounts {
		m, field := &r.Attr.Mounts[i], Index(MountsField, i)
		switch {
		case m.File != nil:
			return Invalid(field+".File", "", "cannot be compiled: it "+fromThisProcess+": give its path")
		case m.Proc != nil && r.BirthUnshare()&unix.CLONE_NEWPID != 0:
			return Invalid(field+".Proc", "", "cannot be compiled with {CLONE_NEWPID|SysProcAttr.Cloneflags: CLONE_NEWPID}: the launcher stays outside "+
				"of the PID namespace, and the new /proc would be of its own")
		case m.IDMap != nil:
			return Invalid(field+".IDMap", "", "cannot be compiled: it needs another process that makes a user namespace with the map")
		}
	}
	if !strings.HasPrefix(r.Dir, "/") {
		return Invalid("Dir", "", "must be absolute where {Attr.Root} or {Attr.Mounts} are compiled: the directory of the launcher's caller may not be there")
	}
	return nil
}

// checkLauncherFrozen refuses what has to be looked up, unless that is to be done now.
func (r *Start) checkLauncherFrozen() *Error {
	if r.Launcher.Freeze {
		return nil
	}
	const lookedUp = "is looked up on this machine: give the number, or {CompileOptions.Freeze}"
	if g := r.Attr.Groups; g != nil {
		for i, name := range g.List {
			if _, err := strconv.ParseUint(name, 10, 32); err != nil {
				return Invalid(Index("Attr.Groups.List", i), strconv.Quote(name), lookedUp)
			}
		}
		if g.Of != "" {
			return Invalid("Attr.Groups.Of", strconv.Quote(g.Of), lookedUp)
		}
	}
	if c := r.Attr.Caps; c != nil {
		for i, set := range []CapSet{c.Effective, c.Permitted, c.Inheritable, c.Ambient, c.Bounding} {
			if slices.ContainsFunc(set.Add, func(name string) bool { return name == "all" || name == "ALL" }) {
				return Invalid("Attr.Caps."+capFields[i]+".Add", `"all"`,
					"depends on the kernel that the launcher runs on: name the capabilities, or give {CompileOptions.Freeze} for those of this one")
			}
		}
	}
	return nil
}

var capFields = [...]string{"Effective", "Permitted", "Inheritable", "Ambient", "Bounding"}

// LauncherPath is the PATH that a launcher looks for the program in, or "" if that is what its
// caller has.
func (r *Start) LauncherPath() string {
	for _, kv := range r.Env {
		if value, is := strings.CutPrefix(kv, "PATH="); is {
			return value
		}
	}
	return ""
}

func (r *Start) checkLauncherPath() *Error {
	if strings.Contains(r.Path, "/") || r.LauncherPath() != "" {
		return nil
	}
	return Invalid("Path", r.Path, "is looked up in PATH when the launcher runs: give its path, or PATH in {Env}")
}
