//go:build linux

package main

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog"
	"github.com/sprog-dev/sprog/cmd/sprog/internal/box"
)

// boxProcesses is how many processes and threads a program in the box may have.
const boxProcesses = 4096

// fill gives the flags of run what the box consists of, as far as the line says nothing else.
func (c *boxCmd) fill(b *box.Box) error {
	c.sandbox = &sandbox{rules: box.Rules(), denied: hearDenials()}
	c.NoNewPrivs = true
	if here, err := realPath("."); err == nil && c.Dir == "" && c.DirFD == nil && strings.HasPrefix(here+"/", b.Project.Dir+"/") {
		c.Dir = word(here) // a name with links in it may be in a hidden place
	}
	if !c.capsGiven() {
		c.Capabilities.Caps = &capSet{}
		if err := c.Capabilities.Caps.Set(""); err != nil {
			return err
		}
	}
	if c.Pdeathsig == 0 {
		c.Pdeathsig = signalName(unix.SIGKILL)
	}
	if c.Scheduling.OOMScoreAdj == nil { // what it fills memory with is gone when it has been killed, so that it is the first
		most := oomScore(1000)
		c.Scheduling.OOMScoreAdj = &most
	}
	if err := c.limit(); err != nil {
		return err
	}
	if c.Net {
		c.Landlock.Scope |= landlockScope(sprog.LandlockScopeAbstractUnixSocket | sprog.LandlockScopeSignal)
		c.Landlock.BestEffort = true
		c.logLandlock()
	}
	if s := sprog.Probe("view-user"); s.Answer != sprog.Yes {
		return c.degrade(b, s.Reason)
	}
	c.Unshare |= unix.CLONE_NEWUSER | unix.CLONE_NEWPID | unix.CLONE_NEWNS | unix.CLONE_NEWIPC | unix.CLONE_NEWUTS | unix.CLONE_NEWCGROUP
	if !c.Net {
		c.Unshare |= unix.CLONE_NEWNET
		c.Inside.Loopback = true
		c.sandbox.ownNetwork = true
	}
	c.MapCurrent = !c.MapRoot && c.mapsNothing()
	if c.Inside.DisableUserns = sprog.Probe("forbid-user-namespaces").Answer == sprog.Yes; !c.Inside.DisableUserns {
		c.sandbox.rules = append(box.NoNamespaces(), c.sandbox.rules...)
	}
	b.Overlays = sprog.Probe("overlay-user").Answer == sprog.Yes
	if b.Scratch = c.scratch(); !c.Show && !c.OverlayProject {
		b.Project.FillIn()
	}
	c.sandbox.root, c.sandbox.mounts = b.Root(), b.Mounts()
	return c.watchFor(b)
}

// scratch is how much a directory in memory holds. A quarter of the memory leaves some where the kernel, which grants
// half of it to each, would leave none.
func (c *boxCmd) scratch() int64 {
	var machine unix.Sysinfo_t
	if c.TmpSize != nil {
		return int64(min(uint64(*c.TmpSize), math.MaxInt64))
	}
	if unix.Sysinfo(&machine) != nil {
		return 0
	}
	return int64(uint64(machine.Totalram)*uint64(machine.Unit)) / 4
}

// logLandlock has the kernel log what Landlock denies, if that can be read. What the program denies itself
// stays out of it.
func (c *boxCmd) logLandlock() {
	if c.Landlock.Log == 0 && c.sandbox.denied.readable() {
		c.Landlock.Log = landlockLog(sprog.LandlockLogNewExecOn | sprog.LandlockLogSubdomainsOff)
	}
}

// capsGiven reports whether a flag says which capabilities the program has.
func (c *boxCmd) capsGiven() bool {
	f := &c.Capabilities
	return f.Caps != nil || f.CapAdd != nil || f.CapDrop != nil || f.Bounding != nil || f.Permitted != nil || f.Effective != nil ||
		f.Inheritable != nil || f.AmbientCaps != nil || f.KeepCaps
}

// limit keeps a program from making processes without end. In a new user namespace the limit counts
// those inside alone. A core size of one byte has the kernel not start what core_pattern(5) names, which
// runs outside as root and reads what the program chooses; zero would not.
func (c *boxCmd) limit() error {
	for _, l := range [...]rlimit{{Resource: unix.RLIMIT_NPROC, Cur: boxProcesses, Max: boxProcesses}, {Resource: unix.RLIMIT_CORE, Cur: 1, Max: 1}} {
		same := func(given rlimit) bool { return given.Resource == l.Resource }
		own, err := ownRlimit(l.Resource)
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(c.Rlimit, same) && own.Max > l.Max {
			c.Rlimit = append(c.Rlimit, l)
		}
	}
	return nil
}

// degrade is the box on a machine that makes no namespaces: what cannot be hidden cannot be read.
func (c *boxCmd) degrade(b *box.Box, reason string) error {
	if os.Getenv("SPROG_BOX") != "" && !c.Degrade {
		return errors.New("this is a box already, in which there is no other one: --degrade restricts the program further, by Landlock")
	}
	if !c.Degrade {
		return fmt.Errorf("the box needs user namespaces: %s. --degrade goes on with Landlock alone", reason)
	}
	if c.OverlayProject {
		return fmt.Errorf("--overlay-project needs user namespaces: %s", reason)
	}
	if c.Why {
		return fmt.Errorf("--why needs user namespaces: %s", reason)
	}
	if s := sprog.Probe("landlock"); s.Answer != sprog.Yes {
		return fmt.Errorf("--degrade needs Landlock: %s", s.Reason)
	}
	fmt.Fprintf(os.Stderr, "sprog: box: Landlock alone, as there are no user namespaces (%s): names of files and processes are the machine's, and TMPDIR is in the place of /tmp\n", reason)
	if !hasSysAdmin() {
		c.Capabilities.Caps = nil // which only a user namespace lets an ordinary user drop
	}
	temp, err := os.MkdirTemp("", "sprog-box-")
	if err != nil {
		return err
	}
	c.sandbox.temp = temp
	c.Env = append(c.Env, "TMPDIR="+temp)
	l := &c.Landlock
	l.Try, l.BestEffort = true, true
	c.logLandlock()
	readable, changeable := b.Landlocked()
	for _, path := range readable {
		l.ROX = append(l.ROX, word(path))
	}
	for _, path := range append(changeable, temp) {
		l.RWX = append(l.RWX, word(path))
	}
	l.Scope |= landlockScope(sprog.LandlockScopeAbstractUnixSocket | sprog.LandlockScopeSignal)
	if !c.Net {
		l.Access.fs, l.Access.net = true, true
	}
	return nil
}

// profileDirs are where profiles are looked for, the caller's own before those that others write.
func profileDirs(home, project string) []string {
	config := os.Getenv("XDG_CONFIG_HOME")
	if !filepath.IsAbs(config) {
		config = filepath.Join(home, ".config")
	}
	return []string{filepath.Join(config, "sprog/box"), "/etc/sprog/box", filepath.Join(project, ".sprog")}
}

// watchFor prepares --why.
func (c *boxCmd) watchFor(b *box.Box) error {
	if !c.Why {
		return nil
	}
	if s := sprog.Probe("seccomp-listener"); s.Answer != sprog.Yes {
		return fmt.Errorf("--why: %s", s.Reason)
	}
	c.sandbox.watch = &watcher{box: b, calls: map[[2]uint32]*watchedCall{}}
	return nil
}
