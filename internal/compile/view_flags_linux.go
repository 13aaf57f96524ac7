//go:build amd64 || arm64

package compile

import (
	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/program"
	"github.com/sprog-dev/sprog/internal/spec"
)

// setFlags sets and clears flags of a mount. The kernel takes the ways to keep times of
// access for one number, of which none can be set without the others being cleared.
func (v *viewer) setFlags(field string, fd program.Arg, set, clear spec.MountFlags, depth int) {
	v.setFlagsAnd(field, fd, set, clear, depth, 0)
}

// seal sets flags that hold for whatever comes to be mounted below, too: nothing comes any more. What somebody
// mounted outside between this and the end would have none of the flags.
func (v *viewer) seal(field string, fd program.Arg, set, clear spec.MountFlags, depth int, how spec.Propagation) {
	root := v.ask.Attr.Root
	if how == spec.PropagationSlave || how == spec.PropagationDefault && root != nil && root.Propagation == spec.PropagationSlave {
		v.setFlags(field, fd, set, clear, depth)
		return
	}
	v.setFlagsAnd(field, fd, set, clear, depth, unix.MS_PRIVATE)
}

func (v *viewer) setFlagsAnd(field string, fd program.Arg, set, clear spec.MountFlags, depth int, propagation uint64) {
	if set|clear == 0 {
		return
	}
	if v.old != nil {
		v.remount(field, fd, set, clear)
		return
	}
	on, off := attributes(set), attributes(clear)
	if (set|clear)&spec.MountNoAtime != 0 {
		off |= unix.MOUNT_ATTR__ATIME
	}
	v.setAttr(field, fd, depth, on, off, propagation)
}

// propagate says how mounts below spread.
func (v *viewer) propagate(field string, fd program.Arg, how uint64) {
	if v.old != nil {
		v.callMount(field, Num(0), v.as(field, fd, v.old.to), "", unix.MS_REC|how, "")
		return
	}
	v.setAttr(field, fd, atRecursive, 0, 0, how)
}

func (v *viewer) setAttr(field string, fd program.Arg, depth int, set, clear, propagation uint64) {
	p := v.p
	attr := p.Words(set, clear, propagation, 0)
	v.add(field, program.MountSetattr, fd, p.Str(""), Num(emptyPath|depth), attr, Num(mountAttrSize))
}

func propagationFlag(p spec.Propagation) uint64 {
	return [...]uint64{spec.PropagationPrivate: unix.MS_PRIVATE, spec.PropagationSlave: unix.MS_SLAVE,
		spec.PropagationShared: unix.MS_SHARED, spec.PropagationUnbindable: unix.MS_UNBINDABLE}[p]
}

// remount sets and clears flags of a mount that is attached. Those that it has are kept: a user
// namespace may not do without them.
func (v *viewer) remount(field string, fd program.Arg, set, clear spec.MountFlags) {
	const kept = unix.MS_RDONLY | unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC | unix.MS_NOATIME | unix.MS_NODIRATIME
	p := v.p
	on, off := mountFlagsOf(attributes(set)), mountFlagsOf(attributes(clear))
	target := v.as(field, fd, v.old.to)
	v.add(field, program.Fstatfs, Num(v.old.to), v.stat).Quiet = true
	have := p.Words(0)
	move := p.Copy(field, v.stat.Plus(statfsFlags), have)
	move.Args[3], move.Args[2] = Num(^uint32(kept)|uint32(off)), Num(unix.MS_REMOUNT|unix.MS_BIND|on)
	v.add(field, program.Mount, Num(0), target, Num(0), p.Value(field, have), Num(0))
}

// statfsFlags is where struct statfs has the flags of the mount.
const statfsFlags = 80

// mountFlagsOf are attributes of mount_setattr(2) as flags of mount(2).
func mountFlagsOf(attr uint64) uint64 {
	const same = unix.MS_RDONLY | unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC
	flags := attr & same
	if attr&unix.MOUNT_ATTR_NOATIME != 0 {
		flags |= unix.MS_NOATIME
	}
	if attr&unix.MOUNT_ATTR_NOSYMFOLLOW != 0 {
		flags |= unix.MS_NOSYMFOLLOW
	}
	return flags
}

// as duplicates a descriptor to a number, under which mount(2) finds it.
func (v *viewer) as(field string, fd program.Arg, n int) program.Arg {
	v.add(field, program.Dup3, fd, Num(n), Num(unix.O_CLOEXEC)).Quiet = true
	return v.p.Str("self/fd/" + spec.Itoa(n))
}

// callMount calls mount(2).
func (v *viewer) callMount(field string, source, target program.Arg, kind string, flags uint64, data string) *program.Step {
	typ, text := Num(0), Num(0)
	if kind != "" {
		typ = v.p.Str(kind)
	}
	if data != "" {
		text = v.p.Str(data)
	}
	return v.add(field, program.Mount, source, target, typ, Num(flags), text)
}
