package main

import (
	"fmt"
	"os"
	"syscall"
	"time"

	"github.com/sprog-dev/sprog"
)

// A facility is one thing that a start can be asked for.
type facility struct {
	name  string
	apply func(c *sprog.Cmd)
}

// facilities, in the order of a start.
var facilities = []facility{
	{"Cgroup", func(c *sprog.Cmd) { c.Attr.Cgroup = &sprog.Cgroup{} }},
	{"Setsid", func(c *sprog.Cmd) { c.SysProcAttr.Setsid = true }},
	{"Signals", func(c *sprog.Cmd) {
		c.Attr.Signals = &sprog.Signals{Mask: []syscall.Signal{syscall.SIGUSR1}, Ignore: []syscall.Signal{syscall.SIGPIPE}}
	}},
	{"Rlimits, all", func(c *sprog.Cmd) { c.Attr.Rlimits = ownLimits() }},
	{"Nice", func(c *sprog.Cmd) { c.Attr.Nice = new(5) }},
	{"Scheduler", func(c *sprog.Cmd) { c.Attr.Scheduler = &sprog.Scheduler{Policy: sprog.SchedBatch} }},
	{"CPUs", func(c *sprog.Cmd) { c.Attr.CPUs = []int{0} }},
	{"NUMA", func(c *sprog.Cmd) { c.Attr.NUMA = &sprog.NUMA{Mode: sprog.NUMABind, Nodes: []int{0}} }},
	{"IOPriority", func(c *sprog.Cmd) { c.Attr.IOPriority = &sprog.IOPriority{Class: sprog.IOBestEffort, Level: 4} }},
	{"TimerSlack", func(c *sprog.Cmd) { c.Attr.TimerSlack = time.Millisecond }},
	{"OOMScoreAdj", func(c *sprog.Cmd) { c.Attr.OOMScoreAdj = new(500) }},
	{"THPDisable", func(c *sprog.Cmd) { c.Attr.THPDisable = sprog.THPDisableCompletely }},
	{"CoredumpFilter", func(c *sprog.Cmd) { c.Attr.CoredumpFilter = new(sprog.DumpELFHeaders) }},
	{"MDWE", func(c *sprog.Cmd) { c.Attr.MDWE = true }},
	{"user namespace with maps", func(c *sprog.Cmd) {
		c.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		c.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}}
		c.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}}
		if os.Getuid() == 0 { // more ids, for groups to be set
			c.SysProcAttr.UidMappings[0].Size, c.SysProcAttr.GidMappings[0].Size = 1000, 1000
			c.SysProcAttr.GidMappingsEnableSetgroups = true
		}
	}},
	{"pid namespace", func(c *sprog.Cmd) { c.SysProcAttr.Cloneflags |= syscall.CLONE_NEWPID }},
	{"mount namespace", func(c *sprog.Cmd) { c.SysProcAttr.Unshareflags |= syscall.CLONE_NEWNS }},
	{"network namespace", func(c *sprog.Cmd) { c.SysProcAttr.Cloneflags |= syscall.CLONE_NEWNET }},
	{"ipc namespace", func(c *sprog.Cmd) { c.SysProcAttr.Cloneflags |= syscall.CLONE_NEWIPC }},
	{"uts namespace", func(c *sprog.Cmd) { c.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUTS }},
	{"cgroup namespace", func(c *sprog.Cmd) { c.SysProcAttr.Unshareflags |= syscall.CLONE_NEWCGROUP }},
	{"Chroot", func(c *sprog.Cmd) { c.SysProcAttr.Chroot = "/" }},
	{"Credential", func(c *sprog.Cmd) { c.SysProcAttr.Credential = &syscall.Credential{} }},
	{"Groups", func(c *sprog.Cmd) { c.Attr.Groups = &sprog.Groups{List: []string{"4", "24"}} }},
	{"Caps: two dropped everywhere", func(c *sprog.Cmd) {
		drop := sprog.CapSet{Drop: []string{"sys_time", "mknod"}}
		c.Attr.Caps = &sprog.Caps{Bounding: drop, Permitted: drop, Effective: drop, Inheritable: drop}
	}},
	{"Securebits", func(c *sprog.Cmd) { c.Attr.Securebits = &sprog.Securebits{Add: []string{"noroot"}} }},
	{"SessionKeyring", func(c *sprog.Cmd) { c.Attr.SessionKeyring = &sprog.SessionKeyring{} }},
	{"Personality", func(c *sprog.Cmd) { c.Attr.Personality = new(sprog.AddrNoRandomize) }},
	{"Dir", func(c *sprog.Cmd) { c.Dir = "/" }},
	{"Umask", func(c *sprog.Cmd) { c.Attr.Umask = new(uint32(0o27)) }},
	{"Pdeathsig", func(c *sprog.Cmd) { c.SysProcAttr.Pdeathsig = syscall.SIGTERM }},
	{"Files: data on a number", func(c *sprog.Cmd) { c.Attr.Files = []sprog.File{{FD: 5, Data: []byte("data")}} }},
	{"NoNewPrivs", func(c *sprog.Cmd) { c.Attr.NoNewPrivs = true }},
	{"Landlock, a rule", func(c *sprog.Cmd) {
		c.Attr.NoNewPrivs = true
		c.Attr.Landlock = &sprog.Landlock{BestEffort: true, Files: &sprog.LandlockFiles{Rules: []sprog.LandlockPath{{
			Path: "/", Rights: sprog.LandlockRead | sprog.LandlockExecute}}}}
	}},
	{"Seccomp, a rule", func(c *sprog.Cmd) {
		c.Attr.NoNewPrivs = true
		c.Attr.Seccomp = &sprog.Seccomp{Default: sprog.SeccompAllow,
			Rules: []sprog.SeccompRule{{Names: []string{"ptrace"}, Action: sprog.SeccompErrno}}}
	}},
	{"Init", func(c *sprog.Cmd) { c.Attr.Init = &sprog.Init{} }},
}

