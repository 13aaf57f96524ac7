//go:build linux

package main

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/sprog-dev/sprog"
	"github.com/sprog-dev/sprog/internal/flags"
	"github.com/sprog-dev/sprog/internal/terms"
)

// Package sprog speaks of fields, and the command of the flags that set them.

// A fieldFlags is a field and the flags that set it.
type fieldFlags struct{ field, flags string }

// flagsOfFields are the flags that set a field: what an error says about the
// field, it says here about those of them that were given. A name that ends in *
// stands for all flags that begin with it. Those behind a | are named where none before
// it was given. What is not listed is looked for under the field that it is part of.
var flagsOfFields = [...]fieldFlags{
	{"Dir", "dir"}, {"Args", "argv0"}, {"Env", "env"},
	{"Stdin", "stdin"}, {"Stdout", "stdout stdout-append"}, {"Stderr", "stderr stderr-append"},

	{"SysProcAttr.Chroot", "chroot"},
	{"SysProcAttr.Credential", "user group groups init-groups"},
	{"SysProcAttr.Credential.Groups", "groups init-groups"},
	{"SysProcAttr.Credential.NoSetGroups", "keep-groups"},
	{"SysProcAttr.Setsid", "setsid ctty ctty-fd tty"},
	{"SysProcAttr.Setpgid", "setpgid pgid"},
	{"SysProcAttr.Setctty", "ctty ctty-fd tty"},
	{"SysProcAttr.Noctty", "noctty"},
	{"SysProcAttr.Ctty", "ctty-fd foreground"},
	{"SysProcAttr.Foreground", "foreground"},
	{"SysProcAttr.Pgid", "pgid"},
	{"SysProcAttr.Pdeathsig", "pdeathsig"},
	{"SysProcAttr.Cloneflags", "unshare map-*"},
	{"SysProcAttr.Unshareflags", "unshare monotonic boottime"},
	{"SysProcAttr.UidMappings", "map-user map-root map-current map-auto map-subids"},
	{"SysProcAttr.GidMappings", "map-group map-root map-current map-auto map-subids"},
	{"SysProcAttr.GidMappingsEnableSetgroups", "setgroups"},
	{"SysProcAttr.AmbientCaps", "ambient"},
	{"SysProcAttr.UseCgroupFD", "cgroup"},
	{"SysProcAttr.CgroupFD", "cgroup"},

	{"Attr.Program", "exec-fd"},
	{"Attr.DirFile", "dir-fd"},
	{"Attr.Files.Path", "open"}, {"Attr.Files.Flags", "open"}, {"Attr.Files.Mode", "open"}, {"Attr.Files.Data", "data data-file stdin-text"},
	{"Attr.Files.Closed", "close-fd"}, {"Attr.Files.Dup", "fd stderr-to-stdout"}, {"Attr.Files.File", "fd"},
	{"Attr.Files", "open data data-file fd close-fd stdin-text stderr-to-stdout inherit-fds"},
	{"Attr.Inherit", "inherit-fds"},
	{"Attr.Rlimits", "rlimit"},
	{"Attr.Umask", "umask"},
	{"Attr.NoNewPrivs", "no-new-privs"},
	{"Attr.DenyTIOCSTI", "allow-tiocsti"},
	{"Attr.IDs", "ruid euid rgid egid"},
	{"Attr.IDs.RealUser", "ruid"},
	{"Attr.IDs.EffectiveUser", "euid"},
	{"Attr.IDs.RealGroup", "rgid"},
	{"Attr.IDs.EffectiveGroup", "egid"},
	{"Attr.Groups", "groups init-groups keep-groups egid"},
	{"Attr.Caps", "caps cap-add cap-drop bounding-set permitted effective inh-caps ambient-caps keep-caps"},
	{"Attr.Caps.Bounding", "bounding-set caps cap-add cap-drop"},
	{"Attr.Caps.Permitted", "permitted caps cap-add cap-drop"},
	{"Attr.Caps.Effective", "effective caps cap-add cap-drop"},
	{"Attr.Caps.Inheritable", "inh-caps caps cap-add cap-drop"},
	{"Attr.Caps.Ambient", "ambient-caps caps cap-add cap-drop"},
	{"Attr.Securebits", "securebits"},
	{"Attr.SessionKeyring", "new-keyring keyring"},
	{"Attr.ExecLabel.SELinux", "selinux-label"},
	{"Attr.ExecLabel.AppArmor", "apparmor-profile"},
	{"Attr.ExecLabel", "selinux-label apparmor-profile"},
	{"Attr.Personality", "personality no-aslr"},
	{"Attr.Signals.Ignore", "ignore-signal"}, {"Attr.Signals.AllDefault", "default-signal"}, {"Attr.Signals.Mask", "signal-mask block-signal"},
	{"Attr.Signals", "default-signal ignore-signal block-signal signal-mask"},
	{"Attr.IDMap", "map-auto map-subids map-user map-group"},
	{"Attr.IDMap.Last", "userns-last"},
	{"Attr.IDMap.Subordinate", "map-auto map-subids"},
	{"Attr.IDMap.Helpers", "map-user map-group map-auto map-subids"},
	{"Attr.IDMap.Setgroups", "setgroups"},

	{"Attr.Nice", "nice"},
	{"Attr.Scheduler.Policy", "sched"},
	{"Attr.Scheduler", "sched sched-* reset-on-fork uclamp-*"},
	{"Attr.Scheduler.Runtime", "sched-runtime"}, {"Attr.Scheduler.Deadline", "sched-deadline"}, {"Attr.Scheduler.Period", "sched-period"},
	{"Attr.Scheduler.UtilMin", "uclamp-min"}, {"Attr.Scheduler.UtilMax", "uclamp-max"},
	{"Attr.CPUs", "cpus"},
	{"Attr.NUMA", "numa"},
	{"Attr.IOPriority", "ionice"},
	{"Attr.OOMScoreAdj", "oom-score-adj"},
	{"Attr.TimerSlack", "timer-slack"},
	{"Attr.CoreSched", "core-sched"},
	{"Attr.THPDisable", "no-thp no-thp-except-advised"},
	{"Attr.MDWE", "mdwe"}, {"Attr.MemoryMerge", "memory-merge"}, {"Attr.CoredumpFilter", "coredump-filter"},
	{"Attr.Landlock", "landlock-*"},
	{"Attr.Landlock.ABI", "landlock-abi"}, {"Attr.Landlock.BestEffort", "landlock-best-effort"},
	{"Attr.Seccomp.Programs", "seccomp-bpf"}, {"Attr.Seccomp.Log", "seccomp-log"},
	{"Attr.Landlock.Files", "landlock-ro landlock-rox landlock-rw landlock-rwx landlock-rule landlock-access"},
	{"Attr.Landlock.Scopes", "landlock-scope"}, {"Attr.Landlock.Log", "landlock-log"},
	{"Attr.Landlock.Ports", "landlock-bind-* landlock-connect-*"},
	{"Attr.Seccomp", "deny-syscall allow-syscall seccomp seccomp-bpf seccomp-log restrict-* lock-personality"},
	{"Attr.Cgroup", "cgroup-* memory* swap pids cpu-* io-* cpuset-* hugetlb"},
	{"Attr.Cgroup.Parent", "cgroup-parent cgroup-new | cgroup-* memory* swap pids cpu-* io-* cpuset-* hugetlb"},
	{"Attr.Cgroup.Name", "cgroup-name"},
	{"Attr.Cgroup.Set", "cgroup-set memory* pids"},
	{"Attr.Cgroup.Evacuate", "cgroup-evacuate"},
	{"Attr.Cgroup.MemoryMax", "memory"}, {"Attr.Cgroup.MemoryHigh", "memory-high"}, {"Attr.Cgroup.MemoryLow", "memory-low"},
	{"Attr.Cgroup.MemoryMin", "memory-min"}, {"Attr.Cgroup.SwapMax", "swap"}, {"Attr.Cgroup.OOMGroup", "memory-oom-group"},
	{"Attr.Cgroup.PidsMax", "pids"}, {"Attr.Cgroup.CPUQuota", "cpu-max"}, {"Attr.Cgroup.CPUPeriod", "cpu-max"}, {"Attr.Cgroup.CPUWeight", "cpu-weight"},
	{"Attr.Cgroup.IOMax", "io-max"}, {"Attr.Cgroup.IOWeight", "io-weight"}, {"Attr.Cgroup.CPUs", "cpuset-cpus"}, {"Attr.Cgroup.Mems", "cpuset-mems"},
	{"Attr.Cgroup.HugeTLB", "hugetlb"}, {"Attr.Cgroup.Controllers", "cgroup-controllers"}, {"Attr.Cgroup.Keep", "cgroup-keep"},
	{"Attr.CgroupV1", "cgroup-v1"},
	{"Attr.Join", "join"},
	{"Attr.Hostname", "hostname"},
	{"Attr.Domainname", "domainname"},
	{"Attr.Sysctls", "sysctl"},
	{"Attr.Loopback", "loopback"},
	{"Attr.TimeOffsets", "monotonic boottime"},
	{"Attr.Root", "root read-only | bind ro-bind dev-bind tmpfs proc mount-proc dev overlay mask read-write data-at symlink system mount private-tmp private-home private-dev"},
	{"Attr.Root.Flags", "read-only"},
	{"Attr.Mounts", "bind ro-bind dev-bind tmpfs proc mount-proc dev overlay mask read-write data-at symlink system mount private-tmp private-home private-dev"},
	{"Attr.Mounts.Tmpfs", "tmpfs private-tmp private-home mount"}, {"Attr.Mounts.Proc", "proc mount-proc mount"},
	{"Attr.Mounts.Dev", "dev private-dev mount"}, {"Attr.Mounts.Overlay", "overlay mount"},
	{"Attr.Mounts.Kernel", "mount"}, {"Attr.Mounts.Data", "data-at mount"}, {"Attr.Mounts.Symlink", "symlink mount"},
	{"Attr.ForbidUserNamespaces", "disable-userns"},
	{"Attr.WaitFor", "hold"},
	{"Attr.ReportNamespaces", "info-fd result result-fd"},
	{"Attr.Init", "init tty timeout cpu-time output-limit"},
	{"Ending.CPUTime", "cpu-time"}, {"Ending.Timeout", "timeout"}, {"Ending.Output", "output-limit"}, {"Ending.Grace", "kill-after"}, {"Ending.Signal", "kill-signal"},
	{"Cmd.StartPTY", "tty"},
	{"CompileOptions.Freeze", "freeze"}, {"CompileOptions.Privileged", "privileged"}, {"CompileOptions.Arch", "arch"},
	{"CompileOptions.Cgroup", "cgroup"}, {"CompileOptions.PassEnv", "clear-env env"},
}

