//go:build linux && (amd64 || arm64)

package sprog_test

import (
	"fmt"
	"syscall"
	"time"

	"github.com/sprog-dev/sprog"
)

// Everything can be read and executed, and only /tmp written to.
func ExampleLandlock() {
	cmd := sprog.Command("/bin/true")
	cmd.Attr = &sprog.Attr{NoNewPrivs: true, Landlock: &sprog.Landlock{
		ABI: 5, // whose rights are meant, whatever is invented later
		Files: &sprog.LandlockFiles{Rules: []sprog.LandlockPath{
			{Path: "/", Rights: sprog.LandlockRead | sprog.LandlockExecute},
			{Path: "/tmp", Rights: sprog.LandlockWrite},
		}},
		BestEffort: true,
	}}
	fmt.Println(cmd.Run())
	// Output: <nil>
}

func ExampleLandlockAccess() {
	set := sprog.LandlockSet{Files: sprog.LandlockReadFile | sprog.LandlockExecute}
	fmt.Println(set)
	fmt.Println(sprog.LandlockSet{Files: sprog.LandlockRead})
	// Output:
	// LANDLOCK_ACCESS_FS_EXECUTE|LANDLOCK_ACCESS_FS_READ_FILE
	// LANDLOCK_ACCESS_FS_READ_FILE|LANDLOCK_ACCESS_FS_READ_DIR
}

// Without Rules nothing is given back.
func ExampleLandlockFiles() {
	l := &sprog.Landlock{BestEffort: true, Files: &sprog.LandlockFiles{Handled: sprog.LandlockMakeBlock | sprog.LandlockMakeChar}}
	cmd := sprog.Command("/bin/true") // which makes no devices
	cmd.Attr = &sprog.Attr{NoNewPrivs: true, Landlock: l}
	fmt.Println(cmd.Run())
	// Output: <nil>
}

func ExampleLandlockPath() {
	rule := sprog.LandlockPath{Path: "/srv/job", Rights: sprog.LandlockRead | sprog.LandlockWrite, Optional: true}
	fmt.Println(sprog.LandlockSet{Files: rule.Rights})
	// Output: LANDLOCK_ACCESS_FS_WRITE_FILE|LANDLOCK_ACCESS_FS_READ_FILE|LANDLOCK_ACCESS_FS_READ_DIR|LANDLOCK_ACCESS_FS_REMOVE_DIR|LANDLOCK_ACCESS_FS_REMOVE_FILE|LANDLOCK_ACCESS_FS_MAKE_DIR|LANDLOCK_ACCESS_FS_MAKE_REG|LANDLOCK_ACCESS_FS_MAKE_SOCK|LANDLOCK_ACCESS_FS_MAKE_FIFO|LANDLOCK_ACCESS_FS_MAKE_SYM|LANDLOCK_ACCESS_FS_REFER|LANDLOCK_ACCESS_FS_TRUNCATE
}

// The program can connect to port 443 and to no other.
func ExampleLandlockPorts() {
	l := &sprog.Landlock{ABI: 4, BestEffort: true, Ports: &sprog.LandlockPorts{
		Handled: sprog.LandlockConnectTCP,
		Rules:   []sprog.LandlockPort{{Port: 443, Rights: sprog.LandlockConnectTCP}},
	}}
	cmd := sprog.Command("/bin/true")
	cmd.Attr = &sprog.Attr{NoNewPrivs: true, Landlock: l}
	fmt.Println(cmd.Run())
	// Output: <nil>
}

func ExampleLandlockPort() {
	rule := sprog.LandlockPort{Port: 8080, Rights: sprog.LandlockBindTCP}
	fmt.Println(rule.Port, sprog.LandlockSet{Ports: rule.Rights})
	// Output: 8080 LANDLOCK_ACCESS_NET_BIND_TCP
}

func ExampleLandlockPortAccess() {
	fmt.Println(sprog.LandlockSet{Ports: sprog.LandlockBindTCP | sprog.LandlockConnectTCP})
	// Output: LANDLOCK_ACCESS_NET_BIND_TCP|LANDLOCK_ACCESS_NET_CONNECT_TCP
}

func ExampleLandlockScope() {
	fmt.Println(sprog.LandlockSet{Scopes: sprog.LandlockScopeSignal})
	// Output: LANDLOCK_SCOPE_SIGNAL
}

func ExampleLandlockLog() {
	fmt.Println(sprog.LandlockSet{Log: sprog.LandlockLogNewExecOn})
	// Output: LANDLOCK_RESTRICT_SELF_LOG_NEW_EXEC_ON
}

func ExampleLandlockSet() {
	fmt.Println(sprog.LandlockSet{})
	// Output: nothing
}

// The kernel is asked what it can do of that.
func ExampleLandlockResult() {
	l := &sprog.Landlock{Files: &sprog.LandlockFiles{Handled: sprog.LandlockExecute}}
	r := l.Probe()
	fmt.Println(r.Applied.Files|r.Missing.Files == sprog.LandlockExecute)
	// Output: true
}

// ptrace(2) seems to the program to be forbidden.
func ExampleSeccomp() {
	cmd := sprog.Command("/bin/true")
	cmd.Attr = &sprog.Attr{NoNewPrivs: true, Seccomp: &sprog.Seccomp{
		Default: sprog.SeccompAllow,
		Rules:   []sprog.SeccompRule{{Names: []string{"ptrace", "process_vm_readv"}, Action: sprog.SeccompErrno}},
	}}
	fmt.Println(cmd.Run())
	// Output: <nil>
}

