//go:build linux

package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog"
)

// The restrictFlags are filters of system calls by what they are good for, in systemd's words.
type restrictFlags struct {
	Families   *families `name:"restrict-address-families" placeholder:"FAMILY,..." values:"family" help:"Allow only sockets of these families, such as unix,inet,inet6, or none; ~FAMILY,... allows all others. Sockets that are open already stay usable. io_uring is denied, which could make others."`
	Realtime   bool      `name:"restrict-realtime" help:"Deny the real-time policies, fifo, rr and deadline. sched_setattr fails with ENOSYS: a filter does not see what it asks for."`
	SUIDSGID   bool      `name:"restrict-suid-sgid" help:"Deny to make files that are set-user-ID or set-group-ID. openat2 fails with ENOSYS, and io_uring is denied: filters do not see what they ask for."`
	Namespaces bool      `name:"restrict-namespaces" help:"Deny new namespaces and joining others. clone3 fails with ENOSYS: a filter does not see what it asks for, and programs then use clone."`
	Lock       bool      `name:"lock-personality" help:"Deny to change the execution domain, which --personality sets."`
}

// families are those that are allowed, or all others.
type families struct {
	list   []uint64
	others bool
}

func (f *families) Set(s string) error {
	s, f.others = strings.CutPrefix(s, "~")
	return decodeNames(s, func(name string) error {
		if strings.EqualFold(name, "none") {
			return nil
		}
		number, ok := familyNumbers()[strings.TrimPrefix(strings.ToLower(name), "af_")]
		if !ok {
			return fmt.Errorf("%q is no family of addresses: %s, or none", name, strings.Join(slices.Sorted(maps.Keys(familyNumbers())), ", "))
		}
		f.list = append(f.list, number)
		return nil
	})
}

func familyNumbers() map[string]uint64 {
	return map[string]uint64{
		"unix": unix.AF_UNIX, "inet": unix.AF_INET, "inet6": unix.AF_INET6, "netlink": unix.AF_NETLINK, "packet": unix.AF_PACKET,
		"vsock": unix.AF_VSOCK, "bluetooth": unix.AF_BLUETOOTH, "can": unix.AF_CAN, "alg": unix.AF_ALG, "xdp": unix.AF_XDP,
		"key": unix.AF_KEY, "rds": unix.AF_RDS, "tipc": unix.AF_TIPC, "kcm": unix.AF_KCM, "smc": unix.AF_SMC, "qipcrtr": unix.AF_QIPCRTR,
		"ax25": unix.AF_AX25, "netrom": unix.AF_NETROM, "rose": unix.AF_ROSE, "x25": unix.AF_X25, "nfc": unix.AF_NFC, "phonet": unix.AF_PHONET,
	}
}

// denied is a rule that has calls fail.
func denied(errno uint16, calls string, args ...sprog.SeccompArg) sprog.SeccompRule {
	return sprog.SeccompRule{Names: strings.Fields(calls), Args: args, Action: sprog.SeccompErrno, Errno: &errno}
}

// has is the condition that bits of an argument are set. The kernel ignores the upper half of those.
func has(index int, bits uint64) sprog.SeccompArg {
	return sprog.SeccompArg{Index: index, Op: sprog.SeccompMaskedEQ, Mask: bits, Value: bits}
}

// isNot is the condition that an argument is another. What has bits set in its upper half is.
func isNot(index int, value uint64) sprog.SeccompArg {
	return sprog.SeccompArg{Index: index, Op: sprog.SeccompNE, Value: value}
}