// phrases are what is said of fields that have no flag, and of fields with values.
var phrases = [...]struct{ reference, phrase string }{
	{"Path", "the program's path"},
	{"SysProcAttr.PidFD", "a pidfd of the program"},
	{"SysProcAttr.Ptrace", "a program that is traced"},
	{"Cmd.Wait", "waiting"},
	{"Cmd.KillTree", "ending all processes of the program"},
	{"CgroupHandle.Kill", "ending all processes of a cgroup"},
	{"Attr.Dirs", "one of several directories"}, {"Born", "telling of the process"}, {"Attr.Meet", "meeting the program before it runs"}, {"Attr.Sockets", "sockets in the program's network"},
	{"Attr.UserNamespace", "a user namespace to enter at the end"},
	{"Attr.RefuseUserNamespaces", "no more user namespaces"}, {"Attr.LookPath", "the PATH of the program"},
	{"Attr.Mounts.Create", "create in --mount"}, {"Attr.Mounts.IDMap", "idmap= in --mount"},
	{"ExtraFiles", "an inherited file"},
	{"Attr.InheritAll", "all descriptors"},
	{"Attr.IDMap.NewUIDMap", "the path of newuidmap"}, {"Attr.IDMap.NewGIDMap", "the path of newgidmap"},
	{"Attr.Join.Path", "a path"}, {"Attr.Join.File", "a file"}, {"Attr.Join.PID", "a process"}, {"Attr.Join.PidFD", "a pidfd"},
	{"Attr.Join.Kinds", "what is joined"},
	{"Attr.Landlock.Files.Rules.Path", "a path"}, {"Attr.Landlock.Files.Rules.File", "a file"},
	{"Attr.Seccomp.SpecAllow", "speculation under a filter"},
	{"Attr.Seccomp.WaitKillable", "a listener whose calls only a kill interrupts"},
	{"Attr.Seccomp: SCMP_ACT_NOTIFY", "a listener for system calls"},
	{"Attr.DenyTIOCSTI: true", "keeping TIOCSTI from the program"},

	{"SysProcAttr.GidMappingsEnableSetgroups: allow", "--setgroups allow"},
	{"Attr.Personality: ADDR_NO_RANDOMIZE", "--no-aslr"},
	{"Attr.Scheduler: SCHED_FIFO", "--sched fifo:1"}, {"Attr.Scheduler: SCHED_RR", "--sched rr:1"},
	{"Attr.Scheduler: SCHED_DEADLINE", "--sched deadline"}, {"Attr.Scheduler: SCHED_EXT", "--sched ext"},
	{"Attr.Scheduler.UtilMin: SchedUtilReset", "reset"},
	{"Attr.IOPriority: IOPRIO_CLASS_IDLE", "--ionice idle"}, {"Attr.IOPriority: IOPRIO_CLASS_RT", "--ionice rt"},
	{"Attr.THPDisable: except those advised", "--no-thp-except-advised"},
	{"Attr.Landlock.Files: LandlockRefer", "--landlock-access refer"},
	{"Attr.Landlock.Files: LandlockTruncate", "--landlock-access truncate"},
	{"Attr.Landlock.Files: LandlockIoctlDev", "--landlock-access ioctl-dev"},
	{"Attr.Landlock.Files: LandlockResolveUnix", "--landlock-access resolve-unix"},
	{"Attr.Landlock.Ports: TCP", "--landlock-bind-tcp, --landlock-connect-tcp"},
	{"Attr.Landlock.Ports: UDP", "--landlock-bind-udp, --landlock-connect-udp"},
}

