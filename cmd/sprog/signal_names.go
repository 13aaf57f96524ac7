//go:build linux

package main

import (
	"fmt"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// The real-time signals that the C library leaves to programs.
const (
	sigrtmin = syscall.Signal(34)
	sigrtmax = syscall.Signal(64)
)

// A signalName is a signal by its name, with or without SIG, or its number.
type signalName syscall.Signal

func (n *signalName) Set(s string) error {
	return decodeTo(s, (*syscall.Signal)(n), parseSignal)
}

func parseSignal(s string) (syscall.Signal, error) {
	if n, err := strconv.Atoi(s); err == nil && 0 < n && n <= int(sigrtmax) {
		return syscall.Signal(n), nil
	}
	name := strings.TrimPrefix(strings.ToUpper(s), "SIG")
	if sig := unix.SignalNum("SIG" + name); sig != 0 {
		return sig, nil
	}
	for prefix, base := range map[string]syscall.Signal{"RTMIN": sigrtmin, "RTMAX": sigrtmax} {
		offset, ok := strings.CutPrefix(name, prefix)
		n, err := strconv.Atoi("0" + strings.TrimLeft(offset, "+-"))
		if strings.HasPrefix(offset, "-") {
			n = -n
		}
		if sig := base + syscall.Signal(n); ok && err == nil && sigrtmin <= sig && sig <= sigrtmax {
			return sig, nil
		}
	}
	return 0, fmt.Errorf("%q is not a signal", s)
}
