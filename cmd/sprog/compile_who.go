//go:build linux

package main

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog"
	"github.com/sprog-dev/sprog/internal/accounts"
	"github.com/sprog-dev/sprog/internal/flags"
)

// A launcher runs later, elsewhere and for somebody else. What a flag says of this machine, this
// process or its files is refused, or frozen if that is asked for.

// refuse refuses the flags that cannot be compiled.
func (c *compileCmd) refuse(line *flags.Line) error {
	const stands = "needs a process that stands by the program"
	const now = "is about what there is now, and not when the launcher runs"
	for _, no := range []struct {
		flag  string
		given bool
		why   string
	}{
		{"--timeout", c.Ending.Timeout != 0, stands},
		{"--cpu-time", c.Ending.CPUTime != 0, stands + ": use --rlimit cpu="},
		{"--result and --result-fd", c.Ending.records(), stands},
		{"--info-fd", c.InfoFD != nil, stands},
		{"--tty", c.TTY, stands},
		{"--foreground", c.Foreground, stands},
		{"--no-init", c.NoInit && c.Unshare&unix.CLONE_NEWPID != 0, "leaves nobody to wait for the program, which --unshare pid makes a child"},
		{"a new cgroup", c.NewCgroup.asked(), "has to be removed at the end, which " + stands + ": use --cgroup with one that is there"},
		{"--join", len(c.Join) > 0, now + ": run the launcher by nsenter(1)"},
		{"--exec-fd", c.ExecFD != nil, now},
		{"--dir-fd", c.DirFD != nil, now},
		{"--hold", c.Hold != nil, now},
		{"--inherit-fds", c.InheritFDs, "would have to know which descriptors there are: use --fd N"},
		{"--map-auto", c.MapAuto, "takes newuidmap(1), and a process outside of the new user namespace"},
		{"--userns-last", c.UsernsLast, "enters a user namespace that another process has made"},
		{"--map-subids", c.MapSubids, "takes newuidmap(1), and a process outside of the new user namespace"},
		{"--block-signal", c.Signals.Block != 0, "adds to what this process blocks: use --signal-mask"},
	} {
		if no.given {
			return fmt.Errorf("%s cannot be compiled: it %s", no.flag, no.why)
		}
	}
	if err := c.conflicts(); err != nil {
		return err
	}
	if err := c.refuseView(line); err != nil {
		return err
	}
	return c.refuseValues(line)
}

// refuseValues refuses values that stand for something of this machine.
func (c *compileCmd) refuseValues(line *flags.Line) error {
	for _, g := range line.Given {
		name, value := g.Name(), g.Value
		switch {
		case name == "rlimit" && (strings.HasSuffix(value, ":") || strings.Contains(value, "=:")):
			return fmt.Errorf("--rlimit %s cannot be compiled: the other limit is this process's: give both", value)
		case c.Freeze:
		case name == "data-file":
			return errors.New("--data-file cannot be compiled: what is in the file may change: --freeze takes what is there now")
		case slices.Contains([]string{"caps", "cap-add", "bounding-set", "permitted", "effective", "inh-caps", "ambient-caps"}, name) && addsAll(value):
			return fmt.Errorf("--%s all cannot be compiled: it depends on the kernel: name the capabilities, or --freeze takes those of this one", name)
		}
	}
	return nil
}

func addsAll(list string) bool {
	return slices.ContainsFunc(strings.Split(list, ","), func(name string) bool {
		name = strings.ToLower(strings.TrimSpace(name))
		return name == "all" || name == "+all"
	})
}

