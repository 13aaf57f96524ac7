//go:build amd64 || arm64

package spec

import (
	"path"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/terms"
)

// namespaces are the flags of all new namespaces.
func (r *Start) namespaces() uintptr { return r.Sys.Cloneflags | r.Sys.Unshareflags }

// newUser reports whether what the child does in its view, it does with the rights that
// a user namespace gives.
func (r *Start) newUser() bool { return r.namespaces()&unix.CLONE_NEWUSER != 0 && !r.IdMap().Last }

// checkView is for what Root and Mounts have in common.
func (r *Start) checkView() *Error {
	field := RootField
	switch {
	case !r.HasView():
		return nil
	case r.Attr.Root == nil:
		field = MountsField
	}
	switch {
	case r.namespaces()&unix.CLONE_NEWNS == 0:
		return Invalid(field, "", "needs a new mount namespace: {CLONE_NEWNS in Cloneflags or Unshareflags|SysProcAttr.Cloneflags: CLONE_NEWNS}")
	case r.Sys.Chroot != "" && r.Turns():
		return Invalid(field, "", "cannot be combined with {SysProcAttr.Chroot}: both change the root directory")
	case r.Sys.Chroot != "":
		return Invalid(field, "", "cannot be combined with {SysProcAttr.Chroot}: make the directory the root by {Root.Dir|Attr.Root.Dir}")
	}
	return nil
}

func (r *Start) checkRoot() *Error {
	if err := r.checkView(); err != nil || r.Attr.Root == nil {
		return err
	}
	root := r.Attr.Root
	kinds := 0
	for _, given := range [...]bool{root.Host, root.Empty, root.Dir != "", root.File != nil, root.Overlay != nil} {
		if given {
			kinds++
		}
	}
	switch {
	case kinds != 1:
		return Invalid(RootField, "", "needs one of Host, Empty, Dir, File and Overlay")
	case strings.IndexByte(root.Dir, 0) >= 0:
		return Invalid(RootField+".Dir", strconv.Quote(root.Dir), "contains a NUL byte")
	case root.Flags&^allMountFlags != 0:
		return Invalid(RootField+".Flags", hex(root.Flags&^allMountFlags), "is no flag of a mount")
	case root.Propagation > PropagationSlave:
		return Invalid(RootField+".Propagation", strconv.Itoa(int(root.Propagation)), "is neither private nor slave")
	}
	return root.Overlay.check(RootField + ".Overlay")
}

func (r *Start) checkMounts() *Error {
	if r.joinsAll() || r.Named()&MountNamespace != 0 {
		if err := r.checkJoined(); err != nil {
			return err
		}
	}
	for i := range r.Attr.Mounts {
		m, name := &r.Attr.Mounts[i], Index(MountsField, i)
		for _, check := range [...]func(*Start, *Mount, string) *Error{
			(*Start).checkTarget, (*Start).checkSource, (*Start).checkOptions, (*Start).checkFileSystem, (*Start).checkRights,
		} {
			if err := check(r, m, name); err != nil {
				return err
			}
		}
		if m.At() != "/" || m.Source() == "" {
			continue
		}
		if err := r.checkAtRoot(i, name); err != nil {
			return err
		}
	}
	return nil
}

// checkTarget is about where the mount goes. Who has checked a path without ".." knows
// which directory a mount is below.
func (r *Start) checkTarget(m *Mount, name string) *Error {
	target := m.Target
	if target == "" {
		target = m.Bind
	}
	switch {
	case target == "":
		return Invalid(name, "", "needs a Target")
	case strings.IndexByte(target, 0) >= 0:
		return Invalid(name, strconv.Quote(target), "contains a NUL byte")
	case target[0] != '/' && m.Target == "":
		return Invalid(name, target, "needs a Target: Bind is no absolute path")
	case target[0] != '/':
		return Invalid(name+".Target", target, "is no absolute path")
	case slices.Contains(strings.Split(target, "/"), ".."):
		return Invalid(name+".Target", target, `has ".." in it`)
	}
	return nil
}

