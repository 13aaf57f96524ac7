//go:build linux

package main

import (
	"strings"

	"github.com/sprog-dev/sprog/internal/flags"
)

// A fieldFlags is a field and the flags that set it.
type fieldFlags struct{ field, flags string }

// flagsOfFields are the flags that set a field: what an error says about the
// field, it says here about those of them that were given. A name that ends in *
// stands for all flags that begin with it. Those behind a | are named where none before it was given. What is not listed is looked for
// under the field that it is part of.
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
	{"Attr.Signals", "default-signal ignore-signal block-signal signal-mask"},
	{"Attr.IDMap", "map-auto map-subids map-user map-group"},
	{"Attr.IDMap.Subordinate", "map-auto map-subids"},
	{"Attr.IDMap.Helpers", "map-user map-group map-auto map-subids"},
	{"Attr.IDMap.Setgroups", "setgroups"},

	{"Attr.Nice", "nice"},
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
	{"Attr.MDWE", "mdwe"},
	{"Attr.Landlock", "landlock-*"},
	{"Attr.Landlock.ABI", "landlock-abi"}, {"Attr.Landlock.BestEffort", "landlock-best-effort"},
	{"Attr.Seccomp.Programs", "seccomp-bpf"},
	{"Attr.Landlock.Ports", "landlock-bind-* landlock-connect-*"},
	{"Attr.Seccomp", "deny-syscall allow-syscall seccomp seccomp-bpf seccomp-log"},
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
	{"Attr.ForbidUserNamespaces", "disable-userns"},
	{"Attr.ReportNamespaces", "info-fd result result-fd"},
	{"Attr.Init", "init tty timeout cpu-time"},
	{"Ending.CPUTime", "cpu-time"},
}

// shortNames are fields that errors name by their last word alone.
var shortNames = [...]string{
	"SysProcAttr.Cloneflags", "SysProcAttr.Unshareflags", "SysProcAttr.Setsid", "SysProcAttr.Setpgid", "SysProcAttr.Setctty",
	"SysProcAttr.Foreground", "SysProcAttr.Ctty", "SysProcAttr.Chroot", "SysProcAttr.UidMappings", "SysProcAttr.GidMappings",
	"SysProcAttr.GidMappingsEnableSetgroups", "Attr.Cgroup.Evacuate", "Attr.Cgroup.Parent", "Attr.NoNewPrivs", "Attr.Caps.Bounding",
	"Attr.Caps.Permitted", "Attr.Caps.Inheritable",
}

// phrases replaces what errors say of namespaces by --unshare with their names.
func phrases() *strings.Replacer {
	var pairs []string
	for _, kind := range [][2]string{{"USER", "user"}, {"NET", "net"}, {"UTS", "uts"}, {"NS", "mount"}, {"PID", "pid"}, {"IPC", "ipc"}, {"TIME", "time"}} {
		flag, name := "CLONE_NEW"+kind[0], kind[1]
		for _, old := range []string{
			flag + " in Cloneflags or Unshareflags", "add " + flag + " to SysProcAttr.Cloneflags", flag + " in SysProcAttr.Cloneflags",
			flag + " in Cloneflags", flag + " in Unshareflags",
		} {
			with := "--unshare " + name
			if strings.HasPrefix(old, "add") {
				with = "add " + with
			}
			pairs = append(pairs, old, with)
		}
		pairs = append(pairs, "("+flag+")", "(--unshare "+name+")")
	}
	pairs = append(pairs, "SysProcAttr.GidMappingsEnableSetgroups allows", "--setgroups allow allows", "by Attr.Files", "by --fd")
	return strings.NewReplacer(pairs...)
}

// inFlags returns a translation of errors into the flags that a command line has.
func inFlags(line *flags.Line) func(text string) string {
	var given []string // until an error has to be told, nobody asks
	return func(text string) string {
		if given == nil {
			given = append(line.Names(), "")
		}
		if strings.Contains(text, " ") {
			text = phrases().Replace(text)
		}
		return translate(text, given)
	}
}

// translate replaces the names of fields by those of flags.
func translate(text string, given []string) string {
	var b strings.Builder
	for len(text) > 0 {
		n := strings.IndexFunc(text, func(r rune) bool { return !partOfName(r) })
		switch {
		case n < 0:
			n = len(text)
		case n == 0:
			b.WriteByte(text[0])
			text = text[1:]
			continue
		}
		b.WriteString(flagsFor(text[:n], given))
		text = text[n:]
	}
	return b.String()
}

func partOfName(r rune) bool {
	return 'A' <= r && r <= 'Z' || 'a' <= r && r <= 'z' || '0' <= r && r <= '9' || strings.ContainsRune("._/-[]", r)
}

// flagsFor is a word, or the flags if it is a field's name.
func flagsFor(word string, given []string) string {
	name := strings.TrimRight(word, ".")
	end := word[len(name):]
	for _, long := range shortNames {
		if strings.HasSuffix(long, "."+name) {
			name = long
		}
	}
	if plain, index, ok := strings.Cut(name, "["); ok && (plain == "Args" || plain == "Env") {
		number, _, _ := strings.Cut(index, "]")
		return map[string]string{"Args": "argument ", "Env": "variable "}[plain] + number + end
	}
	for {
		plain, _, _ := strings.Cut(name, "[")
		if flags := flagsOfField(plain); flags != nil {
			return "--" + strings.Join(choose(flags, given), ", --") + end
		}
		i := strings.LastIndexByte(name, '.')
		if i < 0 {
			return word
		}
		name = name[:i]
	}
}

func flagsOfField(field string) []string {
	for _, f := range flagsOfFields {
		if f.field == field {
			return strings.Fields(f.flags)
		}
	}
	return nil
}

// choose picks the flags that were given, or the first if none was: it is what
// one would have to give.
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
	if len(list) == 0 {
		list = []string{strings.TrimRight(flags[0], "*-")}
	}
	return list
}
