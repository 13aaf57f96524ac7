package sprog

import (
	"github.com/sprog-dev/sprog/internal/launch"
	"github.com/sprog-dev/sprog/internal/spec"
	"github.com/sprog-dev/sprog/internal/terms"
)

// This is the one translation of what callers ask for into what package spec
// checks and the engine starts. Types that are the same on both sides are
// converted, which costs nothing, and does not compile once they differ; the
// others are translated here. A nil is a nil on both sides.

// spec is what is asked for.
func (a *Attr) spec() *spec.Attr {
	if a == nil {
		return nil
	}
	s := &spec.Attr{
		Program: a.Program, DirFile: a.DirFile, WaitFor: a.WaitFor, Inherit: a.Inherit, InheritAll: a.InheritAll,
		IDs: (*spec.IDs)(a.IDs), Groups: (*spec.Groups)(a.Groups), Caps: a.Caps.spec(), Securebits: (*spec.Securebits)(a.Securebits),
		SessionKeyring: (*spec.SessionKeyring)(a.SessionKeyring), ExecLabel: (*spec.ExecLabel)(a.ExecLabel),
		Personality: (*spec.Personality)(a.Personality), Signals: (*spec.Signals)(a.Signals), Umask: a.Umask,
		NoNewPrivs: a.NoNewPrivs, DenyTIOCSTI: a.DenyTIOCSTI, IDMap: a.IDMap.spec(),
		Nice: a.Nice, Scheduler: a.Scheduler.spec(), CPUs: a.CPUs, NUMA: a.NUMA.spec(), IOPriority: a.IOPriority.spec(),
		OOMScoreAdj: a.OOMScoreAdj, TimerSlack: a.TimerSlack, CoreSched: (*spec.CoreSched)(a.CoreSched),
		THPDisable: spec.THPDisable(a.THPDisable), MDWE: a.MDWE, MemoryMerge: a.MemoryMerge, CoredumpFilter: (*uint32)(a.CoredumpFilter),
		Landlock: a.Landlock.spec(), Seccomp: a.Seccomp.spec(), Cgroup: a.Cgroup.spec(), CgroupV1: a.CgroupV1,
		Hostname: a.Hostname, Domainname: a.Domainname, Loopback: a.Loopback, TimeOffsets: (*spec.TimeOffsets)(a.TimeOffsets),
		ForbidUserNamespaces: a.ForbidUserNamespaces, UserNamespace: a.UserNamespace, RefuseUserNamespaces: a.RefuseUserNamespaces, ReportNamespaces: spec.NamespaceKind(a.ReportNamespaces), Init: (*spec.Init)(a.Init),
	}
	s.Files = each(a.Files, func(f File) spec.File { return spec.File(f) })
	s.Rlimits = each(a.Rlimits, func(l Rlimit) spec.Rlimit { return spec.Rlimit{Resource: int(l.Resource), Cur: l.Cur, Max: l.Max} })
	s.Sysctls = each(a.Sysctls, func(c Sysctl) spec.Sysctl { return spec.Sysctl(c) })
	s.Sockets, s.Meet = each(a.Sockets, func(o Socket) spec.Socket { return spec.Socket(o) }), a.meet()
	s.Dirs, s.LookPath = a.Dirs, a.LookPath
	s.Root, s.Mounts = a.Root.spec(), each(a.Mounts, Mount.spec)
	s.Join = each(a.Join, func(n Namespace) spec.Namespace {
		return spec.Namespace{Path: n.Path, File: n.File, PID: n.PID, PidFD: n.PidFD, Kinds: spec.NamespaceKind(n.Kinds)}
	})
	return s
}

func (a *Attr) meet() func(*spec.Meeting) error {
	meet := a.Meet
	if meet == nil {
		return nil
	}
	return func(m *spec.Meeting) error { return meet((*Meeting)(m)) }
}

// each translates a list. No list stays none.
func each[From, To any](list []From, translate func(From) To) []To {
	if list == nil {
		return nil
	}
	to := make([]To, len(list))
	for i, from := range list {
		to[i] = translate(from)
	}
	return to
}