// inFlags are the words of the command for what a line asks for.
func inFlags(line *flags.Line) terms.Words {
	var given []string // until there is something to tell, nobody asks
	return func(r terms.Reference) string {
		if given == nil {
			given = append(line.Names(), "")
		}
		if m, ok := line.Runner.(interface{ mountFlag(string) string }); ok {
			if name := m.mountFlag(r.Field); name != "" {
				return name
			}
		}
		return withValue(r.Field, flagsFor(r, given), line)
	}
}

// withValue adds the value to a flag that stands for one entry of a list: which one it is, the
// command says by that and not by a number.
func withValue(field, flag string, line *flags.Line) string {
	i, isEntry := entryOf(field)
	for _, g := range line.Given {
		if !isEntry || "--"+g.Name() != flag {
			continue
		}
		if i == 0 && g.HasValue && len(g.Value) <= longestValue {
			return flag + " " + terms.Printable(g.Value)
		}
		i--
	}
	return flag
}

// entryOf is the index of an entry that one flag makes.
func entryOf(field string) (i int, ok bool) {
	list, index, _ := strings.Cut(field, "[")
	number, isWhole := strings.CutSuffix(index, "]")
	i, err := strconv.Atoi(number)
	return i, isWhole && err == nil && slices.Contains(valueForValue[:], list)
}

