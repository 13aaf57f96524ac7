//go:build linux

package main

import (
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog"
)

// setLauncherFiles gives the program its descriptors. The launcher opens them.
func (c *compileCmd) setLauncherFiles(cmd *sprog.Cmd, o *sprog.CompileOptions) error {
	d := descriptors{cmd: cmd, open: openForRun, flags: map[int]string{}}
	for _, r := range c.redirections() {
		if r.path == "" {
			continue
		}
		path := string(r.path)
		if path == "null" {
			path = os.DevNull
		}
		if err := d.add(r.flag, sprog.File{FD: r.fd, Path: path, Flags: r.flags, Mode: 0o666}); err != nil {
			return err
		}
		o.OpenFirst = append(o.OpenFirst, r.fd)
	}
	for _, pair := range c.FD {
		if pair.from != pair.to {
			return fmt.Errorf("--fd %d=%d cannot be compiled: a launcher leaves descriptors at their numbers: --fd %[2]d", pair.to, pair.from)
		}
		cmd.Attr.Inherit = append(cmd.Attr.Inherit, pair.to)
		if err := d.claim(pair.to, "--fd"); err != nil {
			return err
		}
	}
	for _, part := range []func(*startFlags) error{d.fill, d.leave} {
		if err := part(&c.startFlags); err != nil {
			return err
		}
	}
	c.flagOf = map[int]string{}
	for i, f := range cmd.Attr.Files {
		c.flagOf[i] = d.flags[f.FD]
	}
	return nil
}

// currentUmask is the umask of this process, which can be read only by changing it.
func currentUmask() int {
	mask := unix.Umask(0o077)
	unix.Umask(mask)
	return mask
}

// warnOfWriters warns where somebody other than root, or than this user, can replace a file: by writing to
// it, or to one of the directories on its way.
func warnOfWriters(path, what string) {
	path, err := filepath.Abs(path)
	if err != nil {
		return
	}
	for at := path; ; at = filepath.Dir(at) {
		var st unix.Stat_t
		if unix.Stat(at, &st) != nil {
			return
		}
		const sticky, others = unix.S_ISVTX, 0o022
		foreign := st.Uid != 0 && int(st.Uid) != os.Geteuid()
		isDir := st.Mode&unix.S_IFMT == unix.S_IFDIR
		if foreign || st.Mode&others != 0 && !(isDir && st.Mode&sticky != 0 && at != filepath.Dir(path)) {
			fmt.Fprintf(os.Stderr, "sprog: warning: others can write to %s: they can replace %s\n", at, what)
		}
		if at == "/" {
			return
		}
	}
}
