//go:build linux && (amd64 || arm64)

package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/sprog-dev/sprog"
	"github.com/sprog-dev/sprog/internal/klog"
)

// denials are what the kernel tells, while a program runs, of what filters and Landlock deny. A nil one
// knows of nothing.
type denials struct {
	log     *klog.AuditLog
	process int // that has set the restrictions, or 0
	init    int // that has started it
}

// hearDenials begins to listen.
func hearDenials() *denials { return &denials{log: klog.ListenAudit()} }

// readable reports whether what was denied can be known.
func (d *denials) readable() bool { return d != nil && d.log.Readable() }

// of says whose denials count: an init's first child is the program.
func (d *denials) of(cmd *sprog.Cmd) {
	if d == nil {
		return
	}
	if cmd.Attr == nil || cmd.Attr.Init == nil {
		d.process = cmd.Process.Pid
		return
	}
	d.init = cmd.Process.Pid
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%[1]d/children", d.init))
	if children := strings.Fields(string(text)); len(children) > 0 {
		d.process, _ = strconv.Atoi(children[0])
	}
}

// refused are system calls that were denied, as people read them.
func (d *denials) refused() (list []string) {
	if d == nil {
		return nil
	}
	for _, r := range d.log.Refused() {
		list = append(list, fmt.Sprintf("%s (by %q)", r.Call, r.Name))
	}
	return list
}

// byLandlock is what was denied with the flag for each.
func (d *denials) byLandlock(flag func(klog.Denial) string) (list []string) {
	if d == nil {
		return nil
	}
	if d.process == 0 { // it was gone when somebody looked
		own, _ := os.Readlink("/proc/self/exe")
		d.process = d.log.ChildOf(d.init, own, initImage)
	}
	for _, denied := range d.log.Denied(d.process) {
		what := denied.Rights
		switch {
		case what == "scope.signal":
			what = "a signal to a process outside"
		case what == "scope.abstract_unix_socket":
			what = "an abstract socket of a process outside"
		case denied.Path != "":
			what += " " + shown(denied.Path)
		case denied.Port != 0:
			what += fmt.Sprintf(" port %d", denied.Port)
		}
		if by := flag(denied); by != "" {
			what += " (" + by + ")"
		}
		list = append(list, what)
	}
	return list
}

// tell says what Landlock has denied a program that was run with --landlock-log new-exec-on and has failed.
func (d *denials) tell() {
	const most = 8
	list := d.byLandlock(landlockFlag)
	for i, denied := range list {
		if i == most {
			fmt.Fprintf(os.Stderr, "sprog: and %d more; the audit log has them\n", len(list)-most)
			break
		}
		fmt.Fprintf(os.Stderr, "sprog: Landlock denied %s\n", denied)
	}
}

// landlockFlag is the flag of sprog run that allows what was denied.
func landlockFlag(d klog.Denial) string {
	rights := sprog.LandlockAccess(0)
	for name := range strings.SplitSeq(d.Rights, ",") {
		one := landlockFileRights()[strings.ReplaceAll(strings.TrimPrefix(name, "fs."), "_", "-")]
		if rights |= one; one == 0 && d.Path != "" {
			return ""
		}
	}
	read, write := sprog.LandlockRead, sprog.LandlockRead|sprog.LandlockWrite
	switch path := shown(d.Path); {
	case d.Path == "":
		return landlockPortFlag(d)
	case rights&^read == 0:
		return "--landlock-ro " + path
	case rights&^(read|sprog.LandlockExecute) == 0:
		return "--landlock-rox " + path
	case rights&^write == 0:
		return "--landlock-rw " + path
	case rights&^(write|sprog.LandlockExecute) == 0:
		return "--landlock-rwx " + path
	}
	names := strings.ReplaceAll(strings.ReplaceAll(d.Rights, "fs.", ""), "_", "-")
	return "--landlock-rule " + names + ":" + shown(d.Path)
}

// landlockPortFlag is the one for a port.
func landlockPortFlag(d klog.Denial) string {
	switch d.Rights {
	case "net.bind_tcp":
		return fmt.Sprintf("--landlock-bind-tcp %d", d.Port)
	case "net.connect_tcp":
		return fmt.Sprintf("--landlock-connect-tcp %d", d.Port)
	}
	return ""
}

// boxFlag is the flag of sprog box that allows it.
func boxFlag(d klog.Denial) string {
	switch {
	case d.Path == "" && strings.HasPrefix(d.Rights, "net."):
		return "--net"
	case d.Path == "":
		return ""
	case landlockFlag(d) == "":
		return ""
	case strings.HasPrefix(landlockFlag(d), "--landlock-ro"):
		return "--ro " + shown(d.Path)
	}
	return "--rw " + shown(d.Path)
}