// rules are those of the flags. personality is what the program begins with.
func (f *restrictFlags) rules(personality uint64) (rules []sprog.SeccompRule) {
	if f.Families != nil {
		rules = append(rules, f.Families.rules()...)
	}
	if f.Realtime {
		const keep = unix.SCHED_RESET_ON_FORK
		rules = append(rules, denied(uint16(unix.ENOSYS), "sched_setattr"), denied(uint16(unix.EPERM), "sched_setscheduler",
			isNot(1, unix.SCHED_NORMAL), isNot(1, unix.SCHED_BATCH), isNot(1, unix.SCHED_IDLE),
			isNot(1, unix.SCHED_NORMAL|keep), isNot(1, unix.SCHED_BATCH|keep), isNot(1, unix.SCHED_IDLE|keep)))
	}
	if f.SUIDSGID {
		rules = append(rules, denied(uint16(unix.ENOSYS), "openat2"), denied(uint16(unix.EPERM), "io_uring_setup"))
		for _, bit := range []uint64{unix.S_ISUID, unix.S_ISGID} {
			rules = append(rules, rulesOfMode(bit)...)
		}
	}
	if f.Namespaces {
		rules = append(rules, denied(uint16(unix.ENOSYS), "clone3"), denied(uint16(unix.EPERM), "setns"))
		for _, flag := range slices.Sorted(maps.Values(namespaceFlags())) {
			calls := "unshare clone"
			if flag == unix.CLONE_NEWTIME {
				calls = "unshare" // a part of the signal's number to clone
			}
			rules = append(rules, denied(uint16(unix.EPERM), calls, has(0, uint64(flag))))
		}
	}
	if f.Lock {
		rules = append(rules, denied(uint16(unix.EPERM), "personality", isNot(0, personality), isNot(0, 0xffffffff)))
	}
	return rules
}

func (f *families) rules() []sprog.SeccompRule {
	rules := []sprog.SeccompRule{denied(uint16(unix.EPERM), "io_uring_setup")}
	if !f.others {
		var none []sprog.SeccompArg
		for _, family := range f.list {
			none = append(none, isNot(0, family))
		}
		return append(rules, denied(uint16(unix.EAFNOSUPPORT), "socket", none...))
	}
	for _, family := range f.list {
		rules = append(rules, denied(uint16(unix.EAFNOSUPPORT), "socket", sprog.SeccompArg{Op: sprog.SeccompMaskedEQ, Mask: 0xffffffff, Value: family}))
	}
	return rules
}

// rulesOfMode deny what would set a bit of a file's mode: changes of it, and new files.
func rulesOfMode(bit uint64) (rules []sprog.SeccompRule) {
	const eperm = uint16(unix.EPERM)
	for _, calls := range []struct {
		names string
		mode  int
	}{{"chmod fchmod mkdir mknod creat", 1}, {"fchmodat fchmodat2 mkdirat mknodat", 2}} {
		rules = append(rules, denied(eperm, calls.names, has(calls.mode, bit)))
	}
	for _, makes := range []uint64{unix.O_CREAT, unix.O_TMPFILE &^ unix.O_DIRECTORY} {
		rules = append(rules, denied(eperm, "open", has(1, makes), has(2, bit)), denied(eperm, "openat", has(2, makes), has(3, bit)))
	}
	return rules
}

// callGroup are the system calls of a group, by the names that systemd has for groups.
func callGroup(name string) ([]string, error) {
	groups := map[string]string{
		"@clock":         "adjtimex clock_adjtime clock_adjtime64 clock_settime clock_settime64 settimeofday",
		"@cpu-emulation": "modify_ldt vm86 vm86old",
		"@debug":         "lookup_dcookie perf_event_open pidfd_getfd process_vm_readv process_vm_writev ptrace",
		"@io-uring":      "io_uring_enter io_uring_register io_uring_setup",
		"@keyring":       "add_key keyctl request_key",
		"@module":        "delete_module finit_module init_module",
		"@mount":         "chroot fsconfig fsmount fsopen fspick mount mount_setattr move_mount open_tree pivot_root umount umount2",
		"@raw-io":        "ioperm iopl",
		"@reboot":        "kexec_file_load kexec_load reboot",
		"@swap":          "swapoff swapon",
	}
	if !strings.HasPrefix(name, "@") {
		return []string{name}, nil
	}
	if calls, ok := groups[name]; ok {
		return strings.Fields(calls), nil
	}
	return nil, fmt.Errorf("%q is no group of system calls: %s", name, strings.Join(slices.Sorted(maps.Keys(groups)), ", "))
}
