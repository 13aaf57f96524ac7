//go:build linux && (amd64 || arm64)

package sprog_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/sprog-dev/sprog"
)

// asked prints the steps of a start that fields ask for whose names begin with a text:
// all of them, or those that are certain calls. It starts nothing.
func asked(cmd *sprog.Cmd, field string, calls ...string) {
	plan, err := cmd.Plan()
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, step := range plan.Steps {
		if strings.HasPrefix(step.Field, field) && (calls == nil || slices.Contains(calls, step.Call)) {
			fmt.Println(step.Text)
		}
	}
}

// The program keeps one capability, whatever its user.
func ExampleCaps() {
	cmd := sprog.Command("/bin/true")
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	cmd.Attr = &sprog.Attr{Caps: &sprog.Caps{Ambient: sprog.CapSet{Add: []string{"net_bind_service"}}}}
	asked(cmd, "Attr.Caps", "prctl")
	// Output:
	// prctl(PR_SET_KEEPCAPS, 1)
	// prctl(PR_SET_DUMPABLE, SUID_DUMP_DISABLE)
	// prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)
	// prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_NET_BIND_SERVICE, 0, 0)
}

// To drop all and to add a list makes a set exactly that list.
func ExampleCapSet() {
	cmd := sprog.Command("/bin/true")
	only := sprog.CapSet{Drop: []string{"all"}, Add: []string{"CAP_NET_RAW"}}
	cmd.Attr = &sprog.Attr{Caps: &sprog.Caps{Inheritable: only, Ambient: sprog.CapSet{Drop: []string{"all"}}}}
	asked(cmd, "Attr.Caps")
	// Output:
	// capget({version=_LINUX_CAPABILITY_VERSION_3, pid=0}, own)
	// capset({version=_LINUX_CAPABILITY_VERSION_3, pid=0}, {effective=$7, permitted=$7, inheritable=1<<CAP_NET_RAW})
	// prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)
}

// Flags of root that a program cannot take back.
func ExampleSecurebits() {
	cmd := sprog.Command("/bin/true")
	cmd.Attr = &sprog.Attr{Securebits: &sprog.Securebits{Add: []string{"noroot", "noroot-locked"}}}
	asked(cmd, "Attr.Securebits")
	// Output:
	// prctl(PR_GET_SECUREBITS, 0)
	// prctl(PR_SET_SECUREBITS, $7 | 0x3)
}

func ExampleIDs() {
	cmd := sprog.Command("/bin/true")
	cmd.Attr = &sprog.Attr{IDs: &sprog.IDs{RealUser: new(uint32(1000)), EffectiveUser: new(uint32(65534))}}
	asked(cmd, "Attr.IDs")
	// Output: setresuid(1000, 65534, 65534)
}

// The zero value is no groups at all.
func ExampleGroups() {
	cmd := sprog.Command("/bin/true")
	cmd.Attr = &sprog.Attr{Groups: &sprog.Groups{List: []string{"root", "4242"}}}
	asked(cmd, "Attr.Groups")
	cmd.Attr.Groups = &sprog.Groups{}
	asked(cmd, "Attr.Groups")
	// Output:
	// setgroups(2, [0, 4242])
	// setgroups(0, [])
}

func ExampleSessionKeyring() {
	cmd := sprog.Command("/bin/true")
	cmd.Attr = &sprog.Attr{SessionKeyring: &sprog.SessionKeyring{}} // a new one, without a name
	asked(cmd, "Attr.SessionKeyring")
	// Output: keyctl(KEYCTL_JOIN_SESSION_KEYRING, NULL)
}

// A label that the kernel has no module for is refused before anything runs.
func ExampleExecLabel() {
	cmd := sprog.Command("/bin/true")
	cmd.Attr = &sprog.Attr{ExecLabel: &sprog.ExecLabel{SELinux: "a\x00b"}}
	fmt.Println(cmd.Run())
	// Output: sprog: start /bin/true: "a\x00b" (Attr.ExecLabel.SELinux): contains a NUL byte
}

// The program finds itself on a 32-bit machine, with its memory always at the same place.
func ExamplePersonality() {
	cmd := sprog.Command("/bin/true")
	cmd.Attr = &sprog.Attr{Personality: new(sprog.Linux32 | sprog.AddrNoRandomize)}
	asked(cmd, "Attr.Personality")
	// Output: personality(PER_LINUX32|ADDR_NO_RANDOMIZE)
}

