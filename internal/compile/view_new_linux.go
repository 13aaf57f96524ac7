//go:build amd64 || arm64

package compile

import (
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/program"
	"github.com/sprog-dev/sprog/internal/spec"
)

// clonePath makes a mount of what is at a path of the caller's. If it does not exist, the child goes on
// with the target, if there is one. In a joined mount namespace, somebody may have laid
// a link of /proc there to what the child has open.
func (v *viewer) clonePath(field, path string, depth int, missing *program.Target) program.Arg {
	p, flags := v.p, openTreeClone|depth
	from, name := Num(unix.AT_FDCWD), p.Str(path)
	if v.old != nil {
		open := v.add(field, program.Openat, from, name, Num(pathOnlyCloexec), Num(0))
		if missing != nil {
			open.On(uint32(unix.ENOENT), missing).On(uint32(unix.ENOTDIR), missing)
		}
		return p.Result()
	}
	var open *program.Step
	joined := v.joinsMounts()
	if joined {
		how := p.Words(pathOnlyCloexec, 0, unix.RESOLVE_NO_MAGICLINKS)
		open = v.add(field, program.Openat2, from, name, how, Num(openHowSize))
	} else {
		open = v.add(field, program.OpenTree, from, name, Num(flags))
	}
	if missing != nil {
		open.On(uint32(unix.ENOENT), missing).On(uint32(unix.ENOTDIR), missing)
	}
	fd := p.Result()
	if !joined {
		return fd
	}
	v.add(field, program.OpenTree, fd, p.Str(""), Num(flags|emptyPath))
	tree := p.Result()
	v.close(field, fd)
	return tree
}

// joinsMounts reports whether the caller's view is one that was joined.
func (v *viewer) joinsMounts() bool { return v.given.Joins.Has(spec.MountNamespace) }

// An option is one of a file system: without a value if that is "", and given in a directory
// if it has one.
type option struct{ key, value, in string }

// newFileSystem makes a file system, and a mount of it.
func (v *viewer) newFileSystem(field, kind string, attr uint64, options ...option) program.Arg {
	return v.tryFileSystem(field, kind, attr, nil, options...)
}

// tryFileSystem goes on with the target, if there is one, where the kernel refuses a new file
// system of the kind. What it was configured by is open then.
func (v *viewer) tryFileSystem(field, kind string, attr uint64, refused *program.Target, options ...option) program.Arg {
	p, context := v.p, v.context
	if v.old != nil {
		return v.old.promise(kind, attr, options)
	}
	v.add(field, program.Fsopen, p.Str(kind), Num(unix.FSOPEN_CLOEXEC)).Into(context)
	fd := p.Result()
	for _, o := range options {
		if o.in != "" {
			v.add(field, program.Chdir, p.Str(o.in)).Quiet = true
		}
		if o.value == "" {
			v.add(field, program.Fsconfig, fd, Num(program.FsconfigFlag), p.Str(o.key), Num(0), Num(0))
			continue
		}
		v.add(field, program.Fsconfig, fd, Num(program.FsconfigString), p.Str(o.key), p.Str(o.value), Num(0))
	}
	made := v.add(field, program.Fsconfig, fd, Num(program.FsconfigCreate), Num(0), Num(0), Num(0))
	if refused != nil {
		made.On(uint32(unix.EPERM), refused)
	}
	mounted := v.add(field, program.Fsmount, fd, Num(unix.FSMOUNT_CLOEXEC), Num(attr))
	if refused != nil {
		mounted.On(uint32(unix.EPERM), refused)
	}
	mount := p.Result()
	v.closeContext(field, fd)
	return mount
}

// closeContext closes what a file system was configured by, of which a failure would
// have told more.
func (v *viewer) closeContext(field string, fd program.Arg) {
	v.close(field, fd)
	v.p.Copy(field, v.noContext, v.context)
}

// flagsOfSource sets the flags of a mount that has come from the caller. The root is
// written to as long as mounts are placed, if anything may have to be made there.
func (v *viewer) flagsOfSource(t *taken) {
	if v.old != nil {
		return // it is no mount yet
	}
	v.seal(t.field, t.fd, t.Flags, t.Clear, t.depth(), t.Propagation)
	if v.isRoot(t) && t.Flags&spec.MountReadOnly != 0 && v.creates() {
		v.setFlags(t.field, t.fd, 0, spec.MountReadOnly, 0)
		t.late = spec.MountReadOnly
	}
}

// creates reports whether a mount asks for its target to be made.
func (v *viewer) creates() bool {
	for i := range v.ask.Attr.Mounts {
		if v.ask.Attr.Mounts[i].Create {
			return true
		}
	}
	return false
}

func octal(mode uint32) string { return "0" + strconv.FormatUint(uint64(mode), 8) }

func decimal(n int64) string { return strconv.FormatInt(n, 10) }

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
