//go:build amd64 || arm64

package compile

import (
	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/program"
	"github.com/sprog-dev/sprog/internal/spec"
)

// The hidden file system has the files that the view makes itself: given content, what
// masks directories, the layers that overlays write to. The kernel clones no part of a
// mount that is not attached (before Linux 6.15). So it is attached on top of / for a moment, where no path
// of the caller's leads to it, and is detached again before the turn.

func (v *viewer) hide() {
	if v.old != nil {
		return // oldTurn has
	}
	field := v.ask.ViewField()
	v.hidden = v.newFileSystem(field, "tmpfs", attributes(spec.MountNoSUID|spec.MountNoDev), v.hiddenOptions()...)
	v.add(field, program.MoveMount, v.hidden, v.p.Str(""), Num(unix.AT_FDCWD), v.p.Str("/"), Num(fromDescriptor))
	v.add(field, program.Fchdir, v.hidden)
}

// hiddenOptions are those of the hidden file system. A program that may write to a file with given content gets no
// more memory by it than spareSize. The changes of overlays have no limit of their own.
func (v *viewer) hiddenOptions() []option {
	options, size := []option{{key: "mode", value: "0700"}}, int64(spareSize)
	for i := range v.taken {
		t := &v.taken[i]
		if t.Overlay != nil && t.Overlay.Private {
			return options
		}
		size += (int64(len(t.Data)) + largestPage - 1) / largestPage * largestPage
	}
	return append(options, option{key: "size", value: decimal(size)})
}

const (
	spareSize   = 1 << 20
	largestPage = 64 << 10
)

// unhide detaches it: what it is made of lives as long as what has been cloned from it.
func (v *viewer) unhide() {
	if v.old != nil {
		return // oldEnd does
	}
	field := v.ask.ViewField()
	v.add(field, program.Umount2, v.p.Str("."), Num(unix.MNT_DETACH))
	v.add(field, program.Chdir, v.p.Str("/"))
	v.close(field, v.hidden)
}

// hiddenName is a new name in it.
func (v *viewer) hiddenName() string {
	v.names++
	return spec.Itoa(v.names)
}

// hiddenDir makes a directory in it, and returns its path from there.
func (v *viewer) hiddenDir(field string, mode uint32) (name string) {
	name = v.hiddenName()
	v.add(field, program.Mkdirat, v.hidden, v.p.Str(name), Num(mode))
	return name
}

// clone makes a mount of something in it.
func (v *viewer) clone(field, name string) program.Arg {
	if v.old != nil {
		return v.openIn(field, v.hidden, name)
	}
	v.add(field, program.OpenTree, v.hidden, v.p.Str(name), Num(openTreeClone))
	return v.p.Result()
}

// takeData makes a file with given content.
func (v *viewer) takeData(t *taken) {
	p, mode, name := v.p, uint32(0o600), v.hiddenName()
	if t.Mode != nil {
		mode = *t.Mode
	}
	v.add(t.field, program.Openat, v.hidden, p.Str(name), Num(unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL|unix.O_CLOEXEC), Num(mode))
	if len(t.Data) > 0 {
		p.WithOpen(func(fd program.Arg) { v.writeAll(t, fd) })
	} else {
		v.close(t.field, p.Result())
	}
	t.fd = v.clone(t.field, name)
	if v.old == nil {
		v.setFlags(t.field, t.fd, t.Flags, t.Clear, 0)
	}
}

// mostWritten is the most that one write(2) is asked for; the kernel does not take more than 2 GiB.
const mostWritten = 1 << 30

// writeAll writes given content. Where only a part of it fits, because of a limit on the size of files or for
// want of memory, the kernel says why only when it is asked once more.
func (v *viewer) writeAll(t *taken, fd program.Arg) {
	p, written := v.p, v.p.Words(0)
	for rest := t.Data; len(rest) > 0; {
		piece := rest[:min(len(rest), mostWritten)]
		rest = rest[len(piece):]
		content, whole := p.Bytes(piece), p.Ahead()
		v.add(t.field, program.Write, fd, content, Num(len(piece))).Into(written)
		p.GotoIf(t.field, written, Num(len(piece)), &whole).Quiet = true
		v.add(t.field, program.Write, fd, content, Num(len(piece))).Quiet = true
		v.fails(t.field, t.At(), Truncated)
		whole.Place()
	}
}

// takeMask takes what hides a directory, and what hides a file: the caller's /dev/null,
// which has to be that. The program's own could be anything (CVE-2025-31133).
func (v *viewer) takeMask(t *taken) {
	t.fd = v.clone(t.field, v.hiddenDir(t.field, 0))
	if v.old == nil {
		v.setFlags(t.field, t.fd, spec.MountReadOnly, 0, 0)
	}
	if v.old == nil {
		v.takeNull(t)
	}
}

// takeNull takes the caller's /dev/null, if it is that.
func (v *viewer) takeNull(t *taken) {
	p := v.p
	t.other = v.clonePath(t.field, "/dev/null", 0, nil)
	isNull, maybe := p.Ahead(), p.Ahead()
	v.add(t.field, program.Statx, t.other, p.Str(""), Num(emptyPath), Num(unix.STATX_TYPE), v.stat)
	p.GotoIf(t.field, v.stat.Plus(statxRdevMajor), Num(1), &maybe).Quiet = true
	bad := p.Here()
	v.fails(t.field, "/dev/null", NotNull)
	maybe.Place()
	p.GotoIf(t.field, v.stat.Plus(statxRdevMinor), Num(3), &isNull).Then(&bad).Quiet = true
	isNull.Place()
}

// placeMask hides what is at the target, if anything is.
func (v *viewer) placeMask(t *taken) {
	p, missing, isDir, done := v.p, v.p.Ahead(), v.p.Ahead(), v.p.Ahead()
	at := v.openPath(t.field, t.At(), &missing)
	attach := func(fd program.Arg, flags spec.MountFlags) {
		if v.old != nil {
			v.close(t.field, v.argOf(t.field, v.put(t.field, fd, unix.MS_BIND, flags, 0, at)))
			return
		}
		v.add(t.field, program.MoveMount, fd, p.Str(""), at, p.Str(""), Num(fromDescriptor|toDescriptor))
	}
	v.gotoIfDirectory(t.field, at, &isDir)
	attach(t.other, 0)
	p.GotoIf(t.field, v.always(), Num(0), &done).Quiet = true
	isDir.Place()
	attach(t.fd, spec.MountReadOnly)
	done.Place()
	v.close(t.field, at)
	missing.Place()
	v.close(t.field, t.fd)
	v.close(t.field, t.other)
}
