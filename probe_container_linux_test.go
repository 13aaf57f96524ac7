//go:build amd64 || arm64

package sprog

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// containerCaps are the capabilities that docker leaves to a container's root.
var containerCaps = []string{"chown", "dac_override", "fowner", "fsetid", "kill", "setgid", "setuid", "setpcap",
	"net_bind_service", "net_raw", "sys_chroot", "mknod", "audit_write", "setfcap"}

// containerFilter denies what the filters of container engines deny to
// containers with these capabilities, as far as a start comes by it: some calls
// by their arguments, some as if the kernel did not have them.
func containerFilter() *Seccomp {
	const namespaces = unix.CLONE_NEWNS | unix.CLONE_NEWCGROUP | unix.CLONE_NEWUTS | unix.CLONE_NEWIPC | unix.CLONE_NEWUSER | unix.CLONE_NEWPID | unix.CLONE_NEWNET
	s := &Seccomp{Default: SeccompAllow}
	deny := func(errno unix.Errno, names ...string) {
		s.Rules = append(s.Rules, SeccompRule{Names: names, Action: SeccompErrno, Errno: new(uint16(errno))})
	}
	deny(unix.EPERM, "unshare", "setns", "mount", "umount2", "keyctl", "add_key", "set_mempolicy", "sethostname", "setdomainname", "bpf")
	deny(unix.ENOSYS, "clone3")
	for bit := uint64(1); bit <= namespaces; bit <<= 1 {
		if namespaces&bit != 0 {
			s.Rules = append(s.Rules, SeccompRule{Names: []string{"clone"}, Action: SeccompErrno,
				Args: []SeccompArg{{Index: 0, Op: SeccompMaskedEQ, Mask: bit, Value: bit}}})
		}
	}
	for _, known := range []uint64{0, 8, 0x20000, 0x20008, 0xffffffff} {
		s.Rules = append(s.Rules, SeccompRule{Names: []string{"personality"}, Action: SeccompAllow,
			Args: []SeccompArg{{Index: 0, Op: SeccompEQ, Value: known}}})
	}
	deny(unix.EPERM, "personality")
	return s
}

// podmanProfile is the seccomp profile that podman has by default. It is in the
// form that docker's has, which is not quite the OCI's.
const podmanProfile = "/usr/share/containers/seccomp.json"

var profileOfPodman = &requirement{what: "the seccomp profile of podman", works: func() error {
	_, err := os.Stat(podmanProfile)
	return err
}}

type engineRule struct {
	Names    []string
	Action   SeccompAction
	ErrnoRet *uint16
	Args     []struct {
		Index           int
		Value, ValueTwo uint64
		Op              SeccompOp
	}
	Includes, Excludes struct{ Caps, Arches []string }
}

// engineFilter reads a profile of that form, for a container with these
// capabilities.
func engineFilter(file string) (*Seccomp, error) {
	var profile struct {
		DefaultAction   SeccompAction
		DefaultErrnoRet *uint16
		Syscalls        []engineRule
	}
	text, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(text, &profile)
	}
	s := &Seccomp{Default: profile.DefaultAction, DefaultErrno: profile.DefaultErrnoRet}
	for _, r := range profile.Syscalls {
		if !r.applies() {
			continue
		}
		rule := SeccompRule{Names: r.Names, Action: r.Action, Errno: r.ErrnoRet}
		if r.Action != SeccompErrno {
			rule.Errno = nil
		}
		for _, a := range r.Args {
			arg := SeccompArg{Index: a.Index, Op: a.Op, Value: a.Value}
			if a.Op == SeccompMaskedEQ {
				arg.Mask, arg.Value = a.Value, a.ValueTwo
			}
			rule.Args = append(rule.Args, arg)
		}
		s.Rules = append(s.Rules, rule)
	}
	slices.SortStableFunc(s.Rules, func(a, b SeccompRule) int { return min(len(a.Args), 1) - min(len(b.Args), 1) })
	return s, err
}

func (r *engineRule) applies() bool {
	has := func(name string) bool {
		return slices.Contains(containerCaps, strings.ToLower(strings.TrimPrefix(name, "CAP_")))
	}
	lacks := func(name string) bool { return !has(name) }
	return !slices.ContainsFunc(r.Includes.Caps, lacks) && !slices.ContainsFunc(r.Excludes.Caps, has) &&
		(len(r.Includes.Arches) == 0 || slices.Contains(r.Includes.Arches, runtime.GOARCH)) && !slices.Contains(r.Excludes.Arches, runtime.GOARCH)
}

// container PROFILE PROGRAM ARG...: execute a program with the filter and the
// rights of a container. The filter comes first, as in container engines: it
// takes a right that goes.
var _ = helper("container", func(args []string) int {
	filter, err := containerFilter(), error(nil)
	if args[0] != "" {
		filter, err = engineFilter(args[0])
	}
	if err == nil {
		argv := append([]string{"--bounding-set=-all,+" + strings.Join(containerCaps, ",+"), "--inh-caps=-all", "--ambient-caps=-all"}, args[1:]...)
		c := Command("setpriv", argv...)
		c.Stdin, c.Stdout, c.Stderr, c.Attr = os.Stdin, os.Stdout, os.Stderr, &Attr{Seccomp: filter}
		err = c.Exec()
	}
	fmt.Fprintln(os.Stderr, err)
	return 1
})

// inContainer has a command run in what is left of the system in a container of
// docker's, perhaps by another program there.
func inContainer(c *exec.Cmd, profile string, outer ...string) {
	if outer != nil {
		within(c, outer...)
	}
	c.Args = append([]string{"container", "container", profile, c.Path}, c.Args[1:]...)
	c.Path = testBinary()
	inMounts(c, `
		for dir in sys bus fs irq; do mount --bind /proc/$dir /proc/$dir && mount -o remount,bind,ro /proc/$dir; done
		for file in kcore keys timer_list sched_debug; do [ ! -e /proc/$file ] || mount --bind /dev/null /proc/$file; done
		mount -o remount,bind,ro /sys
		exec "$@"`, "sh")
}