// ownLimits are all limits as they are.
func ownLimits() (list []sprog.Rlimit) {
	for resource := range 16 {
		var l syscall.Rlimit
		if syscall.Getrlimit(resource, &l) == nil {
			list = append(list, sprog.Rlimit{Resource: sprog.RlimitResource(resource), Cur: l.Cur, Max: l.Max})
		}
	}
	return list
}

// measureFacilities is what each facility adds to a start, and what all do that
// go together here.
func measureFacilities(b *bench, s *section) error {
	cells := []facilityCell{b.facility("nothing")}
	var together []facility
	for _, f := range facilities {
		cell := b.facility(f.name, f)
		if err := cell.command().Run(); err != nil {
			s.Notes = append(s.Notes, fmt.Sprintf("%s: not here: %v.", f.name, err))
			continue
		}
		cells = append(cells, cell)
		more := append(together[:len(together):len(together)], f)
		if err := b.facility("", more...).command().Run(); err != nil {
			s.Notes = append(s.Notes, fmt.Sprintf("%s: not together with the others: %v.", f.name, err))
			continue
		}
		together = more
	}
	cells = append(cells, b.facility(fmt.Sprintf("%d of these together", len(together)), together...))
	for round := range b.rounds(64) {
		for _, i := range turns(round, len(cells)) {
			if err := cells[i].run(10); err != nil {
				return fmt.Errorf("%s: %w", cells[i].Contender, err)
			}
		}
	}
	s.Table.Head = []string{"", "p50", "more than nothing", "starts"}
	for _, c := range cells {
		c.finish()
		s.Samples = append(s.Samples, c.sample)
		s.Table.add(c.Contender, duration(c.P50), moreThan(cells[0].sample, c.sample), count(float64(c.Starts)))
	}
	return nil
}

// A facilityCell is a sample with the command that it is of.
type facilityCell struct {
	*sample
	filledIn *sprog.Cmd
}

func (b *bench) facility(name string, list ...facility) facilityCell {
	c := &sprog.Cmd{Path: b.progs.Exit, Env: []string{}, SysProcAttr: &syscall.SysProcAttr{}, Attr: &sprog.Attr{}}
	for _, f := range list {
		f.apply(c)
	}
	return facilityCell{&sample{Contender: name, X: 1}, c}
}

// command is one that has not been started.
func (c facilityCell) command() *sprog.Cmd {
	fresh := *c.filledIn
	if fresh.Trace != nil {
		fresh.Trace = new(sprog.Trace)
	}
	return &fresh
}

func (c facilityCell) run(starts int) error {
	begin, latency := time.Now(), make([]int64, starts)
	for i := range latency {
		cmd, from := c.command(), time.Now()
		if err := cmd.Run(); err != nil {
			return err
		}
		latency[i] = int64(time.Since(from))
	}
	c.add(starts, time.Since(begin), latency, 0, 0)
	return nil
}

// moreThan is the median of the rounds' differences.
func moreThan(base, m *sample) string {
	var more []float64
	for i := range min(len(base.p50s), len(m.p50s)) {
		more = append(more, m.p50s[i]-base.p50s[i])
	}
	if d := median(more); d < 0 {
		return "-" + duration(-d)
	}
	return duration(median(more))
}