// checkSource is about what is mounted.
func (r *Start) checkSource(m *Mount, name string) *Error {
	sources := m.sources()
	switch {
	case len(sources) > 1:
		return Invalid(name, m.At(), terms.Plain("has both "+sources[0]+" and "+sources[1]))
	case len(sources) == 0 && m.Flags|m.Clear == 0 && m.Propagation == PropagationDefault && m.Mode == nil:
		return Invalid(name, m.At(), "does nothing: it has neither a source nor Flags, Clear, Propagation or Mode")
	case strings.IndexByte(m.Bind, 0) >= 0:
		return Invalid(name+".Bind", strconv.Quote(m.Bind), "contains a NUL byte")
	case strings.IndexByte(m.Symlink, 0) >= 0:
		return Invalid(name+".Symlink", strconv.Quote(m.Symlink), "contains a NUL byte")
	case m.Kernel > KernelDevpts:
		return Invalid(name+".Kernel", strconv.Itoa(int(m.Kernel)), "is no file system")
	}
	return nil
}

// checkOptions is about what goes with what.
func (r *Start) checkOptions(m *Mount, name string) *Error {
	source := m.Source()
	of := func(list ...string) bool { return slices.Contains(list, source) }
	switch {
	case (m.Flags|m.Clear)&^allMountFlags != 0:
		return Invalid(name, hex((m.Flags|m.Clear)&^allMountFlags), "is no flag of a mount")
	case m.Flags&m.Clear != 0:
		return Invalid(name, m.At(), "has the same flag in Flags and Clear")
	case m.Flags|m.Clear != 0 && of("Dir", "Symlink", "Mask"):
		return Invalid(name, m.At(), terms.Plain(source+" is no mount, which flags could be set on"))
	case m.Propagation != PropagationDefault && source == "" && m.At() == "/":
		return Invalid(name+".Propagation", "/", "of the root directory is {Root.Propagation|Attr.Root.Propagation}")
	case m.Propagation > PropagationUnbindable:
		return Invalid(name+".Propagation", strconv.Itoa(int(m.Propagation)), "is no kind of propagation")
	case m.Propagation != PropagationDefault && of("Dir", "Symlink", "Mask"):
		return Invalid(name, m.At(), terms.Plain(source+" is no mount, which propagation could be set on"))
	case m.Mode != nil && !of("Dir", "Data", ""):
		return Invalid(name+".Mode", m.At(), "is for Data, Dir and what is there")
	case m.Mode != nil && of("") && m.Flags|m.Clear != 0:
		return Invalid(name+".Mode", m.At(), "cannot be changed together with flags: it is the file's, and they are the mount's")
	case m.Copy && !of("Data"):
		return Invalid(name+".Copy", m.At(), "is for Data")
	case m.Copy && (m.Flags|m.Clear != 0 || m.Propagation != PropagationDefault):
		return Invalid(name+".Copy", m.At(), "makes no mount, which flags or propagation could be set on")
	case m.Mode != nil && *m.Mode > 0o7777:
		return Invalid(name+".Mode", "0"+strconv.FormatUint(uint64(*m.Mode), 8), "has more than permission bits")
	case m.Optional && !of("", "Bind", "File", "Overlay"):
		return Invalid(name+".Optional", m.At(), terms.Plain("is for a source that may not exist: "+source+" always does"))
	case m.Create && of("", "Mask"):
		return Invalid(name+".Create", m.At(), "is for a source to be put there")
	case m.Shallow && !of("", "Bind", "File"):
		return Invalid(name+".Shallow", m.At(), "is for Bind, File and flags")
	case m.IDMap != nil && !of("Bind", "File"):
		return Invalid(name+".IDMap", m.At(), "is for Bind and File")
	}
	return nil
}

