//go:build amd64 || arm64

package spec

// A Facility is the record of one field of Attr. Whoever goes through all facilities
// goes through this list, so that a new one signs up once. Its steps are in package
// compile, and their place among the others in the order there; tests look for its
// translation, its plan, its faults, its probe and its flags.
type Facility struct {
	Field string // of Attr

	// check refuses what no kernel could do.
	check func(*Start) *Error
	// stage reports whether the start takes a second stage: an image of its own.
	stage func(*Start) bool
	// proc reports whether a file of the caller's /proc is needed.
	proc func(*Start) bool
	// confines reports whether it keeps the program from something, which Confines
	// says in the words of Result.Protections. They name the group that several
	// fields belong to.
	confines func(*Start) bool
	Confines string

	// Everywhere says that every kernel and every process has it, so that there is
	// nothing to probe.
	Everywhere bool
	// NoFlag says why the command has no flag for it, or "".
	NoFlag string
}

// Facilities are all of them. Where several need the same, the first one is said to.
var Facilities = [...]Facility{
	{Field: "Init", stage: func(r *Start) bool { return r.Attr.Init != nil }},
	{Field: "OOMScoreAdj", check: (*Start).checkOOMScoreAdj, stage: asksOOMScore, proc: asksOOMScore},
	{Field: "CoredumpFilter", check: (*Start).checkCoredumpFilter, stage: asksCoredump, proc: asksCoredump},
	{Field: "MemoryMerge", stage: func(r *Start) bool { return r.Attr.MemoryMerge }},
	{Field: "THPDisable", check: (*Start).checkTHP, stage: func(r *Start) bool { return r.Attr.THPDisable != THPDisableNone }},
	{Field: "Scheduler", check: (*Start).checkScheduler, stage: func(r *Start) bool { return r.Attr.Scheduler.throttled() }},
	// /proc/self must be the child's own, whatever becomes of the parent's memory.
	{Field: "TimeOffsets", stage: asksTimeOffsets, proc: asksTimeOffsets},
	{Field: "Sysctls", check: (*Start).checkInside, proc: func(r *Start) bool { return len(r.Attr.Sysctls) > 0 }},
	{Field: "ReportNamespaces", proc: func(r *Start) bool { return r.Attr.ReportNamespaces != 0 }},
	{Field: "Join", check: (*Start).checkJoin, stage: func(r *Start) bool { return r.Named()&(TimeNamespace|MountNamespace) != 0 }},

	{Field: "Dirs", check: (*Start).checkDirs, Everywhere: true, NoFlag: "it is for the command bwrap"},
	{Field: "LookPath", check: (*Start).checkLookPath, Everywhere: true, NoFlag: "the command always looks the program up"},
	{Field: "Root", check: (*Start).checkRoot, stage: turnsStage, proc: mountsByName, confines: func(r *Start) bool { return r.Attr.Root != nil }, Confines: "view"},
	{Field: "Mounts", check: (*Start).checkMounts, stage: turnsStage, proc: mountsByName, confines: func(r *Start) bool { return len(r.Attr.Mounts) > 0 }, Confines: "view"},

	{Field: "Hostname"}, // with the others that are set inside
	{Field: "Domainname"},
	{Field: "Loopback"},
	{Field: "Sockets", check: (*Start).checkSockets, NoFlag: "it is for programs, which get them"},
	// The child waits in an image of its own: Meet may take long and start others, which memory that two share would hold up.
	{Field: "Meet", check: (*Start).checkMeet, stage: func(r *Start) bool { return r.Attr.Meet != nil }, NoFlag: "it is for programs"},
	{Field: "IDMap", check: (*Start).checkIDMap},

	{Field: "IDs", check: (*Start).checkIDs, confines: func(r *Start) bool { return r.Attr.IDs != nil }, Confines: "credentials"},
	{Field: "Groups", confines: func(r *Start) bool { return r.Attr.Groups != nil }, Confines: "groups"},
	{Field: "Caps", confines: func(r *Start) bool { return r.Attr.Caps != nil }, Confines: "capabilities"},
	{Field: "Securebits", check: (*Start).checkSecurebits, confines: func(r *Start) bool { return r.Attr.Securebits != nil }, Confines: "securebits"},
	{Field: "NoNewPrivs", confines: func(r *Start) bool { return r.Attr.NoNewPrivs }, Confines: "no_new_privs"},
	{Field: "DenyTIOCSTI", confines: func(r *Start) bool { return r.Attr.DenyTIOCSTI }, Confines: "no TIOCSTI"},
	{Field: "ForbidUserNamespaces", check: (*Start).checkForbid, proc: forbids, confines: forbids, Confines: "no user namespaces",
		stage: func(r *Start) bool { return forbids(r) && r.ChangesCredentials() }}, // /proc/self must be its own
	{Field: "UserNamespace", stage: (*Start).UserLast, Everywhere: true, NoFlag: "it is for the command bwrap"},
	{Field: "RefuseUserNamespaces", stage: func(r *Start) bool { return r.Attr.RefuseUserNamespaces }, Everywhere: true, NoFlag: "it is for the command bwrap"},
	{Field: "ExecLabel", check: (*Start).checkExecLabel, confines: func(r *Start) bool { return r.Attr.ExecLabel != nil }, Confines: "exec label"},
	{Field: "SessionKeyring", check: (*Start).checkKeyring, confines: func(r *Start) bool { return r.Attr.SessionKeyring != nil }, Confines: "session keyring"},
	{Field: "MDWE", stage: asksMDWE, confines: asksMDWE, Confines: "memory-deny-write-execute"},

	{Field: "Rlimits", check: (*Start).checkRlimits, confines: func(r *Start) bool { return len(r.Attr.Rlimits) > 0 }, Confines: "resource limits"},
	{Field: "Cgroup", check: (*Start).checkCgroup, confines: func(r *Start) bool { return r.Attr.Cgroup != nil }, Confines: "cgroup"},
	{Field: "CgroupV1", check: (*Start).checkCgroupV1, confines: func(r *Start) bool { return len(r.Attr.CgroupV1) > 0 }, Confines: "cgroup"},
	{Field: "Landlock", check: (*Start).checkLandlock}, // what it confines depends on the kernel: Birth.Landlock
	{Field: "Seccomp", check: (*Start).checkSeccomp, confines: func(r *Start) bool { return r.Attr.Seccomp != nil }, Confines: "seccomp"},
	{Field: "Nice", check: (*Start).checkNice},
	{Field: "CPUs", check: (*Start).checkCPUs},
	{Field: "NUMA", check: (*Start).checkNUMA},
	{Field: "IOPriority", check: (*Start).checkIOPriority},
	{Field: "TimerSlack", check: (*Start).checkTimerSlack},
	{Field: "CoreSched", check: (*Start).checkCoreSched},

	{Field: "Program"},
	{Field: "DirFile", check: (*Start).checkDirFile, Everywhere: true},
	{Field: "WaitFor", Everywhere: true},
	{Field: "Files", Everywhere: true},
	{Field: "Inherit", Everywhere: true},
	{Field: "InheritAll", Everywhere: true, NoFlag: "a shell gives each descriptor a number"},
	{Field: "Personality", check: (*Start).checkPersonality},
	{Field: "Signals", check: (*Start).checkSignals, Everywhere: true},
	{Field: "Umask", check: (*Start).checkUmask, Everywhere: true},
}

