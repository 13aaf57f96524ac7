//go:build amd64 || arm64

package spec

import (
	"github.com/sprog-dev/sprog/internal/terms"
	"golang.org/x/sys/unix"
)

// Validate refuses what no kernel could do, before anything is made. The kernel
// answers for all that it may or may not do.
func (r *Start) Validate() *Error {
	for _, check := range checks {
		if err := check(r); err != nil {
			return err
		}
	}
	for i := range Facilities {
		if check := Facilities[i].check; check != nil {
			if err := check(r); err != nil {
				return err
			}
		}
	}
	for _, check := range together {
		if err := check(r); err != nil {
			return err
		}
	}
	return nil
}

// ValidateRest looks at what a child that waits has not been asked for before.
func (r *Start) ValidateRest() *Error {
	for _, check := range [...]func(*Start) *Error{(*Start).checkStrings, (*Start).checkTerminal, (*Start).checkRlimits, (*Start).checkUmask} {
		if err := check(r); err != nil {
			return err
		}
	}
	return nil
}

// checks are those of what every start has. Each facility has its own: see
// [Facility].
var checks = [...]func(*Start) *Error{
	(*Start).checkStrings, (*Start).checkTerminal, (*Start).checkBirth, (*Start).checkMaps, (*Start).checkAmbientCaps,
}

// together are the checks of what several facilities decide.
var together = [...]func(*Start) *Error{(*Start).checkLauncher, (*Start).checkStages, (*Start).checkListener, (*Start).checkInPlace}

// Most starts have one stage: the child runs its steps in the parent's memory.
// Some steps must not run there, because the kernel applies them to every
// process that shares the memory, or because they are those of an init that
// lives on. Such a start has a second stage: a process image of its own, which
// runs everything from splitStage in package compile on. Its steps share no memory with
// the parent, so that they tell their outcome through a pipe.
//
// A start in another root has one, too. There, /proc/self/exe is what the
// process executes at the time, and whoever has made the program to execute,
// with that as its interpreter, gets it executed inside. If it were the caller's
// binary, he could read it there, and write to it if its owner may (CVE-2019-5736).
// What he gets is the second stage's image, which is sealed.

// WaitsField is what has a child wait.
const WaitsField = "Prepared.Warm"

// SecondStage is the field that needs a second stage, or "".
func (r *Start) SecondStage() string {
	if r.InPlace {
		return "" // all of its steps run in an image of their own
	}
	for i := range Facilities {
		if f := &Facilities[i]; f.stage != nil && f.stage(r) {
			return "Attr." + f.Field
		}
	}
	if r.Sys.Chroot != "" && r.MayHaveStages() {
		return Field("Chroot")
	}
	if r.Waits {
		return WaitsField
	}
	return ""
}

func (r *Start) checkStages() *Error {
	if name := r.SecondStage(); name != "" && r.Sys.Ptrace {
		return Invalid(name, "", "cannot be combined with {SysProcAttr.Ptrace}: its second stage would be traced")
	}
	if in := r.Attr.Init; in != nil && in.JobControl && !(r.Sys.Setsid && r.Sys.Setctty) {
		return Invalid("Attr.Init.JobControl", "", "needs {SysProcAttr.Setsid} and {Setctty|SysProcAttr.Setctty}: a session with a terminal")
	}
	return nil
}

// NeedsProc is the first field that the caller's /proc is needed for, or "". An init comes
// last: it is the only one that can do without.
func (r *Start) NeedsProc() string {
	if r.writesOwnMaps() {
		return r.MapFiles()[0].Field
	}
	if labels := r.ExecAttrs(); len(labels) > 0 {
		return labels[0].Field
	}
	for i := range Facilities {
		if f := &Facilities[i]; f.proc != nil && f.proc(r) {
			return "Attr." + f.Field
		}
	}
	if r.Attr.Init != nil && r.Sys.Cloneflags&unix.CLONE_NEWPID == 0 {
		return InitField
	}
	return ""
}

// checkListener refuses a listener that could not be handed over.
func (r *Start) checkListener() *Error {
	const action = "SCMP_ACT_NOTIFY"
	refuse := func(reason terms.Text) *Error { return Invalid("Attr.Seccomp", action, reason) }
	switch stage := r.SecondStage(); {
	case !r.Listens():
	case r.InPlace:
		return refuse("hands its listener to the process that starts another, which an Exec does not")
	case stage != "":
		return refuse("cannot be combined with " + terms.Field(stage) + ": its listener is handed over in memory, which a second stage does not share")
	case r.Sys.Ptrace:
		return refuse("cannot be combined with {SysProcAttr.Ptrace}: a traced child could stop before its listener is handed over")
	}
	return nil
}
