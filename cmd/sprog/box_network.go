//go:build linux

package main

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/sprog-dev/sprog"
)

// started opens what the kernel counts in the program's network. It counts on while the program
// runs, and tells at the end what nobody else would.
func (s *sandbox) started(cmd *sprog.Cmd) {
	if !s.hasView() {
		return
	}
	for _, name := range [...]string{"snmp", "snmp6"} {
		if f, err := os.Open(fmt.Sprintf("/proc/%d/net/%s", cmd.Process.Pid, name)); err == nil {
			s.counters = append(s.counters, f)
		}
	}
}

// triedNetwork reports whether a packet has found no way out.
func (s *sandbox) triedNetwork() bool {
	for _, f := range s.counters {
		text, _ := io.ReadAll(f)
		f.Close()
		if countedIn(string(text), "Ip6OutNoRoutes") > 0 || countedIn(string(text), "OutNoRoutes") > 0 {
			return true
		}
	}
	return false
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
