//go:build linux

package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog"
)

// toldNamespaces are the kinds of namespaces that --info-fd tells of.
const toldNamespaces = sprog.UserNamespace | sprog.CgroupNamespace | sprog.IPCNamespace | sprog.UTSNamespace |
	sprog.NetworkNamespace | sprog.PIDNamespace | sprog.MountNamespace | sprog.TimeNamespace

// openInfo is the file that --info-fd names, or nil.
func (f *startFlags) openInfo() (*os.File, error) {
	if f.InfoFD == nil {
		return nil, nil
	}
	return callersOutput("--info-fd", int(*f.InfoFD))
}

// tellInfo writes what --info-fd promises, in the form that bubblewrap's has.
// Whoever reads it may have gone: that is no reason to end the program, nor one
// to complain.
func tellInfo(info *os.File, cmd *sprog.Cmd) error {
	if info == nil {
		return nil
	}
	var b strings.Builder
	fmt.Fprintf(&b, "{\n    \"child-pid\": %d", cmd.Process.Pid)
	for _, ns := range cmd.Birth.Namespaces {
		kind := ns.Kind.String()
		if ns.Kind == sprog.MountNamespace {
			kind = "mnt"
		}
		fmt.Fprintf(&b, ",\n    \"%s-namespace\": %d", kind, ns.Ino)
	}
	b.WriteString("\n}\n")
	if _, err := info.WriteString(b.String()); !errors.Is(err, unix.EPIPE) {
		return err
	}
	return nil
}
