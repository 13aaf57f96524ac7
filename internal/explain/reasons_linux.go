//go:build amd64 || arm64

package explain

import (
	"github.com/sprog-dev/sprog/internal/program"
	"github.com/sprog-dev/sprog/internal/terms"
)

// A reason is registered by the origin of a step: see [program.Program.Origin]. Those
// of other origins are not asked, whatever call the step makes.
type reason struct {
	origin program.Origin
	step   string // the one that it is for, or "" for all of the origin's
	find   func(Failure) terms.Text
}

// reasons are all of them, by their origins. Where there are several they are asked
// in turn.
var reasons = [...]reason{
	{program.OfBirth, "", Failure.birthHint},
	{program.OfStage, "", Failure.stageHint},
	{program.OfRoot, "mount", Failure.privateRootHint},

	{"Attr.Root", "", Failure.viewHint},
	{"Attr.Mounts", "", Failure.viewHint},

	{program.OfProgram, "", Failure.deniedProgramHint},
	{program.OfProgram, "", Failure.lockedProgramHint},
	{program.OfProgram, "", Failure.execHint},
	{program.OfProgram, "", Failure.labelledProgramHint},

	{"SysProcAttr.Cloneflags", "unshare", Failure.unshareHint},
	{"SysProcAttr.Unshareflags", "unshare", Failure.unshareHint},
	{"SysProcAttr.UidMappings", "write", Failure.ownMapHint},
	{"SysProcAttr.GidMappings", "write", Failure.ownMapHint},
	{"SysProcAttr.GidMappingsEnableSetgroups", "write", Failure.ownMapHint},
	{"SysProcAttr.Chroot", "chroot", Failure.chrootHint},
	{"SysProcAttr.Chroot", "chdir", Failure.chdirHint},
	{"SysProcAttr.Credential", "setgroups", Failure.setgroupsHint},
	{"SysProcAttr.Credential", "setgid", Failure.userHint},
	{"SysProcAttr.Credential", "setuid", Failure.userHint},
	{"SysProcAttr.AmbientCaps", "", Failure.capsHint},
	{"SysProcAttr.Setsid", "setsid", Failure.setsidHint},
	{"SysProcAttr.Setpgid", "setpgid", Failure.setpgidHint},
	{"SysProcAttr.Foreground", "setpgid", Failure.setpgidHint},
	{"SysProcAttr.Foreground", "ioctl", Failure.foregroundHint},
	{"SysProcAttr.Setctty", "ioctl", Failure.setcttyHint},
	{"SysProcAttr.Noctty", "ioctl", Failure.nocttyHint},
	{"SysProcAttr.Ptrace", "ptrace", Failure.ptraceHint},
	{"SysProcAttr.CgroupFD", "write", Failure.moveHint},

	{"Dir", "", Failure.chdirHint},
	{"Attr.Dirs", "", Failure.chdirHint},
	{"Attr.DirFile", "fchdir", Failure.fchdirHint},
	{"Stdin", "openat", Failure.nullHint},
	{"Stdout", "openat", Failure.nullHint},
	{"Stderr", "openat", Failure.nullHint},
	{"Attr.Files", "openat", Failure.openHint},

	{"Attr.Join", "setns", Failure.setnsHint},
	{"Attr.IDMap", "write", Failure.ownMapHint},
	{"Attr.ForbidUserNamespaces", "unshare", Failure.unshareHint},
	{"Attr.UserNamespace", "setns", Failure.setnsHint},
	{"Attr.RefuseUserNamespaces", "unshare", Failure.madeUserNamespace},
	{"Attr.Hostname", "sethostname", Failure.hostnameHint},
	{"Attr.Domainname", "setdomainname", Failure.hostnameHint},
	{"Attr.Sysctls", "openat", Failure.sysctlHint},
	{"Attr.Sysctls", "write", Failure.sysctlValueHint},
	{"Attr.Loopback", "ioctl", Failure.loopbackHint},
	{"Attr.Sockets", "socket", Failure.socketHint},
	{"Attr.Sockets", "openat", Failure.deviceHint},
	{"Attr.Sockets", "sendmsg", Failure.sentHint},

	{"Attr.Groups", "setgroups", Failure.setgroupsHint},
	{"Attr.IDs", "setresgid", Failure.userHint},
	{"Attr.IDs", "setresuid", Failure.userHint},
	{"Attr.Caps", "", Failure.capsHint},
	{"Attr.Securebits", "prctl", Failure.securebitsHint},
	{"Attr.SessionKeyring", "keyctl", Failure.keyringHint},
	{"Attr.ExecLabel", "", Failure.labelHint},
	{"Attr.MDWE", "prctl", Failure.mdweHint},
	{"Attr.Seccomp", "seccomp", Failure.seccompHint},
	{"Attr.Seccomp", "prctl", Failure.seccompHint},
	{"Attr.DenyTIOCSTI", "seccomp", Failure.seccompHint},
	{"Attr.Landlock", "openat", Failure.openHint},
	{"Attr.Landlock", "", Failure.landlockHint},

	{"Attr.Rlimits", "prlimit64", Failure.rlimitHint},
	{"Attr.Cgroup", "write", Failure.moveHint},
	{"Attr.CgroupV1", "write", Failure.moveHint},
	{"Attr.Nice", "setpriority", Failure.niceHint},
	{"Attr.Scheduler", "sched_setattr", Failure.policyHint},
	{"Attr.CPUs", "sched_setaffinity", Failure.affinityHint},
	{"Attr.NUMA", "set_mempolicy", Failure.numaHint},
	{"Attr.IOPriority", "ioprio_set", Failure.ioPriorityHint},
	{"Attr.OOMScoreAdj", "write", Failure.oomScoreHint},
	{"Attr.CoredumpFilter", "openat", Failure.coredumpHint},
	{"Attr.MemoryMerge", "prctl", Failure.mergeHint},
	{"Attr.CoreSched", "prctl", Failure.coreSchedHint},
	{"Attr.THPDisable", "prctl", Failure.thpHint},
	{"Attr.Init", "prctl", Failure.subreaperHint},
}

// Origins are all that steps can be of, and whether reasons are registered for it.
func Origins() map[program.Origin]bool {
	all := map[program.Origin]bool{}
	for _, origin := range plainErrnos {
		all[origin] = false
	}
	for i := range reasons {
		all[reasons[i].origin] = true
	}
	return all
}

// plainErrnos are the origins whose errnos say all that there is to say, or that have
// none.
var plainErrnos = [...]program.Origin{
	"", // what every start does
	"SysProcAttr.Ctty", "SysProcAttr.Pdeathsig", "Files", "ExtraFiles", "Attr.Program", "Attr.Inherit", "Attr.InheritAll",
	"Attr.TimeOffsets", "Attr.ReportNamespaces", "Attr.NoNewPrivs", "Attr.Personality", "Attr.Signals", "Attr.Umask", "Attr.TimerSlack",
	"Attr.WaitFor", "Attr.Meet",
}