// turnsStage: in a root of its own the program could execute /proc/self/exe.
func turnsStage(r *Start) bool { return r.HasView() && !r.ExeIsSafe && r.MayHaveStages() }

func mountsByName(r *Start) bool { return r.HasView() && r.ByMount }

func asksOOMScore(r *Start) bool    { return r.Attr.OOMScoreAdj != nil }
func asksCoredump(r *Start) bool    { return r.Attr.CoredumpFilter != nil }
func asksMDWE(r *Start) bool        { return r.Attr.MDWE }
func asksTimeOffsets(r *Start) bool { return r.Attr.TimeOffsets != nil }
func forbids(r *Start) bool         { return r.Attr.ForbidUserNamespaces }

// Protections lists what keeps the program from something, in words that people know:
// what was applied of Landlock is not decided by what was asked for.
func (r *Start) Protections(landlock string) (list []string) {
	add := func(what string) {
		if len(list) == 0 || list[len(list)-1] != what { // a group that several fields belong to
			list = append(list, what)
		}
	}
	for _, k := range NamespaceKinds {
		if (r.Sys.Cloneflags|r.Sys.Unshareflags)&uintptr(k.Kind) != 0 {
			add(k.Kind.String() + " namespace")
		}
	}
	if r.Sys.Chroot != "" {
		add("chroot " + r.Sys.Chroot)
	}
	if r.Sys.Credential != nil {
		add("credentials")
	}
	if r.Sys.UseCgroupFD {
		add("cgroup")
	}
	for i := range Facilities {
		switch f := &Facilities[i]; {
		case f.confines != nil && f.confines(r):
			add(f.Confines)
		case f.Field == "Landlock" && landlock != "":
			add(landlock)
		}
	}
	return list
}
