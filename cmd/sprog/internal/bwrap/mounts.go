//go:build linux

package bwrap

import (
	"path"

	"github.com/sprog-dev/sprog"
)

// mounts are the operations as mounts, and which operation each of them belongs to.
func (o *Options) mounts(f *Facts) (list []sprog.Mount, ops []Op) {
	t := &mounter{o: o, f: f}
	for _, op := range o.Ops {
		t.add(op)
	}
	return t.list, t.ops
}

// A mounter translates operations.
type mounter struct {
	o    *Options
	f    *Facts
	list []sprog.Mount
	ops  []Op
}

// put adds a mount of an operation.
func (t *mounter) put(op Op, m sprog.Mount) {
	t.list, t.ops = append(t.list, m), append(t.ops, op)
}

// add translates one operation.
func (t *mounter) add(op Op) {
	dest := path.Clean("/" + op.Dest)
	op.Dest = dest
	m := sprog.Mount{Target: dest, Create: true}
	switch op.Kind {
	case RemountReadOnly:
		t.put(op, sprog.Mount{Target: dest, Flags: sprog.MountReadOnly, Shallow: true})
		return
	case Chmod:
		t.put(op, sprog.Mount{Target: dest, Mode: mode(op.Perms)})
		return
	case Bind, ReadOnlyBind, DevBind:
		t.bind(op, m)
		return
	case Proc:
		t.proc(op, m)
		return
	case Dir, Symlink, File, BindData, ReadOnlyBindData:
		t.file(op, m)
		return
	case Tmpfs:
		t.parents(op, dest)
		m.Tmpfs = &sprog.Tmpfs{Size: op.Size, Mode: mode(op.Perms)}
	case Dev:
		m.Dev = &sprog.Dev{Console: t.f.Console}
	case Mqueue:
		m.Kernel = sprog.KernelMqueue
	case Overlay, PrivateOverlay, ReadOnlyOverlay:
		m.Overlay = t.overlay(op)
	}
	t.atRoot(dest)
	t.put(op, m)
}

func mode(perms int) *uint32 {
	if perms < 0 {
		return nil
	}
	m := uint32(perms)
	return &m
}

// atRoot forgets what a new root directory hides.
func (t *mounter) atRoot(dest string) {
	if dest == "/" {
		t.list, t.ops = nil, nil
	}
}

func (t *mounter) bind(op Op, m sprog.Mount) {
	m.Flags, m.Optional = sprog.MountNoSUID, op.Try
	if op.Kind != DevBind {
		m.Flags |= sprog.MountNoDev
	}
	if op.Kind == ReadOnlyBind {
		m.Flags |= sprog.MountReadOnly
		m.Propagation = sprog.PropagationPrivate
	}
	if op.FD >= 0 {
		m.File = t.f.Files[op.FD]
	} else {
		m.Bind = t.f.RealPath(op.Source)
	}
	if m.Target == "/" {
		m.Optional = false
	}
	t.atRoot(m.Target)
	t.put(op, m)
}

// proc is a new file system for a PID namespace, and the caller's otherwise.
func (t *mounter) proc(op Op, m sprog.Mount) {
	if t.o.UnsharePID || t.o.PIDNS >= 0 {
		m.Proc = &sprog.Proc{Writable: true}
	} else {
		m.Bind, m.Flags = "/proc", sprog.MountNoSUID|sprog.MountNoDev
	}
	t.put(op, m)
	for _, name := range t.f.Covered {
		t.put(op, sprog.Mount{Target: path.Join(m.Target, name), Flags: sprog.MountReadOnly | sprog.MountNoSUID | sprog.MountNoDev, Optional: true})
	}
}

// file makes something that is no mount, or a file with given content.
func (t *mounter) file(op Op, m sprog.Mount) {
	t.parents(op, m.Target)
	m.Mode = mode(op.Perms)
	switch op.Kind {
	case Dir:
		m.Dir = true
		if m.Target == "/" {
			return
		}
	case Symlink:
		m.Symlink = op.Source
	case File:
		m.Data, m.Copy = t.f.Data[op.FD], true
	case BindData, ReadOnlyBindData:
		m.Data, m.Flags = t.f.Data[op.FD], sprog.MountNoSUID|sprog.MountNoDev
		if op.Kind == ReadOnlyBindData {
			m.Flags |= sprog.MountReadOnly
		}
	}
	t.put(op, m)
}

// parents makes the directories above: what the group and others may not do with the
// file, they may not do with them.
func (t *mounter) parents(op Op, dest string) {
	perms := 0o755
	if op.Perms >= 0 && op.Perms&0o070 == 0 {
		perms &^= 0o050
	}
	if op.Perms >= 0 && op.Perms&0o007 == 0 {
		perms &^= 0o005
	}
	if perms == 0o755 && op.Kind != Symlink && op.Kind != File {
		return // as they are made anyway
	}
	for i := 1; i < len(dest); i++ {
		if dest[i] == '/' {
			t.put(op, sprog.Mount{Target: dest[:i], Dir: true, Mode: mode(perms), Create: true})
		}
	}
}

func (t *mounter) overlay(op Op) *sprog.Overlay {
	o := &sprog.Overlay{Private: op.Kind == PrivateOverlay, UserXattrs: true}
	for _, dir := range op.Lower {
		o.Lower = append([]string{t.absolute(dir)}, o.Lower...)
	}
	if op.Kind == Overlay {
		o.Upper, o.Work = t.absolute(op.Source), t.absolute(op.Work)
	}
	return o
}

func (t *mounter) absolute(p string) string {
	if p = t.f.RealPath(p); path.IsAbs(p) {
		return p
	}
	return path.Join(t.f.Dir, p)
}
