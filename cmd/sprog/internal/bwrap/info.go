//go:build linux

package bwrap

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// infoText is what --info-fd tells of a process.
func (o *Options) infoText(pid int) string {
	return fmt.Sprintf("{\n    \"child-pid\": %d%s\n}\n", pid, o.namespaces(pid, ",\n    "))
}

// statusText is what --json-status-fd tells of it.
func (o *Options) statusText(pid int) string {
	return fmt.Sprintf("{ \"child-pid\": %d%s }\n", pid, o.namespaces(pid, ", "))
}

// namespaces are the ids of the process's new namespaces.
func (o *Options) namespaces(pid int, between string) string {
	var b strings.Builder
	for _, ns := range []struct {
		name string
		new  bool
	}{{"cgroup", o.UnshareCgroup}, {"ipc", o.UnshareIPC}, {"mnt", true}, {"net", o.UnshareNet}, {"pid", o.UnsharePID}, {"uts", o.UnshareUTS}} {
		if !ns.new {
			continue
		}
		st, err := os.Stat("/proc/" + strconv.Itoa(pid) + "/ns/" + ns.name)
		if err != nil {
			continue
		}
		fmt.Fprintf(&b, "%s\"%s-namespace\": %d", between, ns.name, st.Sys().(*syscall.Stat_t).Ino)
	}
	return b.String()
}
