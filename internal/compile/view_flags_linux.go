//go:build amd64 || arm64

package compile

import (
	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/program"
	"github.com/sprog-dev/sprog/internal/spec"
)

// attributes are flags in the kernel's numbers, as fsmount and mount_setattr have them.
func attributes(f spec.MountFlags) (attr uint64) {
	for _, one := range [...]struct {
		flag spec.MountFlags
		attr uint64
	}{
		{spec.MountReadOnly, unix.MOUNT_ATTR_RDONLY}, {spec.MountNoSUID, unix.MOUNT_ATTR_NOSUID}, {spec.MountNoDev, unix.MOUNT_ATTR_NODEV},
		{spec.MountNoExec, unix.MOUNT_ATTR_NOEXEC}, {spec.MountNoSymlinks, unix.MOUNT_ATTR_NOSYMFOLLOW}, {spec.MountNoAtime, unix.MOUNT_ATTR_NOATIME},
	} {
		if f&one.flag != 0 {
			attr |= one.attr
		}
	}
	return attr
}

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