func ExampleSignals() {
	cmd := sprog.Command("grep", "-E", "SigBlk|SigIgn", "/proc/self/status")
	cmd.Attr = &sprog.Attr{Signals: &sprog.Signals{
		Mask:       []syscall.Signal{syscall.SIGUSR1}, // exactly this one is blocked
		Ignore:     []syscall.Signal{syscall.SIGHUP},
		AllDefault: true, // but for those above
	}}
	out, err := cmd.Output()
	fmt.Printf("%s%v\n", out, err)
	// Output:
	// SigBlk:	0000000000000200
	// SigIgn:	0000000000000001
	// <nil>
}

func ExampleScheduler() {
	cmd := sprog.Command("/bin/true")
	cmd.Attr = &sprog.Attr{Scheduler: &sprog.Scheduler{Policy: sprog.SchedFIFO, Priority: 10, ResetOnFork: true}}
	asked(cmd, "Attr.Scheduler")
	// Output: sched_setattr(0, {sched_policy=SCHED_FIFO, sched_flags=SCHED_FLAG_RESET_ON_FORK, sched_priority=10}, 0)
}

// A policy for what may wait.
func ExampleSchedPolicy() {
	cmd := sprog.Command("/bin/true")
	cmd.Attr = &sprog.Attr{Nice: new(19), Scheduler: &sprog.Scheduler{Policy: sprog.SchedBatch}}
	asked(cmd, "Attr.Nice")
	asked(cmd, "Attr.Scheduler")
	// Output:
	// setpriority(PRIO_PROCESS, 0, 19)
	// sched_getattr(0, own, 56, 0)
	// sched_setattr(0, {sched_policy=SCHED_BATCH, sched_flags=0, sched_nice=own.sched_nice}, 0)
}

func ExampleIOPriority() {
	cmd := sprog.Command("/bin/true")
	cmd.Attr = &sprog.Attr{IOPriority: &sprog.IOPriority{Class: sprog.IOBestEffort, Level: 7}}
	asked(cmd, "Attr.IOPriority")
	// Output: ioprio_set(IOPRIO_WHO_PROCESS, 0, IOPRIO_PRIO_VALUE(IOPRIO_CLASS_BE, 7))
}

// The program gets the disk when nobody else wants it.
func ExampleIOClass() {
	cmd := sprog.Command("/bin/true")
	cmd.Attr = &sprog.Attr{IOPriority: &sprog.IOPriority{Class: sprog.IOIdle}}
	asked(cmd, "Attr.IOPriority")
	// Output: ioprio_set(IOPRIO_WHO_PROCESS, 0, IOPRIO_PRIO_VALUE(IOPRIO_CLASS_IDLE, 0))
}

func ExampleNUMA() {
	cmd := sprog.Command("/bin/true")
	cmd.Attr = &sprog.Attr{NUMA: &sprog.NUMA{Mode: sprog.NUMABind, Nodes: []int{0, 1}, StaticNodes: true}}
	asked(cmd, "Attr.NUMA")
	// Output:
	// set_mempolicy(MPOL_BIND|MPOL_F_STATIC_NODES, [0-1], 65)
	// get_mempolicy(NULL, allowed, 1025, NULL, 0)
}

// Some modes take no nodes.
func ExampleNUMAMode() {
	cmd := sprog.Command("/bin/true")
	cmd.Attr = &sprog.Attr{NUMA: &sprog.NUMA{Mode: sprog.NUMALocal}}
	asked(cmd, "Attr.NUMA")
	// Output: set_mempolicy(MPOL_LOCAL, NULL, 0)
}

func ExampleCoreSched() {
	cmd := sprog.Command("/bin/true")
	cmd.Attr = &sprog.Attr{CoreSched: &sprog.CoreSched{}} // a new group
	asked(cmd, "Attr.CoreSched")
	// Output: prctl(PR_SCHED_CORE, PR_SCHED_CORE_CREATE, 0, 0, 0)
}

func ExampleTHPDisable() {
	cmd := sprog.Command("/bin/true")
	cmd.Attr = &sprog.Attr{THPDisable: sprog.THPDisableExceptAdvised}
	asked(cmd, "Attr.THPDisable", "prctl")
	// Output:
	// prctl(PR_SET_NAME, "sprog/second")
	// prctl(PR_SET_THP_DISABLE, 1, PR_THP_DISABLE_EXCEPT_ADVISED, 0, 0)
}