// setSys fills in what syscall has a field for.
func (c *compileCmd) setSys(cmd *sprog.Cmd, _ *sprog.CompileOptions) error {
	sys := &syscall.SysProcAttr{Chroot: string(c.Chroot), AmbientCaps: c.Ambient, Noctty: c.Noctty, Setpgid: c.Setpgid,
		Pdeathsig: syscall.Signal(c.Pdeathsig)}
	c.setSession(sys)
	cmd.SysProcAttr = sys
	switch { // an id of -1 is that of whoever runs the launcher
	case c.MapRoot:
		sys.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: -1, Size: 1}}
		sys.GidMappings = sys.UidMappings
	case c.MapCurrent:
		sys.UidMappings = []syscall.SysProcIDMap{{ContainerID: -1, HostID: -1, Size: 1}}
		sys.GidMappings = sys.UidMappings
	}
	sys.UidMappings, sys.GidMappings = slices.Concat(sys.UidMappings, c.MapUser), slices.Concat(sys.GidMappings, c.MapGroup)
	namespaces := uintptr(c.Unshare)
	if len(sys.UidMappings)+len(sys.GidMappings) > 0 {
		namespaces |= unix.CLONE_NEWUSER
	}
	if c.Setgroups != nil && namespaces&unix.CLONE_NEWUSER == 0 {
		return errors.New("--setgroups needs a new user namespace: --unshare user, or a map")
	}
	if c.hasView() {
		namespaces |= unix.CLONE_NEWNS
	}
	own := uintptr(unshared)
	if c.Inside.offsets() {
		own |= unix.CLONE_NEWTIME
	}
	sys.Cloneflags, sys.Unshareflags = namespaces&^own, namespaces&own
	return nil
}

// setWho fills in who the program is.
func (c *compileCmd) setWho(cmd *sprog.Cmd, _ *sprog.CompileOptions) error {
	if err := c.checkNumbers(); err != nil {
		return err
	}
	if c.User != "" {
		cred, err := c.credential()
		cmd.SysProcAttr.Credential = cred
		if err == nil {
			err = c.checkGroups(cmd.SysProcAttr)
		}
		return err
	}
	if c.Group == "" {
		if !c.IDs.given() && c.Groups != nil {
			list, err := c.groupNumbers()
			cmd.Attr.Groups = &sprog.Groups{List: texts(list)}
			return err
		}
		return c.setIDs(cmd.Attr)
	}
	gid, err := c.place().group(string(c.Group)) // and the user stays what the launcher's caller is
	if err != nil {
		return fmt.Errorf("--group: %w", err)
	}
	cmd.Attr.IDs = &sprog.IDs{RealGroup: &gid, EffectiveGroup: &gid}
	list := []uint32{gid}
	switch {
	case c.KeepGroups:
		return nil
	case c.Groups != nil:
		list, err = c.groupNumbers()
	}
	cmd.Attr.Groups = &sprog.Groups{List: texts(list)}
	return err
}

func texts(ids []uint32) (list []string) {
	for _, id := range ids {
		list = append(list, strconv.FormatUint(uint64(id), 10))
	}
	return list
}

// checkNumbers refuses names of users and groups, which are those of a machine, and what else would be
// looked up there.
func (c *compileCmd) checkNumbers() error {
	if c.Freeze {
		return nil
	}
	names := [][2]string{{"--user", string(c.User)}, {"--group", string(c.Group)}, {"--ruid", string(c.IDs.RUID)},
		{"--euid", string(c.IDs.EUID)}, {"--rgid", string(c.IDs.RGID)}, {"--egid", string(c.IDs.EGID)}}
	if c.Groups != nil {
		for _, name := range *c.Groups {
			names = append(names, [2]string{"--groups", name})
		}
	}
	for _, name := range names {
		if _, isNumber := accounts.ParseID(name[1]); name[1] != "" && !isNumber {
			return fmt.Errorf("%s %s cannot be compiled: the name is looked up on a machine: give the number, or --freeze takes that of this one", name[0], name[1])
		}
	}
	switch {
	case c.InitGroups:
		return errors.New("--init-groups cannot be compiled: the groups are looked up on a machine: use --groups, or --freeze takes those of this one")
	case c.User != "" && c.Group == "":
		return fmt.Errorf("--user %s cannot be compiled without --group: its group is looked up on a machine: --freeze takes that of this one", c.User)
	case c.IDs.given() && c.IDs.EGID == "" && c.Groups == nil && !c.KeepGroups:
		return errors.New("--ruid, --euid and --rgid cannot be compiled without --egid, --groups or --keep-groups: the only group would be this process's")
	}
	return nil
}
