//go:build linux

package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/sprog-dev/sprog"
)

// insideFlags are about what is set inside of namespaces, new or joined.
type insideFlags struct {
	Hostname      word       `placeholder:"NAME" help:"Set the host name. Needs --unshare uts, or a joined one."`
	Domainname    word       `placeholder:"NAME" help:"Set the NIS domain name. Needs the same."`
	Sysctl        []sysctl   `placeholder:"NAME=VALUE" help:"Set a kernel parameter: net.* with --unshare net, kernel.shm*, msg*, sem and fs.mqueue.* with ipc, user.* with user, kernel.pid_max (Linux 6.14) and vm.memfd_noexec (6.3) with pid. Repeatable."`
	Loopback      bool       `help:"Bring up the loopback device. Needs --unshare net, or a joined one."`
	DisableUserns bool       `name:"disable-userns" help:"Forbid the program to make user namespaces, even as root inside. Needs a new one with one user and one group, such as --map-root."`
	Monotonic     *clockSpan `placeholder:"DURATION" help:"Set the monotonic clock ahead, or behind: --monotonic=-1h. Needs --unshare time."`
	Boottime      *clockSpan `placeholder:"DURATION" help:"The same for the time since boot."`
}

// A sysctl is NAME=VALUE.
type sysctl sprog.Sysctl

func (c *sysctl) Set(s string) (err error) {
	c.Name, c.Value, err = decodePair(s, "NAME=VALUE")
	return err
}

// A clockSpan is a length of time that may be negative.
type clockSpan time.Duration

func (d *clockSpan) Set(s string) error { return decodeTo(s, d, parseClockSpan) }

func parseClockSpan(s string) (clockSpan, error) {
	length, behind := strings.CutPrefix(s, "-")
	t, err := parseSpan(length)
	if err != nil {
		return 0, fmt.Errorf("%q is not a time, such as 1.5, 90s, 2h or -1d", s)
	}
	if behind {
		t = -t
	}
	return clockSpan(t), nil
}

// offsets reports whether there are any.
func (f *insideFlags) offsets() bool { return f.Monotonic != nil || f.Boottime != nil }
