//go:build linux && (amd64 || arm64)

package sprog_test

import (
	"fmt"
	"os"
	"strings"
	"syscall"

	"github.com/sprog-dev/sprog"
)

// seen prints what a program sees of the file system, and starts nothing.
func seen(root *sprog.Root, mounts ...sprog.Mount) {
	cmd := sprog.Command("/bin/true")
	cmd.SysProcAttr = inside()
	cmd.Attr = &sprog.Attr{Root: root, Mounts: mounts}
	plan, err := cmd.Plan()
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, m := range plan.View {
		fmt.Printf("%s: %s from %q, flags %q\n", m.Target, m.What, m.From, m.Flags)
	}
}

// inside is a user namespace and what a view takes.
func inside() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{
		Cloneflags:  uintptr(sprog.UserNamespace | sprog.MountNamespace | sprog.PIDNamespace | sprog.CgroupNamespace),
		UidMappings: []syscall.SysProcIDMap{{ContainerID: os.Getuid(), HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: os.Getgid(), HostID: os.Getgid(), Size: 1}},
	}
}

// The caller's root, of which nothing can be changed.
func ExampleRoot() {
	seen(&sprog.Root{Host: true, Flags: sprog.MountReadOnly})
	// Output: /: host from "/", flags "read-only"
}

// A root of its own with one directory of the caller's.
func ExampleMount() {
	seen(&sprog.Root{Empty: true},
		sprog.Mount{Bind: "/usr", Flags: sprog.MountReadOnly},
		sprog.Mount{Target: "/bin", Symlink: "usr/bin"},
		sprog.Mount{Target: "/etc/motd", Data: []byte("hello\n")},
		sprog.Mount{Target: "/run/secrets", Dir: true},
	)
	// Output:
	// /: tmpfs from "empty", flags ""
	// /usr: bind from "/usr", flags "read-only"
	// /bin: link from "to usr/bin", flags ""
	// /etc/motd: data from "6 bytes", flags ""
	// /run/secrets: directory from "", flags ""
}

func ExampleMountFlags() {
	seen(nil, sprog.Mount{Bind: "/srv", Flags: sprog.MountReadOnly | sprog.MountNoSUID | sprog.MountNoDev})
	// Output:
	// /: host from "/", flags ""
	// /srv: bind from "/srv", flags "read-only, nosuid, nodev"
}

func ExampleTmpfs() {
	seen(nil, sprog.Mount{Target: "/tmp", Tmpfs: &sprog.Tmpfs{Size: 64 << 20, Mode: new(uint32(0o1777))}})
	// Output:
	// /: host from "/", flags ""
	// /tmp: tmpfs from "at most 67108864 bytes", flags ""
}

// In a new PID namespace, the program sees its own processes only.
func ExampleProc() {
	seen(nil, sprog.Mount{Target: "/proc", Proc: &sprog.Proc{PIDsOnly: true}})
	// Output:
	// /: host from "/", flags ""
	// /proc: proc from "", flags ""
}

func ExampleProcHide() {
	cmd := sprog.Command("/bin/true")
	cmd.SysProcAttr = inside()
	cmd.Attr = &sprog.Attr{Mounts: []sprog.Mount{{Target: "/proc", Proc: &sprog.Proc{Hide: sprog.ProcHideProcesses}}}}
	plan, err := cmd.Plan()
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, step := range plan.Steps {
		if _, option, is := strings.Cut(step.Text, "FSCONFIG_SET_STRING, "); is {
			fmt.Println(option)
		}
	}
	// Output: "hidepid", "2", 0)
}

// In a container the kernel may refuse a new one.
func ExampleProcFallback() {
	seen(nil, sprog.Mount{Target: "/proc", Proc: &sprog.Proc{Fallback: sprog.ProcEmpty}})
	// Output:
	// /: host from "/", flags ""
	// /proc: proc from "or nothing", flags ""
}

func ExampleDev() {
	seen(&sprog.Root{Empty: true}, sprog.Mount{Target: "/dev", Dev: &sprog.Dev{Nodes: []string{"null", "urandom"}}})
	// Output:
	// /: tmpfs from "empty", flags ""
	// /dev: dev from "null urandom", flags ""
}

func ExampleKernelFS() {
	seen(&sprog.Root{Empty: true}, sprog.Mount{Target: "/sys/fs/cgroup", Kernel: sprog.KernelCgroup2})
	// Output:
	// /: tmpfs from "empty", flags ""
	// /sys/fs/cgroup: cgroup2 from "", flags ""
}

// The program may change everything, and nothing of that is kept.
func ExampleOverlay() {
	seen(&sprog.Root{Overlay: &sprog.Overlay{Lower: []string{"/"}, Private: true}})
	// Output: /: overlay from "/, changes vanish", flags ""
}

// Mounts that are made outside later appear inside.
func ExamplePropagation() {
	seen(&sprog.Root{Host: true, Propagation: sprog.PropagationSlave})
	// Output: /: host from "/", flags ""
}

// The plan lists the view before its steps.
func ExamplePlanMount() {
	cmd := sprog.Command("/bin/true")
	cmd.SysProcAttr = inside()
	cmd.Attr = &sprog.Attr{Mounts: []sprog.Mount{{Target: "/root", Mask: true}}}
	plan, err := cmd.Plan()
	if err != nil {
		fmt.Println(err)
		return
	}
	m := plan.View[len(plan.View)-1]
	fmt.Println(m.Target, m.What)
	// Output: /root masked
}

// What was left out is told by its index. It takes the right to mount.
func ExampleViewBirth() {
	cmd := sprog.Command("/bin/true")
	cmd.SysProcAttr = inside()
	cmd.Attr = &sprog.Attr{Mounts: []sprog.Mount{{Bind: "/no/such", Optional: true}}}
	if err := cmd.Run(); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(cmd.Birth.View.LeftOut) // [0]
}

// A start that asks for an ID-mapped mount fails: there are none yet.
func ExampleMountIDMap() {
	seen(nil, sprog.Mount{Bind: "/srv", IDMap: &sprog.MountIDMap{UIDs: []sprog.IDRange{{Disk: 0, Seen: 1000, Size: 1}}}})
	// Output: sprog: start /bin/true: (Attr.Mounts[0].IDMap): needs UIDs and GIDs
}

// A range of ids that follow each other.
func ExampleIDRange() {
	r := sprog.IDRange{Disk: 0, Seen: 100000, Size: 65536}
	fmt.Println("what belongs to", r.Disk+5, "on the disk belongs to", r.Seen+5)
	// Output: what belongs to 5 on the disk belongs to 100005
}
