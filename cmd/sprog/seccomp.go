//go:build linux

package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog"
	"github.com/sprog-dev/sprog/cmd/sprog/internal/profile"
)

// The seccompFlags are about system calls.
type seccompFlags struct {
	Deny    denialList `name:"deny-syscall" xor:"syscalls" placeholder:"CALL[:HOW],..." values:"syscall" help:"Deny the system calls, or groups of them: @clock, @cpu-emulation, @debug, @io-uring, @keyring, @module, @mount, @raw-io, @reboot, @swap. HOW is an errno (default: EPERM), kill, trap or log. Any of these flags implies --no-new-privs. Repeatable."`
	Allow   nameList   `name:"allow-syscall" xor:"syscalls" placeholder:"CALL,..." values:"syscall" help:"Allow only these system calls, which must include execve; others fail with EPERM. Repeatable."`
	Profile word       `name:"seccomp" xor:"syscalls" placeholder:"FILE" help:"Filter system calls by a profile in the JSON of the OCI: what a container's linux.seccomp is."`
	BPF     []word     `name:"seccomp-bpf" placeholder:"FILE" help:"Filter system calls by a program in the kernel's own form, an array of struct sock_filter. Repeatable."`
	Log     bool       `name:"seccomp-log" help:"Have the kernel log what filters deny."`

	Restrict restrictFlags `embed:"" group:"syscalls"`
}

// A denialList is a list of rules that deny.
type denialList []sprog.SeccompRule

func (l *denialList) Set(s string) error { return decodeList(s, l, parseDenial) }

// parseDenial parses CALL[:HOW].
func parseDenial(word string) (sprog.SeccompRule, error) {
	name, how, given := strings.Cut(word, ":")
	names, err := callGroup(name)
	rule := sprog.SeccompRule{Names: names, Action: sprog.SeccompErrno}
	if !given || err != nil {
		return rule, err
	}
	switch how {
	case "kill":
		rule.Action = sprog.SeccompKillProcess
	case "trap":
		rule.Action = sprog.SeccompTrap
	case "log":
		rule.Action = sprog.SeccompLog
	default:
		errno, ok := parseErrno(how)
		if !ok {
			return rule, fmt.Errorf("%q is not an errno, kill, trap or log", how)
		}
		rule.Errno = &errno
	}
	return rule, nil
}

// parseErrno parses a number or a name such as ENOSYS.
func parseErrno(s string) (uint16, bool) {
	const most = 4095
	if n, err := strconv.ParseUint(s, 10, 16); err == nil {
		return uint16(n), n <= most
	}
	for n := unix.Errno(1); n < 200; n++ {
		if name := unix.ErrnoName(n); name != "" && name == strings.ToUpper(s) {
			return uint16(n), true
		}
	}
	return 0, false
}

// attr is what the flags ask for, or nil, for a program that begins with an execution domain.
func (f *seccompFlags) attr(personality uint64) (*sprog.Seccomp, error) {
	s := &sprog.Seccomp{}
	restricted := f.Restrict.rules(personality)
	switch {
	case f.Profile != "":
		var err error
		if s, err = readProfile(string(f.Profile)); err != nil {
			return nil, fmt.Errorf("--seccomp: %w", err)
		}
	case len(f.Deny) > 0:
		s.Default, s.Rules = sprog.SeccompAllow, f.Deny
	case len(f.Allow) > 0:
		var names []string
		for _, name := range f.Allow {
			calls, err := callGroup(name)
			if err != nil {
				return nil, fmt.Errorf("--allow-syscall: %w", err)
			}
			names = append(names, calls...)
		}
		s.Default, s.Rules = sprog.SeccompErrno, []sprog.SeccompRule{{Names: names, Action: sprog.SeccompAllow}}
	case restricted != nil:
		s.Default = sprog.SeccompAllow
	case len(f.BPF) == 0 && f.Log:
		return nil, errors.New("add a filter: --seccomp-log says what filters do")
	case len(f.BPF) == 0:
		return nil, nil
	}
	for _, file := range f.BPF {
		program, err := readSome(string(file))
		if err != nil {
			return nil, fmt.Errorf("--seccomp-bpf: %w", err)
		}
		s.Programs = append(s.Programs, program)
	}
	s.Rules = append(restricted, s.Rules...)
	s.Log = s.Log || f.Log
	return s, nil
}

// readProfile reads a profile that needs nobody to answer.
func readProfile(file string) (*sprog.Seccomp, error) {
	text, err := readSome(file)
	if err != nil {
		return nil, err
	}
	s, err := profile.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	notify := func(r sprog.SeccompRule) bool { return r.Action == sprog.SeccompNotify }
	if s.Default == sprog.SeccompNotify || slices.ContainsFunc(s.Rules, notify) {
		return nil, fmt.Errorf("%s: SCMP_ACT_NOTIFY needs a process that answers: it is for callers of the Go package", file)
	}
	return s, nil
}

// readSome reads a file of reasonable size.
func readSome(file string) ([]byte, error) {
	const most = 1 << 20
	in, err := os.Stdin, error(nil)
	if file != dash {
		if in, err = os.Open(file); err != nil {
			return nil, err
		}
		defer in.Close()
	}
	b, err := io.ReadAll(io.LimitReader(in, most+1))
	if len(b) > most {
		return nil, fmt.Errorf("%s is larger than 1 MiB", file)
	}
	return b, err
}