// checkFileSystem is about the options of a new file system.
func (r *Start) checkFileSystem(m *Mount, name string) *Error {
	switch {
	case m.Tmpfs != nil:
		return m.Tmpfs.check(name + ".Tmpfs")
	case m.Proc != nil && m.Proc.Hide > ProcHidePtraceable:
		return Invalid(name+".Proc.Hide", strconv.Itoa(int(m.Proc.Hide)), "is no value of hidepid")
	case m.Proc != nil && m.Proc.Fallback > ProcEmpty:
		return Invalid(name+".Proc.Fallback", strconv.Itoa(int(m.Proc.Fallback)), "is no fallback")
	case m.Dev != nil:
		return m.Dev.check(name + ".Dev")
	case m.IDMap != nil:
		return m.IDMap.check(name + ".IDMap")
	}
	return m.Overlay.check(name + ".Overlay")
}

func (t *Tmpfs) check(name string) *Error {
	switch {
	case t.Size < 0:
		return Invalid(name+".Size", strconv.FormatInt(t.Size, 10), "is negative")
	case t.Inodes < 0:
		return Invalid(name+".Inodes", strconv.FormatInt(t.Inodes, 10), "is negative")
	case t.Mode != nil && *t.Mode > 0o7777:
		return Invalid(name+".Mode", "0"+strconv.FormatUint(uint64(*t.Mode), 8), "has more than permission bits")
	case !slices.Contains([]string{"", "never", "always", "within_size", "advise"}, t.Huge):
		return Invalid(name+".Huge", strconv.Quote(t.Huge), "is none of never, always, within_size and advise")
	}
	return nil
}

func (d *Dev) check(name string) *Error {
	own := []string{"fd", "stdin", "stdout", "stderr", "core", "shm", "pts", "ptmx"}
	if d.NoPTS {
		own = own[:len(own)-1]
	}
	if d.Console != nil || d.ConsolePTY {
		own = append(own, "console")
	}
	for i, node := range d.Nodes {
		switch {
		case node == "" || node == "." || node == ".." || strings.ContainsAny(node, "/\x00"):
			return Invalid(Index(name+".Nodes", i), strconv.Quote(node), "is no name in /dev")
		case slices.Contains(own, node) || slices.Contains(d.Nodes[:i], node):
			return Invalid(Index(name+".Nodes", i), node, "is there already")
		}
	}
	return nil
}

func (m *MountIDMap) check(name string) *Error {
	if len(m.UIDs) == 0 || len(m.GIDs) == 0 {
		return Invalid(name, "", "needs UIDs and GIDs")
	}
	if err := checkMap(name+".UIDs", LinesOf(m.UIDs), false); err != nil {
		return err
	}
	return checkMap(name+".GIDs", LinesOf(m.GIDs), false)
}

// LinesOf are the ranges as the lines of a user namespace that maps the ids so.
func LinesOf(ranges []IDRange) (lines []syscall.SysProcIDMap) {
	for _, r := range ranges {
		lines = append(lines, syscall.SysProcIDMap{ContainerID: r.Disk, HostID: r.Seen, Size: r.Size})
	}
	return lines
}

func (o *Overlay) check(name string) *Error {
	if o == nil {
		return nil
	}
	for _, dir := range append([]string{o.Upper, o.Work}, o.Lower...) {
		switch {
		case strings.IndexByte(dir, 0) >= 0:
			return Invalid(name, strconv.Quote(dir), "contains a NUL byte")
		case dir != "" && !path.IsAbs(dir):
			return Invalid(name, dir, "is no absolute path")
		}
	}
	switch {
	case slices.Contains(o.Lower, ""), len(o.Lower) == 0:
		return Invalid(name+".Lower", "", "needs at least one directory")
	case (o.Upper == "") != (o.Work == ""):
		return Invalid(name, "", "needs both Upper and Work, or neither")
	case o.Private && o.Upper != "":
		return Invalid(name, o.Upper, "has an Upper, and changes are to be Private")
	case o.Upper == "" && !o.Private && len(o.Lower) < 2:
		return Invalid(name+".Lower", "", "needs two directories where nothing can be written to")
	}
	return nil
}