func (c *Caps) spec() *spec.Caps {
	if c == nil {
		return nil
	}
	return &spec.Caps{Bounding: spec.CapSet(c.Bounding), Permitted: spec.CapSet(c.Permitted), Effective: spec.CapSet(c.Effective),
		Inheritable: spec.CapSet(c.Inheritable), Ambient: spec.CapSet(c.Ambient), Keep: c.Keep}
}

func (m *IDMap) spec() *spec.IDMap {
	if m == nil {
		return nil
	}
	return &spec.IDMap{Subordinate: spec.SubordinateIDs(m.Subordinate), Login: m.Login, Setgroups: spec.SetgroupsPolicy(m.Setgroups),
		Helpers: m.Helpers, Last: m.Last, NewUIDMap: m.NewUIDMap, NewGIDMap: m.NewGIDMap}
}

func (s *Scheduler) spec() *spec.Scheduler {
	if s == nil {
		return nil
	}
	return &spec.Scheduler{Policy: spec.SchedPolicy(s.Policy), Priority: s.Priority, Runtime: s.Runtime, Deadline: s.Deadline, Period: s.Period,
		Reclaim: s.Reclaim, Overrun: s.Overrun, ResetOnFork: s.ResetOnFork, UtilMin: s.UtilMin, UtilMax: s.UtilMax}
}

func (n *NUMA) spec() *spec.NUMA {
	if n == nil {
		return nil
	}
	return &spec.NUMA{Mode: spec.NUMAMode(n.Mode), Nodes: n.Nodes, StaticNodes: n.StaticNodes, RelativeNodes: n.RelativeNodes}
}

func (p *IOPriority) spec() *spec.IOPriority {
	if p == nil {
		return nil
	}
	return &spec.IOPriority{Class: spec.IOClass(p.Class), Level: p.Level}
}

func (l *Landlock) spec() *spec.Landlock {
	if l == nil {
		return nil
	}
	s := &spec.Landlock{ABI: l.ABI, Scopes: spec.LandlockScope(l.Scopes), Log: spec.LandlockLog(l.Log), BestEffort: l.BestEffort}
	if f := l.Files; f != nil {
		s.Files = &spec.LandlockFiles{Handled: spec.LandlockAccess(f.Handled), Rules: each(f.Rules, func(r LandlockPath) spec.LandlockPath {
			return spec.LandlockPath{Path: r.Path, File: r.File, Rights: spec.LandlockAccess(r.Rights), Optional: r.Optional}
		})}
	}
	if p := l.Ports; p != nil {
		s.Ports = &spec.LandlockPorts{Handled: spec.LandlockPortAccess(p.Handled), Rules: each(p.Rules, func(r LandlockPort) spec.LandlockPort {
			return spec.LandlockPort{Port: r.Port, Rights: spec.LandlockPortAccess(r.Rights)}
		})}
	}
	return s
}

func (r *Root) spec() *spec.Root {
	if r == nil {
		return nil
	}
	return &spec.Root{Host: r.Host, Empty: r.Empty, Dir: r.Dir, File: r.File, Overlay: (*spec.Overlay)(r.Overlay),
		Flags: spec.MountFlags(r.Flags), Propagation: spec.Propagation(r.Propagation)}
}

func (m Mount) spec() spec.Mount {
	s := spec.Mount{Target: m.Target, Bind: m.Bind, File: m.File, Tmpfs: (*spec.Tmpfs)(m.Tmpfs), Dev: (*spec.Dev)(m.Dev),
		Kernel: spec.KernelFS(m.Kernel), Overlay: (*spec.Overlay)(m.Overlay), Data: m.Data, Dir: m.Dir, Symlink: m.Symlink, Mask: m.Mask,
		Flags: spec.MountFlags(m.Flags), Clear: spec.MountFlags(m.Clear), Mode: m.Mode, Copy: m.Copy, Optional: m.Optional, Create: m.Create,
		Shallow: m.Shallow, Propagation: spec.Propagation(m.Propagation)}
	if i := m.IDMap; i != nil {
		s.IDMap = &spec.MountIDMap{UIDs: each(i.UIDs, idRange), GIDs: each(i.GIDs, idRange)}
	}
	if p := m.Proc; p != nil {
		s.Proc = &spec.Proc{Hide: spec.ProcHide(p.Hide), PIDsOnly: p.PIDsOnly, Writable: p.Writable, Fallback: spec.ProcFallback(p.Fallback)}
	}
	return s
}