// valueForValue are lists of which each value of a flag makes one entry, in order.
var valueForValue = [...]string{"Attr.Rlimits", "Attr.Sysctls"}

// longestValue is the longest value that a message shows.
const longestValue = 60

// flagsFor is how the command calls a field: by the flags that were given of those that set
// it, or by the first of them.
func flagsFor(r terms.Reference, given []string) string {
	if strings.HasPrefix(r.Field, "--") {
		return ofFlags(strings.Fields(r.Field), given)
	}
	if phrase := phraseFor(r); phrase != "" {
		return phrase
	}
	_, index, _ := strings.Cut(r.Field, "[")
	number, _, _ := strings.Cut(index, "]")
	name := withoutIndices(r.Field)
	switch {
	case name == "Args" && index != "":
		return "argument " + number
	case name == "Env" && index != "":
		return "variable " + number
	}
	for field := name; field != ""; field = field[:max(strings.LastIndexByte(field, '.'), 0)] {
		if flags := flagsOfField(field); flags != nil {
			return calledBy(field, flags, given)
		}
		if phrase := phraseFor(terms.Reference{Field: field}); phrase != "" {
			return phrase
		}
	}
	return r.Words
}

// mistake is an error about flags. In braces stand flags of which it names those that were given.
func mistake(text terms.Text) error { return terms.Message{Text: text} }

// ofFlags are those of some flags that were given, or all of them.
func ofFlags(flags, given []string) string {
	var named []string
	for _, flag := range flags {
		if slices.Contains(given, strings.TrimPrefix(flag, "--")) {
			named = append(named, flag)
		}
	}
	if named == nil {
		named = flags
	}
	last := len(named) - 1
	if last == 0 {
		return named[0]
	}
	return strings.Join(named[:last], ", ") + " and " + named[last]
}

// calledBy is a field by the flags that were given of those that set it. Otherwise the first
// is what one would have to give; but each program has the standard streams.
func calledBy(field string, flags, given []string) string {
	chosen := choose(flags, given)
	switch {
	case chosen == nil && strings.HasPrefix(field, "Std"):
		return strings.ToLower(field)
	case chosen == nil:
		chosen = flags[:1]
	}
	return "--" + strings.Join(chosen, ", --")
}

// phraseFor is what is said of a field instead of its flags, or "".
func phraseFor(r terms.Reference) string {
	field := withoutIndices(r.Field)
	switch kind, namespace := strings.CutPrefix(r.Value, "CLONE_NEW"); {
	case namespace && kind == "NS":
		return "--unshare mount"
	case namespace:
		return "--unshare " + strings.ToLower(kind)
	case r.Value != "":
		field += ": " + r.Value
	}
	for _, p := range phrases {
		if p.reference == field {
			return p.phrase
		}
	}
	return ""
}

