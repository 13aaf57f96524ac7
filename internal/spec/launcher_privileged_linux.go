//go:build amd64 || arm64

package spec

import (
	"path"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/listing"
)

func (r *Start) checkLauncherSys() *Error {
	s := r.Sys
	return firstRefusal([]refusal{
		{Field("Ptrace"), s.Ptrace, "is for a tracer, which a launcher has none of"},
		{Field("Foreground"), s.Foreground, "takes a terminal back at the end, which " + needsProcess},
		{Field("CgroupFD"), s.UseCgroupFD, fromThisProcess + ": use {CompileOptions.Cgroup}"},
		{Field("PidFD"), s.PidFD != nil, "is for a process that stands by the program"},
	})
}

// fixedLimits are the limits that a launcher with more rights than its caller insists on: with
// those that are left to the caller, he can have the program fail where he likes.
var fixedLimits = [...]int{unix.RLIMIT_AS, unix.RLIMIT_CORE, unix.RLIMIT_CPU, unix.RLIMIT_DATA, unix.RLIMIT_FSIZE,
	unix.RLIMIT_NOFILE, unix.RLIMIT_NPROC, unix.RLIMIT_STACK}

// checkPrivileged refuses to leave to the caller what decides about a program that has more rights
// than he has.
func (r *Start) checkPrivileged() *Error {
	l := r.Launcher
	if !l.Privileged {
		return nil
	}
	const field = "CompileOptions.Privileged"
	signals := r.Attr.Signals
	switch {
	case !path.IsAbs(r.Path) || path.Clean(r.Path) != r.Path:
		return Invalid("Path", r.Path, "must be an absolute path without dots: {CompileOptions.Privileged} takes one")
	case l.PassesAll():
		return Invalid("CompileOptions.PassEnv", "", "would pass on variables such as LD_PRELOAD and BASH_ENV: {CompileOptions.Privileged} takes a cleared environment")
	case !path.IsAbs(r.Dir):
		return Invalid(field, "", "needs an absolute {Dir}: the caller chooses the directory otherwise")
	case r.Attr.Umask == nil:
		return Invalid(field, "", "needs {Attr.Umask}: the caller chooses the mask otherwise")
	case signals == nil || signals.Mask == nil || !signals.AllDefault:
		return Invalid(field, "", "needs {Attr.Signals.AllDefault} and {Attr.Signals.Mask}: the caller chooses otherwise which signals the program ignores and blocks")
	}
	for _, name := range l.PassEnv {
		if isDangerous(name) {
			return Invalid("CompileOptions.PassEnv", name, "decides which code the program runs: {CompileOptions.Privileged} does not take it from the caller")
		}
	}
	for _, limit := range fixedLimits {
		if !slices.ContainsFunc(r.Attr.Rlimits, func(l Rlimit) bool { return l.Resource == limit }) {
			return Invalid(field, listing.ResourceName(limit), "needs this limit in {Attr.Rlimits}: the caller chooses it otherwise")
		}
	}
	return nil
}

// isDangerous reports whether a variable has a program run other code: as the C library and its
// loader, shells and interpreters take it.
func isDangerous(name string) bool {
	for _, prefix := range []string{"LD_", "BASH_", "PYTHON", "PERL5", "RUBY", "NODE_", "JAVA_", "GCONV_", "GLIBC_", "MALLOC_"} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return slices.Contains([]string{"PATH", "ENV", "IFS", "SHELLOPTS", "PS4", "PERLLIB", "PERLOPT", "LOCPATH", "NLSPATH", "HOSTALIASES",
		"RES_OPTIONS", "LOCALDOMAIN", "TMPDIR", "TZDIR", "RESOLV_HOST_CONF", "CLASSPATH", "GETCONF_DIR"}, name)
}