func idRange(r IDRange) spec.IDRange { return spec.IDRange(r) }

// landlockSet and landlockResult go the other way.
func landlockSet(s spec.LandlockSet) LandlockSet {
	return LandlockSet{LandlockAccess(s.Files), LandlockPortAccess(s.Ports), LandlockScope(s.Scopes), LandlockLog(s.Log)}
}

func landlockResult(r spec.LandlockResult) LandlockResult {
	return LandlockResult{ABI: r.ABI, Reason: r.Reason, Applied: landlockSet(r.Applied), Missing: landlockSet(r.Missing)}
}

func (s *Seccomp) spec() *spec.Seccomp {
	if s == nil {
		return nil
	}
	return &spec.Seccomp{Default: spec.SeccompAction(s.Default), DefaultErrno: s.DefaultErrno, BadArch: spec.SeccompAction(s.BadArch), Archs: s.Archs,
		Programs: s.Programs, Log: s.Log, SpecAllow: s.SpecAllow, WaitKillable: s.WaitKillable,
		Rules: each(s.Rules, func(r SeccompRule) spec.SeccompRule {
			return spec.SeccompRule{Names: r.Names, Action: spec.SeccompAction(r.Action), Errno: r.Errno,
				Args: each(r.Args, func(a SeccompArg) spec.SeccompArg {
					return spec.SeccompArg{Index: a.Index, Op: spec.SeccompOp(a.Op), Value: a.Value, Mask: a.Mask}
				})}
		})}
}

func (c *Cgroup) spec() *spec.Cgroup {
	if c == nil {
		return nil
	}
	return &spec.Cgroup{Parent: c.Parent, Name: c.Name, MemoryMax: c.MemoryMax, MemoryHigh: c.MemoryHigh, MemoryLow: c.MemoryLow, MemoryMin: c.MemoryMin,
		SwapMax: c.SwapMax, OOMGroup: c.OOMGroup, PidsMax: c.PidsMax, CPUQuota: c.CPUQuota, CPUPeriod: c.CPUPeriod, CPUWeight: c.CPUWeight,
		IOMax: each(c.IOMax, func(m IOMax) spec.IOMax { return spec.IOMax(m) }), IOWeight: c.IOWeight, CPUs: c.CPUs, Mems: c.Mems,
		HugeTLB:     each(c.HugeTLB, func(m HugeTLBMax) spec.HugeTLBMax { return spec.HugeTLBMax(m) }),
		Set:         each(c.Set, func(f CgroupFile) spec.CgroupFile { return spec.CgroupFile(f) }),
		Controllers: c.Controllers, Evacuate: c.Evacuate, Keep: c.Keep}
}

// birthOf is what a start has told.
func (c *Cmd) birthOf(b *launch.Birth) Birth {
	to := Birth{Stops: b.Stops, SeccompListener: b.SeccompListener, end: b.End}
	if b.Landlock != nil {
		to.Landlock = new(landlockResult(*b.Landlock))
	}
	to.Namespaces = each(b.Namespaces, func(n launch.NamespaceID) NamespaceID { return NamespaceID{NamespaceKind(n.Kind), n.Device, n.Ino} })
	to.View = (*ViewBirth)(b.View)
	if b.Cgroup != nil {
		to.Cgroup = &CgroupHandle{group: b.Cgroup, keep: c.Attr.Cgroup.Keep}
	}
	return to
}

// startError is the public form of an error.
func startError(e *spec.Error) *StartError {
	return &StartError{Path: e.Path, Step: e.Step, Object: e.Object, Field: e.Field, Syscall: e.Syscall,
		Err: e.Err, Signal: e.Signal, Hint: e.Hint.String(), hint: e.Hint, inPlace: e.InPlace, updates: e.Updates}
}

// public is an error as callers get it.
func public(err error) error {
	if e, ok := err.(*spec.Error); ok {
		return startError(e)
	}
	return err
}

// refuse is the error of a start that is refused before anything runs.
func refuse(field, object string, reason terms.Text) *StartError {
	return startError(spec.Refuse(field, object, reason))
}