// checkRights refuses what the kernel refuses whoever asks.
func (r *Start) checkRights(m *Mount, name string) *Error {
	if !r.newUser() {
		if m.Proc != nil && m.Proc.Fallback == ProcOfCaller {
			return Invalid(name+".Proc.Fallback", "", "of the caller's /proc needs a new user namespace: /proc/PID/root of a process outside would lead out of the view")
		}
		return nil
	}
	lacks := func(kind NamespaceKind) bool {
		return (r.namespaces()&uintptr(kind))|uintptr(r.Named()&kind) == 0 && !r.joinsAll()
	}
	switch {
	case m.IDMap != nil:
		return nil // this process makes it
	case m.Shallow && (m.Bind != "" || m.File != nil):
		return Invalid(name+".Shallow", m.At(), "cannot be combined with a new user namespace: the kernel does not uncover there what a mount hides")
	case m.Proc != nil && m.Proc.Fallback == ProcRefuse && lacks(PIDNamespace):
		return Invalid(name+".Proc", m.At(), "needs a new PID namespace in a new user namespace: the caller's belongs to another one")
	case m.Kernel == KernelSysfs && lacks(NetworkNamespace):
		return Invalid(name+".Kernel", m.At(), "needs a new network namespace in a new user namespace: the caller's belongs to another one")
	case m.Kernel == KernelMqueue && lacks(IPCNamespace):
		return Invalid(name+".Kernel", m.At(), "needs a new IPC namespace in a new user namespace: the caller's belongs to another one")
	case m.Kernel == KernelCgroup2 && lacks(CgroupNamespace):
		return Invalid(name+".Kernel", m.At(), "needs a new cgroup namespace in a new user namespace: the caller's belongs to another one")
	}
	return nil
}

// checkJoined refuses what the kernel would look up in a joined mount namespace by itself, through whatever
// links somebody has laid there.
func (r *Start) checkJoined() *Error {
	const why = "is not for a joined mount namespace: the kernel follows links there that may lead to what the child has open"
	if root := r.Attr.Root; root != nil && root.Overlay != nil {
		return Invalid(RootField+".Overlay", "", why)
	}
	for i := range r.Attr.Mounts {
		switch m := &r.Attr.Mounts[i]; {
		case m.Overlay != nil && len(m.Overlay.Lower) > 0:
			return Invalid(Index(MountsField, i)+".Overlay", "", why)
		case m.IDMap != nil && m.Bind != "":
			return Invalid(Index(MountsField, i)+".IDMap", m.Bind, "is not for a path in a joined mount namespace, where this process cannot look it up: open it, and use File")
		}
	}
	return nil
}

// joinsAll reports whether a process's namespaces are joined, of kinds that are not known yet.
func (r *Start) joinsAll() bool {
	return slices.ContainsFunc(r.Attr.Join, func(n Namespace) bool { return n.Kinds == 0 })
}

// checkAtRoot is for a mount at /: it is the root directory.
func (r *Start) checkAtRoot(i int, name string) *Error {
	m, root := &r.Attr.Mounts[i], r.Attr.Root
	switch {
	case i > 0:
		return Invalid(name, "/", "must be the first mount: it would hide those before it")
	case !slices.Contains([]string{"Bind", "File", "Tmpfs", "Overlay"}, m.Source()):
		return Invalid(name, "/", terms.Plain(m.Source()+" is no root directory"))
	case m.Optional:
		return Invalid(name+".Optional", "/", "is not for the root directory")
	case root != nil && !(root.Empty || root.Host && root.Flags == 0):
		return Invalid(name, "/", "is a root directory, as {Attr.Root} is")
	}
	return nil
}

// ViewField is the field that asks for the view.
func (r *Start) ViewField() string {
	if r.Attr.Root == nil {
		return MountsField
	}
	return RootField
}

// MapsHostRoot reports whether root inside may be root outside, as far as user namespaces
// go.
func (r *Start) MapsHostRoot() bool {
	if !r.newUser() {
		return true
	}
	return slices.ContainsFunc(r.Uids, func(m syscall.SysProcIDMap) bool { return m.HostID == 0 && m.Size > 0 })
}