// The call has no effect and seems to succeed.
func ExampleSeccompRule() {
	rule := sprog.SeccompRule{Names: []string{"sync"}, Action: sprog.SeccompErrno, Errno: new(uint16(0))}
	program, err := (&sprog.Seccomp{Default: sprog.SeccompAllow, Rules: []sprog.SeccompRule{rule}}).Program()
	fmt.Println(len(program) > 0, err)
	// Output: true <nil>
}

// Sockets of one family only. The kernel looks at the lower half of the argument.
func ExampleSeccompArg() {
	unix := sprog.SeccompArg{Index: 0, Op: sprog.SeccompMaskedEQ, Mask: 0xffffffff, Value: syscall.AF_UNIX}
	filter := sprog.Seccomp{Default: sprog.SeccompAllow, Rules: []sprog.SeccompRule{
		{Names: []string{"socket"}, Args: []sprog.SeccompArg{unix}, Action: sprog.SeccompAllow},
		{Names: []string{"socket"}, Action: sprog.SeccompErrno, Errno: new(uint16(syscall.EAFNOSUPPORT))},
	}}
	_, err := filter.Program()
	fmt.Println(err)
	// Output: <nil>
}

// The names are those of the OCI's specification.
func ExampleSeccompAction() {
	var a sprog.SeccompAction
	err := a.UnmarshalText([]byte("SCMP_ACT_KILL_PROCESS"))
	fmt.Println(a, a == sprog.SeccompKillProcess, err)
	// Output: SCMP_ACT_KILL_PROCESS true <nil>
}

func ExampleSeccompOp() {
	var op sprog.SeccompOp
	err := op.UnmarshalText([]byte("SCMP_CMP_MASKED_EQ"))
	fmt.Println(op, op == sprog.SeccompMaskedEQ, err)
	// Output: SCMP_CMP_MASKED_EQ true <nil>
}

// What no kernel could do is refused before anything is made.
func ExampleCgroup() {
	cmd := sprog.Command("/bin/true")
	cmd.Attr = &sprog.Attr{Cgroup: &sprog.Cgroup{
		MemoryMax: 1 << 30, SwapMax: new(uint64(0)), OOMGroup: true, PidsMax: 100,
		CPUQuota: 150 * time.Millisecond, CPUPeriod: 2 * time.Second,
	}}
	fmt.Println(cmd.Run())
	// Output: sprog: start /bin/true: 2s (Attr.Cgroup.CPUPeriod): is not from 1ms to 1s
}

// A limit that limits nothing is refused.
func ExampleIOMax() {
	cmd := sprog.Command("/bin/true")
	cmd.Attr = &sprog.Attr{Cgroup: &sprog.Cgroup{IOMax: []sprog.IOMax{
		{Device: "8:0", WriteBPS: 10 << 20, WriteIOPS: 1000},
		{Device: "8:16"},
	}}}
	fmt.Println(cmd.Run())
	// Output: sprog: start /bin/true: 8:16 (Attr.Cgroup.IOMax[1]): has no limit
}

func ExampleHugeTLBMax() {
	limits := sprog.Cgroup{HugeTLB: []sprog.HugeTLBMax{{Size: "2MB", Max: 64 << 20}}}
	for _, l := range limits.HugeTLB {
		fmt.Printf("hugetlb.%s.max %d\n", l.Size, l.Max)
	}
	// Output: hugetlb.2MB.max 67108864
}

// A file that no field is about. What would interfere with the start is refused.
func ExampleCgroupFile() {
	cmd := sprog.Command("/bin/true")
	cmd.Attr = &sprog.Attr{Cgroup: &sprog.Cgroup{Set: []sprog.CgroupFile{{Name: "cgroup.freeze", Value: "1"}}}}
	_, err := cmd.Plan()
	fmt.Println(err)
	// Output: sprog: start /bin/true: "cgroup.freeze" (Attr.Cgroup.Set[0]): interferes with the start
}

// It takes a cgroup that this process may make others in.
func ExampleCgroupHandle() {
	cmd := sprog.Command("sleep", "60")
	cmd.Attr = &sprog.Attr{Cgroup: &sprog.Cgroup{PidsMax: 10}}
	if err := cmd.Start(); err != nil {
		fmt.Println(err)
		return
	}
	group := cmd.Birth.Cgroup
	fmt.Println(group.Path(), group.Freeze(), group.Thaw())
	fmt.Println(group.Kill()) // everybody in it
	fmt.Println(cmd.Wait())   // which removes it
}

// The counters can be read when everything is over.
func ExampleCgroupStats() {
	cmd := sprog.Command("sh", "-c", "true & wait")
	cmd.Attr = &sprog.Attr{Cgroup: &sprog.Cgroup{PidsMax: 10}}
	if err := cmd.Run(); err != nil {
		fmt.Println(err)
		return
	}
	stats, err := cmd.Birth.Cgroup.Stats()
	if stats.PidsPeak != sprog.CgroupUnknown {
		fmt.Println(stats.PidsPeak, "tasks at most", stats.PidsMax, "refused", err)
	}
}
