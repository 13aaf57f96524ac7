//go:build linux

package main

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/sprog-dev/sprog"
)

// started opens what the kernel counts in the program's network. It counts on while the program
// runs, and tells at the end what nobody else would.
func (s *sandbox) started(cmd *sprog.Cmd) {
	if s == nil {
		return
	}
	s.denied.of(cmd)
	s.guard.Stops(func() { cmd.Process.Kill() })
	if s.root == nil || !s.ownNetwork {
		return
	}
	for _, name := range [...]string{"snmp", "snmp6"} {
		if f, err := os.Open(fmt.Sprintf("/proc/%d/net/%s", cmd.Process.Pid, name)); err == nil {
			s.counters = append(s.counters, f)
		}
	}
}

// triedNetwork is what the program has tried to reach, as far as the kernel has counted it, or "": a packet has found no
// way out, or one to a loopback address nobody who listens. The resolver of many systems has such an address.
func (s *sandbox) triedNetwork() (tried string) {
	for _, f := range s.counters {
		text, _ := io.ReadAll(f)
		f.Close()
		counts := func(counters ...string) bool {
			return slices.ContainsFunc(counters, func(name string) bool { return countedIn(string(text), name) > 0 })
		}
		switch {
		case counts("Ip6OutNoRoutes", "OutNoRoutes"):
			return "the network"
		case counts("AttemptFails", "NoPorts", "Udp6NoPorts"):
			tried = "a server on this machine, such as one for names"
		}
	}
	return tried
}

// countedIn is a counter in the text of snmp, which has names in one line and numbers in the next,
// or of snmp6, which has both in one.
func countedIn(text, counter string) (n int) {
	var names []string
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if len(fields) == 2 && fields[0] == counter {
			fmt.Sscan(fields[1], &n)
			return n
		}
		for i, name := range names {
			if name == counter && len(names) == len(fields) && names[0] == fields[0] {
				fmt.Sscan(fields[i], &n)
				return n
			}
		}
		names = fields
	}
	return 0
}
