//go:build amd64 || arm64

package compile

import (
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/program"
	"github.com/sprog-dev/sprog/internal/spec"
)

// Without mount_setattr and its kin (Linux 5.12) a view is put together by mount(2), which takes paths. So
// files are opened first, and named in the caller's /proc: self/fd/N, of two numbers that are
// known beforehand. A new file system is mounted where it goes. A mount that is not attached cannot be bound,
// so the old root stays on top of the new one until everything is placed, where only
// descriptors lead to it.
//
// Flags are set on one mount at a time. What is mounted below a source would be without them: the parent
// has looked that nothing is, and what comes there meanwhile is not taken along.

// promise notes a file system to be made.
func (o *oldView) promise(kind string, attr uint64, options []option) program.Arg {
	o.news = append(o.news, newMount{kind, mountFlagsOf(attr), dataOf(options)})
	return program.Arg{Kind: notMounted, Value: uint64(len(o.news) - 1)}
}

// dataOf are options as mount(2) takes them.
func dataOf(options []option) (data string) {
	for _, one := range options {
		value := one.value
		if one.in != "" {
			value = strings.ReplaceAll(one.in, `\`, `\\`)
		}
		if data != "" {
			data += ","
		}
		if data += one.key; value != "" {
			data += "=" + strings.ReplaceAll(value, ",", `\,`) // as overlays have it
		}
	}
	return data
}

// beginOld takes two numbers, which no file that is opened gets meanwhile.
func (v *viewer) beginOld() {
	v.old = &oldView{from: v.fds.spare(), to: v.fds.spare()}
	for _, n := range [...]int{v.old.from, v.old.to} {
		v.as(v.ask.ViewField(), Num(v.fds.at(v.given.ProcFD)), n)
	}
}

// mountAt attaches a mount, by its source or as a new file system, at what is open.
func (v *viewer) mountAt(field string, fd, target program.Arg, flags uint64) *program.Step {
	if fd.Kind == notMounted {
		n := v.old.news[fd.Value]
		return v.callMount(field, v.p.Str(n.kind), target, n.kind, n.flags, n.data)
	}
	return v.callMount(field, v.as(field, fd, v.old.from), target, "", flags, "")
}

// bindFlags are those of a bind: with what is mounted below, unless that would be without the flags which
// are asked for.
func (t *taken) bindFlags() uint64 {
	if t.Shallow || t.Flags|t.Clear != 0 || t.Source() == "Mask" {
		return unix.MS_BIND
	}
	return unix.MS_BIND | unix.MS_REC
}

// The places of the hidden file system where mounts are made.
const placeForDir, placeForFile = "d", "f"

// put makes a mount, with its flags, in the hidden file system, where nobody else can put anything, and moves it to
// where it goes. So its descriptor is known to be of this mount, whoever renames what meanwhile.
func (v *viewer) put(field string, fd program.Arg, flags uint64, set, clear spec.MountFlags, at program.Arg) (mount program.Arg) {
	p := v.p
	mount = p.Variable(none)
	if fd.Kind == notMounted {
		v.putBy(placeForDir, mount, field, fd, flags, set, clear, at)
		return mount
	}
	isDir, done := p.Ahead(), p.Ahead()
	v.gotoIfDirectory(field, fd, &isDir)
	v.putBy(placeForFile, mount, field, fd, flags, set, clear, at)
	p.GotoIf(field, v.always(), Num(0), &done).Quiet = true
	isDir.Place()
	v.putBy(placeForDir, mount, field, fd, flags, set, clear, at)
	done.Place()
	return mount
}

// putBy puts what is a directory, or what is none.
func (v *viewer) putBy(place string, mount program.Arg, field string, fd program.Arg, flags uint64, set, clear spec.MountFlags, at program.Arg) {
	point := v.openIn(field, v.hidden, place)
	v.mountAt(field, fd, v.as(field, point, v.old.to), flags)
	v.close(field, point)
	top := v.openIn(field, v.hidden, place)
	v.p.StepOf(top).Into(mount)
	v.setFlags(field, top, set, clear, 0)
	v.moveTo(field, top, at)
}

// moveTo moves a mount from the hidden file system.
func (v *viewer) moveTo(field string, mount, at program.Arg) {
	v.callMount(field, v.as(field, mount, v.old.from), v.as(field, at, v.old.to), "", unix.MS_MOVE, "")
}

// oldAttach attaches a mount at a descriptor, or at a name in its directory. Its own descriptor is that of the mount
// from then on, and that of its source is closed.
func (v *viewer) oldAttach(t *taken, dir program.Arg, name string) {
	at := dir
	if name != "" {
		at = v.openIn(t.field, dir, name)
	}
	set, clear := t.Flags, t.Clear
	if !slices.Contains([]string{"Bind", "File", "Data"}, t.Source()) {
		set, clear = 0, 0 // a new file system has them already
	}
	source := v.argOf(t.field, t.fd)
	if t.Proc != nil && t.Proc.Fallback != spec.ProcRefuse {
		t.fd = v.oldProc(t, source)
		v.moveTo(t.field, t.fd, at)
	} else {
		mount := v.put(t.field, source, t.bindFlags(), set, clear, at)
		if source.Kind != notMounted {
			v.close(t.field, v.argOf(t.field, t.fd))
		}
		t.fd = mount
	}
	if name != "" {
		v.close(t.field, at)
	}
}

// oldProc mounts a proc file system, or an empty directory, in the hidden file system.
func (v *viewer) oldProc(t *taken, source program.Arg) (mount program.Arg) {
	p, refused, done := v.p, v.p.Ahead(), v.p.Ahead()
	point := v.openIn(t.field, v.hidden, placeForDir)
	target := v.as(t.field, point, v.old.to)
	v.close(t.field, point)
	v.mountAt(t.field, source, target, 0).On(uint32(unix.EPERM), &refused).Then(&done)
	refused.Place()
	v.tell(t, FellBack)
	v.callMount(t.field, p.Str("tmpfs"), target, "tmpfs", unix.MS_RDONLY|unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, "mode=0555")
	done.Place()
	return v.openIn(t.field, v.hidden, placeForDir)
}

// oldTurn makes the new root, and leaves the old one on top of it.
func (v *viewer) oldTurn() {
	p, field := v.p, v.ask.ViewField()
	v.add(field, program.Openat, Num(unix.AT_FDCWD), p.Str("/"), Num(pathOnlyCloexec), Num(0))
	v.old.root = p.Result()
	v.toProc(field)
	if !v.ask.Turns() {
		// The host itself becomes a root of its own, so that sources are as they were before the first mount.
		v.callMount(field, v.as(field, v.old.root, v.old.from), p.Str("/"), "", unix.MS_BIND|unix.MS_REC, "")
		v.root = v.onTop(field, v.old.root)
		v.oldPivot(field)
		v.oldHide()
		v.tree.init(foreign)
		return
	}
	t := &v.taken[0]
	v.mountAt(t.field, t.fd, p.Str("/"), t.bindFlags())
	if t.fd.Kind != notMounted {
		v.close(t.field, t.fd)
	}
	v.root = v.onTop(t.field, v.old.root)
	t.fd = v.root
	if t.Flags|t.Clear != 0 && t.late == 0 && t.Tmpfs == nil && t.Overlay == nil {
		v.remount(t.field, v.root, t.Flags, t.Clear)
	}
	v.oldPivot(t.field)
	v.oldHide()
	v.tree.init(landOf(t.Mount))
}

func (v *viewer) oldPivot(field string) {
	v.add(field, program.Fchdir, v.root)
	v.add(field, program.PivotRoot, v.p.Str("."), v.p.Str("."))
	v.toProc(field)
}

// toProc makes the caller's /proc the working directory, where files have names.
func (v *viewer) toProc(field string) {
	v.add(field, program.Fchdir, Num(v.fds.at(v.given.ProcFD)))
}

// oldHide mounts the hidden file system on top of the old root.
func (v *viewer) oldHide() {
	field := v.ask.ViewField()
	v.callMount(field, v.p.Str("tmpfs"), v.as(field, v.old.root, v.old.to), "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, dataOf(v.hiddenOptions()))
	v.hidden = v.onTop(field, v.old.root)
	v.add(field, program.Mkdirat, v.hidden, v.p.Str(placeForDir), Num(0o755))
	v.add(field, program.Mknodat, v.hidden, v.p.Str(placeForFile), Num(modeRegular|0o644), Num(0))
}

// oldEnd takes the old root away, and what was on top of it.
func (v *viewer) oldEnd() {
	p, field := v.p, v.ask.ViewField()
	v.add(field, program.Fchdir, v.hidden) // which is on top
	v.add(field, program.Umount2, p.Str("."), Num(unix.MNT_DETACH))
	v.add(field, program.Fchdir, v.old.root)
	v.add(field, program.Umount2, p.Str("."), Num(unix.MNT_DETACH))
	v.close(field, v.old.root)
	v.add(field, program.Chdir, p.Str("/"))
	v.isAlone(field, Covered)
	v.close(field, v.root)
	v.close(field, v.hidden)
	for _, n := range [...]int{v.old.from, v.old.to} {
		v.add(field, program.Close, Num(n)).Ignore(uint32(unix.EBADF)).Quiet = true
		v.fds.setOpen(n, false)
	}
}

// oldChange sets flags of what is there, by a mount of it on itself.
func (v *viewer) oldChange(t *taken, at program.Arg) (mount program.Arg) {
	return v.put(t.field, at, t.bindFlags(), t.Flags, t.Clear, at)
}

// oldProtect makes a part of a proc file system read-only.
func (v *viewer) oldProtect(t *taken, name string, missing *program.Target) {
	at := v.openIn(t.field, v.fdOf(t), name)
	v.p.StepOf(at).On(uint32(unix.ENOENT), missing)
	v.close(t.field, v.argOf(t.field, v.put(t.field, at, unix.MS_BIND, spec.MountReadOnly, 0, at)))
	v.close(t.field, at)
}
