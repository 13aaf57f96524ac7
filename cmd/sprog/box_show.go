//go:build linux

package main

import (
	"cmp"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/sprog-dev/sprog"
	"github.com/sprog-dev/sprog/cmd/sprog/internal/box"
)

// show prints what comes of flags, profiles and this machine.
func (c *boxCmd) show(b *box.Box) error {
	var out strings.Builder
	line := func(what string, values ...string) {
		for i, value := range values {
			if i > 0 {
				what = ""
			}
			if quoted := strconv.Quote(value); quoted != `"`+value+`"` { // a name that the terminal would obey
				value = quoted
			}
			fmt.Fprintf(&out, "%-11s %s\n", what, value)
		}
	}
	line("project", b.Project.Dir)
	if c.sandbox.root == nil {
		line("namespaces", "none: Landlock alone")
	}
	kinds := map[string][]string{}
	for _, m := range append(c.sandbox.mounts, c.View.mounts()...) {
		kind := kindOfMount(m)
		kinds[kind] = append(kinds[kind], cmp.Or(m.Target, m.Bind))
	}
	for _, kind := range []string{"writable", "read-only", "unchanged", "private", "empty", "hidden", "new"} {
		line(kind, kinds[kind]...)
	}
	line("otherwise", "the machine's file system, read-only")
	network := "none but the box's own loopback"
	if c.Net {
		network = "the machine's"
	}
	line("network", network)
	var names []string
	for _, variable := range c.environment(os.Environ()) {
		name, _, _ := strings.Cut(variable, "=")
		names = append(names, name)
	}
	line("environment", strings.Join(names, " "))
	line("not passed", strings.Join(withheld(c.Env), " "))
	for _, l := range c.Rlimit {
		line("limit", sprog.Rlimit(l).String())
	}
	line("rights", "no capabilities, no new privileges, no namespaces, "+fmt.Sprint(len(c.sandbox.rules))+" rules for system calls")
	_, err := fmt.Print(out.String())
	return err
}

// kindOfMount is what a mount is to people.
func kindOfMount(m sprog.Mount) string {
	switch {
	case m.Mask:
		return "hidden"
	case m.Tmpfs != nil:
		return "empty"
	case m.Overlay != nil && m.Overlay.Private:
		return "private"
	case m.Overlay != nil:
		return "writable"
	case m.Bind == "" && m.File == nil:
		return "new"
	case m.Flags&sprog.MountReadOnly != 0:
		return "read-only"
	}
	return "writable"
}
