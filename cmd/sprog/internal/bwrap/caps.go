//go:build linux

package bwrap

import (
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog"
	"github.com/sprog-dev/sprog/internal/listing"
)

// showInit lets the caller enter the namespaces by the number of the process above the program, as
// he may with bwrap's. That process is not filtered as the program is, which must not be able
// to trace it: it keeps a capability that the program has not, and makes no use of it.
func (o *Options) showInit(attr *sprog.Attr, f *Facts) {
	filtered, capable := len(f.Filters) > 0, o.wantedCaps(f) != 0
	if attr.Init == nil || f.UID == 0 || filtered && capable {
		return
	}
	attr.Init.Visible = true
	if filtered {
		attr.Caps.Permitted.Add = []string{"wake_alarm"}
	}
}

// caps are the changes to the capabilities, or nil.
func (o *Options) caps(f *Facts) *sprog.Caps {
	wanted := o.wantedCaps(f)
	var names []string
	for n := range uint64(64) {
		if wanted>>n&1 != 0 {
			names = append(names, strconv.FormatUint(n, 10))
		}
	}
	exactly := sprog.CapSet{Drop: []string{"all"}, Add: names}
	caps := &sprog.Caps{}
	if o.UnshareUser || o.UserNS >= 0 {
		caps.Bounding = exactly
	}
	if f.UID != 0 || len(o.CapEdits) > 0 {
		caps.Permitted, caps.Effective, caps.Inheritable, caps.Ambient = exactly, exactly, exactly, exactly
	} else if !o.UnshareUser && o.UserNS < 0 {
		return nil
	}
	return caps
}

// wantedCaps are those that the program has: root keeps what he has, and others have none.
func (o *Options) wantedCaps(f *Facts) (wanted uint64) {
	all := uint64(1)<<41 - 1
	if f.UID == 0 {
		wanted = f.Effective
	}
	for _, e := range o.CapEdits {
		change := all
		if n, known := listing.CapNumber(capName(e.Name)); known {
			change = 1 << n
		}
		if wanted |= change; !e.Add {
			wanted &^= change
		}
	}
	return wanted
}

func capName(name string) string { return strings.ToUpper(name) }

// KnownCap reports whether there is a capability of the name.
func KnownCap(name string) bool {
	_, known := listing.CapNumber(capName(name))
	return known
}

func seLinux() bool { return unix.Access("/sys/fs/selinux", unix.F_OK) == nil }
