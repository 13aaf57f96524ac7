//go:build amd64 || arm64

package explain

import (
	"strings"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/listing"
	"github.com/sprog-dev/sprog/internal/pathwalk"
	"github.com/sprog-dev/sprog/internal/spec"
	"github.com/sprog-dev/sprog/internal/terms"
)

// landlockHint explains what the steps of Landlock answer.
func (f Failure) landlockHint() terms.Text {
	switch {
	case f.E.Step == "landlock_restrict_self" && f.Errno == unix.EPERM:
		return "it needs {NoNewPrivs|Attr.NoNewPrivs}, or CAP_SYS_ADMIN, which the child has not got with its credentials"
	case f.E.Step == "landlock_restrict_self" && f.Errno == unix.E2BIG:
		return "16 restrictions are in force already, which is the most that Landlock takes"
	case f.E.Step == "landlock_add_rule" && f.Errno == unix.EINVAL:
		return "the rights are about directories, and it is none"
	case f.E.Step == "landlock_add_rule" && f.Errno == unix.EBADFD:
		return "Landlock takes no rules for its file system"
	case f.E.Step == "landlock_add_rule" && f.Errno == unix.EAFNOSUPPORT:
		return "this kernel has no TCP/IP"
	}
	return ""
}

// lockedProgramHint tells what keeps the program from being executed.
func (f Failure) lockedProgramHint() terms.Text {
	if f.Errno != unix.EACCES || f.Locked.Files == 0 || f.Ask.HasView() {
		return ""
	}
	v := lockedView{View(f.Ask), f.Ask.Attr.Landlock, f.Locked.Files}
	if f.Ask.Attr.Program == nil {
		return v.notExecutable(f.Ask.Path, 0)
	}
	fd, err := spec.FD(f.Ask.Attr.Program)
	if err != nil || v.Root != "" {
		return "" // the view has no path for it
	}
	return v.notExecutable(pathwalk.RealPath(fd), 0)
}

// A lockedView is the child's view of the file system, with what Landlock
// leaves of it.
type lockedView struct {
	pathwalk.View
	landlock *spec.Landlock
	handled  spec.LandlockAccess
}

// notExecutable tells which right is missing to execute a program, or the
// interpreter or dynamic loader that it names.
func (v lockedView) notExecutable(path string, depth int) terms.Text {
	f, err := v.Open(path)
	if err != nil || depth > scriptsDeep {
		return ""
	}
	defer f.Close()
	need := (spec.LandlockExecute | spec.LandlockReadFile) & v.handled
	if missing := need &^ v.given(pathwalk.RealPath(int(f.Fd()))); missing != 0 {
		return terms.Sprintf("no Landlock rule gives %s for %s", listing.LandlockFS(uint64(missing)), path)
	}
	for _, interp := range []string{pathwalk.ScriptInterpreter(f), pathwalk.ELFInterpreter(f)} {
		if interp == "" {
			continue
		}
		if why := v.notExecutable(interp, depth+1); why != "" {
			return terms.Sprintf("%s, which %s names", why, path)
		}
	}
	return ""
}

// given are the rights that the rules give for a file.
func (v lockedView) given(path string) (rights spec.LandlockAccess) {
	for i := range v.landlock.Files.Rules {
		rule := &v.landlock.Files.Rules[i]
		if beneath(path, v.realPathOf(rule)) {
			rights |= rule.Rights
		}
	}
	return rights
}

func (v lockedView) realPathOf(rule *spec.LandlockPath) string {
	if rule.File != nil {
		fd, err := spec.FD(rule.File)
		if err != nil {
			return ""
		}
		return pathwalk.RealPath(fd)
	}
	w := v.Follow(rule.Path, pathwalk.Viewer{})
	defer w.Close()
	if w.Stop != 0 {
		return ""
	}
	return pathwalk.RealPath(int(w.Last()))
}

// beneath reports whether a path is that of a directory or of something in it.
func beneath(path, dir string) bool {
	return dir != "" && (path == dir || strings.HasPrefix(path, strings.TrimSuffix(dir, "/")+"/"))
}