// withoutIndices is the name of the field that an entry belongs to, or a field of one.
func withoutIndices(field string) string {
	before, after, indexed := strings.Cut(field, "[")
	if !indexed {
		return field
	}
	_, behind, _ := strings.Cut(after, "]")
	return before + behind
}

func flagsOfField(field string) []string {
	for _, f := range flagsOfFields {
		if f.field == field {
			return strings.Fields(f.flags)
		}
	}
	return nil
}

// choose picks the flags that were given.
func choose(flags, given []string) (list []string) {
	for _, pattern := range flags {
		if pattern == "|" && len(list) > 0 {
			break
		}
		for _, name := range given {
			begin, all := strings.CutSuffix(pattern, "*")
			if name == pattern || all && strings.HasPrefix(name, begin) {
				list = append(list, name)
			}
		}
	}
	return list
}

// said is what an error says in these words.
func said(err error, words terms.Words) string { return terms.Of(err).In(words) }

// refusal is what the command says of a start that is refused before anything runs: the flag as
// it was given, and what is wrong with it. It is "" for other errors.
func refusal(err error, line *flags.Line, words terms.Words) string {
	var start *sprog.StartError
	if words == nil || !errors.As(err, &start) || start.Step != "" || start.Field == "" {
		return ""
	}
	var m terms.Message
	start.As(&m)
	flag := fieldInWords(start.Field, words, nil)
	reason := terms.Of(start.Err).In(words)
	if hint := m.Hint.In(words); hint != "" {
		reason += " (" + hint + ")"
	}
	value := ""
	if _, isEntry := entryOf(start.Field); isEntry {
		flag, value, _ = strings.Cut(flag, " ")
	} else {
		value = valueGiven(line, flag, start.Object)
	}
	if first, _, _ := strings.Cut(reason, " "); strings.Contains(verbs, " "+first+" ") && start.Object != "" && start.Object != value {
		reason = start.Object + " " + reason
	} else if value == "" || !strings.Contains(value, start.Object) {
		reason = strings.TrimPrefix(start.Object+": ", ": ") + reason
	}
	return strings.TrimSuffix(flag+" "+terms.Printable(value), " ") + ": " + reason
}

// verbs are what a reason begins with that has the object for its subject.
const verbs = " is has are was needs maps overlaps belongs gives denies takes cannot does must names lies "

// valueGiven is the value of a flag that was given once, or once with the object in it.
func valueGiven(line *flags.Line, flag, object string) (value string) {
	found := 0
	for _, wanted := range []string{object, ""} {
		for _, g := range line.Given {
			if "--"+g.Name() == flag && g.HasValue && strings.Contains(g.Value, wanted) && found == 0 {
				value = g.Value
				found++
			} else if "--"+g.Name() == flag && strings.Contains(g.Value, wanted) {
				found++
			}
		}
		if found > 0 {
			break
		}
	}
	if found != 1 || len(value) > longestValue {
		return ""
	}
	return value
}

// fieldInWords is what a field is called, if there is one. Where the command is known, an
// entry of its files is called by the flag that it comes from.
func fieldInWords(field string, words terms.Words, cmd *sprog.Cmd) string {
	if field == "" {
		return ""
	}
	if index, is := strings.CutPrefix(field, "Attr.Files["); is && cmd != nil {
		if i, err := strconv.Atoi(strings.TrimSuffix(index, "]")); err == nil && i < len(cmd.Attr.Files) {
			field += "." + sourceOf(&cmd.Attr.Files[i])
		}
	}
	return terms.Field(field).In(words)
}

// sourceOf is the field that says where a file comes from.
func sourceOf(f *sprog.File) string {
	switch {
	case f.Path != "":
		return "Path"
	case f.Data != nil:
		return "Data"
	case f.Dup != nil:
		return "Dup"
	case f.Closed:
		return "Closed"
	}
	return "File"
}

// A saidError is an error in the words of the command. What it says of a start, it says in
// them, too.
type saidError struct {
	text  string
	cause error
	start *sprog.StartError // or nil
}

// inWords is an error in these words.
func inWords(err error, words terms.Words) error {
	var start *sprog.StartError
	if err == nil || words == nil || !errors.As(err, &start) {
		return err
	}
	var m terms.Message
	start.As(&m)
	told := *start
	told.Field, told.Hint = fieldInWords(start.Field, words, nil), m.Hint.In(words)
	return saidError{said(err, words), err, &told}
}

func (e saidError) Error() string   { return e.text }
func (e saidError) Unwrap() []error { return []error{e.start, e.cause} }
