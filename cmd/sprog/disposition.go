//go:build linux

package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog"
	"github.com/sprog-dev/sprog/internal/inherited"
)

// The signalFlags say which signals the program blocks and ignores, as those
// of env(1) do.
type signalFlags struct {
	Default signalSet  `name:"default-signal" placeholder:"SIG,..." values:"signal" help:"Reset these to their default, even if the caller ignores them. \"all\" are all but those of --ignore-signal."`
	Ignore  signalSet  `name:"ignore-signal" placeholder:"SIG,..." values:"signal" help:"Ignore these."`
	Block   signalSet  `name:"block-signal" xor:"mask" placeholder:"SIG,..." values:"signal" help:"Block these, in addition to those that the caller blocks."`
	Mask    *signalSet `name:"signal-mask" xor:"mask" placeholder:"SIG,..." values:"signal" help:"Block exactly these; an empty list blocks none."`
}

// setSignals fills in the attribute: what the flags say, and otherwise what the
// caller has ignored and blocked, which sprog's own runtime has not kept.
func (f *signalFlags) setSignals(attr *sprog.Attr) error {
	if both := f.Default & f.Ignore; both != 0 && f.Default != allSignals {
		return errors.New("--default-signal and --ignore-signal: " + signalText(both.list()[0]) + " is in both")
	}
	ignored, blocked := inherited.Signals()
	ignore, mask := f.Ignore|signalSet(ignored)&^f.Default, f.Block|signalSet(blocked)
	if f.Default == 0 && ignore == 0 && mask == 0 && f.Mask == nil {
		return nil
	}
	s := &sprog.Signals{Ignore: ignore.list(), AllDefault: f.Default == allSignals}
	if !s.AllDefault {
		s.Default = f.Default.list()
	}
	switch {
	case f.Mask != nil:
		s.Mask = f.Mask.list()
	case mask != 0:
		s.Mask = mask.list()
	}
	attr.Signals = s
	return nil
}

// A signalSet is a set of signals: signal n is bit n-1.
type signalSet uint64

// allSignals are those that can be blocked and ignored.
const allSignals = ^(signalSet(1)<<(unix.SIGKILL-1) | 1<<(unix.SIGSTOP-1))

func (s *signalSet) Set(names string) error {
	return decodeNames(names, func(name string) error {
		if strings.EqualFold(name, "all") {
			*s |= allSignals
			return nil
		}
		sig, err := parseSignal(name)
		switch {
		case err != nil:
			return err
		case sig == unix.SIGKILL || sig == unix.SIGSTOP:
			return fmt.Errorf("%s always has its effect", unix.SignalName(sig))
		}
		*s |= 1 << (sig - 1)
		return nil
	})
}

// list is never nil.
func (s signalSet) list() []syscall.Signal {
	list := []syscall.Signal{}
	for sig := syscall.Signal(1); sig <= sigrtmax; sig++ {
		if s>>(sig-1)&1 != 0 {
			list = append(list, sig)
		}
	}
	return list
}

func signalText(sig syscall.Signal) string {
	if name := unix.SignalName(sig); name != "" {
		return name
	}
	return "signal " + strconv.Itoa(int(sig))
}
