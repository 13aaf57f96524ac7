//go:build amd64 || arm64

package sprog

import (
	"os"
	"runtime"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/explain"
)

var failingRights = []failing{
	{asked: "Another user, by an ordinary one", make: sysOf(&syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 1000, Gid: 1000}}), by: ordinary,
		want: "sprog: start /bin/true: setgroups (SysProcAttr.Credential): operation not permitted (to set or drop supplementary groups takes CAP_SETGID, which this process does not have; SysProcAttr.Credential.NoSetGroups leaves them as they are)"},
	{asked: "The same, with the groups left as they are", make: sysOf(&syscall.SysProcAttr{
		Credential: &syscall.Credential{Uid: 1000, Gid: 1000, NoSetGroups: true}}), by: ordinary,
		want: "sprog: start /bin/true: setgid 1000 (SysProcAttr.Credential): operation not permitted (to become another group takes CAP_SETGID, which this process does not have)"},
	{asked: "And with the group left, too", make: sysOf(&syscall.SysProcAttr{
		Credential: &syscall.Credential{Uid: 1000, Gid: 65534, NoSetGroups: true}}), by: ordinary,
		want: "sprog: start /bin/true: setuid 1000 (SysProcAttr.Credential): operation not permitted (to become another user takes CAP_SETUID, which this process does not have)"},
	{asked: "A user that the new user namespace does not have", make: sysOf(&syscall.SysProcAttr{
		Cloneflags: unix.CLONE_NEWUSER, UidMappings: oneID(0, 65534), GidMappings: oneID(0, 65534),
		Credential: &syscall.Credential{Uid: 1000, NoSetGroups: true}}), by: ordinary, needs: []*requirement{userNamespaces},
		want: "sprog: start /bin/true: setuid 1000 (SysProcAttr.Credential): invalid argument (user 1000 does not exist in the new user namespace: no line of SysProcAttr.UidMappings has it inside)"},
	{asked: "Groups in a new user namespace", make: sysOf(&syscall.SysProcAttr{
		Cloneflags: unix.CLONE_NEWUSER, UidMappings: oneID(0, 65534), GidMappings: oneID(0, 65534),
		Credential: &syscall.Credential{Groups: []uint32{0}}}), by: ordinary, needs: []*requirement{userNamespaces},
		want: "sprog: start /bin/true: setgroups 0 (SysProcAttr.Credential): operation not permitted (setgroups is denied in the new user namespace; SysProcAttr.GidMappingsEnableSetgroups allows it, which takes CAP_SETGID outside, or newgidmap, by Attr.IDMap.Helpers)"},
	{asked: "An ambient capability that the caller does not have", make: sysOf(&syscall.SysProcAttr{
		AmbientCaps: []uintptr{unix.CAP_NET_BIND_SERVICE}}), by: ordinary,
		want: "sprog: start /bin/true: capset (SysProcAttr.AmbientCaps): operation not permitted (CAP_NET_BIND_SERVICE is not permitted to this process, which can hand on only what it has itself)"},
	{asked: "An ambient capability that is not in the bounding set", make: func(*scene) *Cmd {
		runtime.LockOSThread() // it is the thread's, which makes the launch
		must(unix.Prctl(unix.PR_CAPBSET_DROP, unix.CAP_NET_RAW, 0, 0, 0))
		return &Cmd{Path: "/bin/true", SysProcAttr: &syscall.SysProcAttr{AmbientCaps: []uintptr{unix.CAP_NET_RAW}}}
	}, by: byRoot,
		want: "sprog: start /bin/true: capset (SysProcAttr.AmbientCaps): operation not permitted (CAP_NET_RAW is not in this process's bounding set, and so not to be inherited: see CapBnd in /proc/self/status)"},
	{asked: "An effective capability that the caller does not have", make: attrOf(&Attr{
		Caps: &Caps{Effective: CapSet{Add: []string{"CAP_NET_ADMIN"}}}}), by: ordinary,
		want: "sprog: start /bin/true: CAP_NET_ADMIN (Attr.Caps.Effective): is not permitted to this process"},
	{asked: "A bounding set without one, by an ordinary user", make: attrOf(&Attr{
		Caps: &Caps{Bounding: CapSet{Drop: []string{"CAP_NET_ADMIN"}}}}), by: ordinary,
		want: "sprog: start /bin/true: CAP_NET_ADMIN (Attr.Caps.Bounding): cannot be dropped without CAP_SETPCAP"},
	{asked: "A securebit, by an ordinary user", make: attrOf(&Attr{Securebits: &Securebits{Add: []string{"noroot"}}}), by: ordinary,
		want: "sprog: start /bin/true: (Attr.Securebits): cannot be changed without CAP_SETPCAP"},
	{asked: "A limit above the hard limit", make: func(*scene) *Cmd {
		must(unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{Cur: 100, Max: 100}))
		return &Cmd{Path: "/bin/true", Attr: &Attr{Rlimits: []Rlimit{{Resource: unix.RLIMIT_CORE, Cur: 200, Max: 200}}}}
	}, by: ordinary,
		want: "sprog: start /bin/true: prlimit64 RLIMIT_CORE (Attr.Rlimits[0]): operation not permitted (the hard limit is 100, and to raise it to 200 takes CAP_SYS_RESOURCE)"},
	{asked: "One process more than the user may have", make: func(*scene) *Cmd {
		crowd(40)
		return &Cmd{Path: "/bin/true"}
	}, by: byRoot,
		want: "sprog: start /bin/true: clone3: resource temporarily unavailable (user 1000 has as many processes and threads as RLIMIT_NPROC allows, which is 40)"},
	{asked: "An init whose user may have no second process", make: simple(Cmd{
		SysProcAttr: &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 54322, Gid: 54322}},
		Attr:        &Attr{Init: &Init{}, Rlimits: []Rlimit{{Resource: unix.RLIMIT_NPROC, Cur: 1, Max: 1}}},
	}), by: byRoot,
		want: "sprog: start /bin/true: clone CLONE_VM|CLONE_CHILD_CLEARTID|CLONE_VFORK (Attr.Init): resource temporarily unavailable (likely RLIMIT_NPROC: it allows user 54322 no more than 1 processes and threads, and the init is one of them)"},
	{asked: "A nice value of -5, by an ordinary user", make: attrOf(&Attr{Nice: new(-5)}), by: ordinary, world: withoutAny(unix.RLIMIT_NICE),
		want: "sprog: start /bin/true: setpriority -5 (Attr.Nice): permission denied (a nice value of -5 takes CAP_SYS_NICE or a RLIMIT_NICE of 25; it is 0)"},
	{asked: "A real-time policy, by an ordinary user", make: attrOf(&Attr{Scheduler: &Scheduler{Policy: SchedFIFO, Priority: 10}}),
		by: ordinary, world: withoutAny(unix.RLIMIT_RTPRIO),
		want: "sprog: start /bin/true: sched_setattr SCHED_FIFO (Attr.Scheduler): operation not permitted (SCHED_FIFO takes CAP_SYS_NICE or a RLIMIT_RTPRIO of 10, which is 0; in a cgroup of the cpu controller also a cpu.rt_runtime_us that is not 0)"},
	{asked: "Real-time I/O, by an ordinary user", make: attrOf(&Attr{IOPriority: &IOPriority{Class: IORealTime}}), by: ordinary,
		want: "sprog: start /bin/true: ioprio_set IOPRIO_PRIO_VALUE(IOPRIO_CLASS_RT, 0) (Attr.IOPriority): operation not permitted (IOPRIO_CLASS_RT takes CAP_SYS_NICE or CAP_SYS_ADMIN)"},
	{asked: "To be spared by the OOM killer, by an ordinary user", make: func(*scene) *Cmd {
		must(os.WriteFile("/proc/self/oom_score_adj", []byte("500"), 0))
		return &Cmd{Path: "/bin/true", Attr: &Attr{OOMScoreAdj: new(-1000)}}
	}, by: ordinary,
		want: `sprog: start /bin/true: write self/oom_score_adj "-1000" (Attr.OOMScoreAdj): permission denied (a value below the one that is inherited, 500, takes CAP_SYS_RESOURCE)`},
}

// withoutAny has the process that makes the launch run with a limit of 0.
func withoutAny(resource int) func(*Cmd) {
	return func(c *Cmd) { c.Attr.Rlimits = append(c.Attr.Rlimits, Rlimit{Resource: resource}) }
}

// crowd becomes a user that nobody else is, and who has as many processes and
// threads as he may.
func crowd(most int) {
	uid := aloneFrom + os.Getpid()
	must(syscall.Setgid(uid))
	must(syscall.Setuid(uid))
	var ready, done sync.WaitGroup
	ready.Add(16)
	done.Add(1)
	for range 16 { // threads for the runtime: it cannot have more later, and would not go on
		go func() {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			ready.Done()
			done.Wait()
		}()
	}
	ready.Wait()
	done.Done()
	for explain.ThreadsOf(uid) < most {
		c := Command("/bin/sleep", "60")
		c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
		must(c.Start())
	}
	must(unix.Setrlimit(unix.RLIMIT_NPROC, &unix.Rlimit{Cur: uint64(most), Max: uint64(most)}))
}

const aloneFrom = 20_000_000
