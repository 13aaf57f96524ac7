//go:build linux

package main

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog"
)

// The contextFlags say what else the kernel knows a program by.
type contextFlags struct {
	NewKeyring  bool     `xor:"keyring" help:"A new session keyring: the program does not find the caller's keys, nor the caller the program's."`
	Keyring     word     `xor:"keyring" placeholder:"NAME" help:"Join the session keyring of that name, or make it."`
	SELinux     word     `name:"selinux-label" placeholder:"CONTEXT" help:"Execute the program in this SELinux context."`
	AppArmor    word     `name:"apparmor-profile" placeholder:"NAME" help:"Execute the program under this AppArmor profile, which must be loaded."`
	Personality *persona `placeholder:"FLAG,..." help:"Exactly this execution domain: a number, or linux32 and flags such as addr-no-randomize, read-implies-exec, uname-2.6; linux means none."`
	NoASLR      bool     `name:"no-aslr" help:"Lay out memory at the same addresses every time."`
}

// setContext fills in the attributes.
func (f *contextFlags) setContext(attr *sprog.Attr) {
	if f.NewKeyring || f.Keyring != "" {
		attr.SessionKeyring = &sprog.SessionKeyring{Name: string(f.Keyring)}
	}
	if f.SELinux != "" || f.AppArmor != "" {
		attr.ExecLabel = &sprog.ExecLabel{SELinux: string(f.SELinux), AppArmor: string(f.AppArmor)}
	}
	attr.Personality = (*sprog.Personality)(f.Personality)
	if f.NoASLR {
		p := sprog.AddrNoRandomize
		if f.Personality != nil {
			p |= sprog.Personality(*f.Personality)
		} else if own, _, errno := syscall.RawSyscall(unix.SYS_PERSONALITY, 0xffffffff, 0, 0); errno == 0 {
			p |= sprog.Personality(own)
		}
		attr.Personality = &p
	}
}

// A persona is an execution domain.
type persona sprog.Personality

func personas() map[string]persona {
	return map[string]persona{
		"linux": 0, "linux32": persona(sprog.Linux32), "addr-no-randomize": persona(sprog.AddrNoRandomize),
		"uname-2.6": persona(sprog.UName26), "fdpic-funcptrs": persona(sprog.FDPICFuncPtrs),
		"mmap-page-zero": persona(sprog.MmapPageZero), "addr-compat-layout": persona(sprog.AddrCompatLayout),
		"read-implies-exec": persona(sprog.ReadImpliesExec), "addr-limit-32bit": persona(sprog.AddrLimit32Bit),
		"short-inode": persona(sprog.ShortInode), "whole-seconds": persona(sprog.WholeSeconds),
		"sticky-timeouts": persona(sprog.StickyTimeouts), "addr-limit-3gb": persona(sprog.AddrLimit3GB),
	}
}

func (p *persona) Set(s string) error {
	return decodeNames(s, func(name string) error {
		if n, err := strconv.ParseUint(name, 0, 32); err == nil {
			*p |= persona(n)
			return nil
		}
		flag, known := personas()[strings.ToLower(strings.ReplaceAll(name, "_", "-"))]
		if !known {
			return fmt.Errorf("%q is no execution domain or flag: %s", name, strings.Join(slices.Sorted(maps.Keys(personas())), ", "))
		}
		*p |= flag
		return nil
	})
}