// A core file has the program's own data, and no shared memory.
func ExampleCoredumpFilter() {
	cmd := sprog.Command("/bin/true")
	cmd.Attr = &sprog.Attr{CoredumpFilter: new(sprog.DumpAnonymousPrivate | sprog.DumpELFHeaders)}
	asked(cmd, "Attr.CoredumpFilter", "write")
	// Output: write($15, "0x11", 4)
}

// Root inside is the caller, and no group can be dropped.
func ExampleIDMap() {
	cmd := sprog.Command("/bin/true")
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  uintptr(sprog.UserNamespace),
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: 1000, Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: 1000, Size: 1}},
	}
	cmd.Attr = &sprog.Attr{IDMap: &sprog.IDMap{Setgroups: sprog.SetgroupsDeny}}
	asked(cmd, "", "write")
	// Output:
	// write("/proc/CHILD/uid_map", "0 1000 1\n", 9)
	// write("/proc/CHILD/setgroups", "deny", 4)
	// write("/proc/CHILD/gid_map", "0 1000 1\n", 9)
}

// Nothing is delegated to a user that nobody has heard of.
func ExampleSubordinateIDs() {
	cmd := sprog.Command("/bin/true")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: uintptr(sprog.UserNamespace)}
	cmd.Attr = &sprog.Attr{IDMap: &sprog.IDMap{Subordinate: sprog.SubordinateIDsFill, Login: "nobody has this name"}}
	fmt.Println(cmd.Run() != nil)
	// Output: true
}

func ExampleSetgroupsPolicy() {
	cmd := sprog.Command("/bin/true")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: uintptr(sprog.UserNamespace)}
	cmd.Attr = &sprog.Attr{IDMap: &sprog.IDMap{Setgroups: sprog.SetgroupsDeny}} // for good
	asked(cmd, "Attr.IDMap", "write")
	// Output: write("/proc/CHILD/setgroups", "deny", 4)
}

// The kinds have the values of the kernel's CLONE_NEW flags, and do for Cloneflags.
func ExampleNamespaceKind() {
	both := sprog.UserNamespace | sprog.UTSNamespace
	fmt.Println(both, uintptr(both) == syscall.CLONE_NEWUSER|syscall.CLONE_NEWUTS)
	// Output: user,uts true
}

// The network of a process. That of this one is the program's anyway, which takes no rights.
func ExampleNamespace() {
	cmd := sprog.Command("readlink", "/proc/self/ns/net")
	cmd.Attr = &sprog.Attr{Join: []sprog.Namespace{{PID: os.Getpid(), Kinds: sprog.NetworkNamespace}}}
	out, err := cmd.Output()
	own, _ := os.Readlink("/proc/self/ns/net")
	fmt.Println(string(out) == own+"\n", err)
	// Output: true <nil>
}

// An id says whether two processes share a namespace.
func ExampleNamespaceID() {
	cmd := sprog.Command("readlink", "/proc/self/ns/uts")
	cmd.Attr = &sprog.Attr{ReportNamespaces: sprog.UTSNamespace}
	out, err := cmd.Output()
	if err != nil {
		fmt.Println(err)
		return
	}
	id := cmd.Birth.Namespaces[0]
	fmt.Println(string(out) == fmt.Sprintf("%v:[%d]\n", id.Kind, id.Ino))
	// Output: true
}

func ExampleSysctl() {
	cmd := sprog.Command("/bin/true")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: uintptr(sprog.NetworkNamespace)}
	cmd.Attr = &sprog.Attr{Sysctls: []sprog.Sysctl{{Name: "net.ipv4.ip_forward", Value: "1"}}}
	asked(cmd, "Attr.Sysctls", "openat", "write")
	// Output:
	// openat(3, "sys/net/ipv4/ip_forward", O_WRONLY)
	// write($9, "1", 1)
}

// The program's monotonic clock is an hour ahead.
func ExampleTimeOffsets() {
	cmd := sprog.Command("/bin/true")
	cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: uintptr(sprog.TimeNamespace)}
	cmd.Attr = &sprog.Attr{TimeOffsets: &sprog.TimeOffsets{Monotonic: time.Hour}}
	asked(cmd, "Attr.TimeOffsets", "write")
	// Output: write($20, "monotonic 3600 0\nboottime 0 0\n", 30)
}
