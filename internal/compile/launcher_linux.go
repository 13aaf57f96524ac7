//go:build amd64 || arm64

package compile

import (
	"path"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/program"
	"github.com/sprog-dev/sprog/internal/spec"
)

// A launcher runs the steps of an Exec, but no process of Go's has prepared anything for it.
// These steps do what such a process does otherwise.

// fillStreams opens /dev/null for each standard stream that is closed, as Go's runtime does when it
// starts: a file that is opened later would get its number, and be taken for it.
func (b *builder) fillStreams() {
	if b.ask.Launcher == nil {
		return
	}
	for n := range len(streams) {
		open, filled := b.p.Ahead(), b.p.Ahead()
		b.add("", program.Fcntl, Num(n), Num(unix.F_GETFD), Num(0)).On(uint32(unix.EBADF), &open).Then(&filled)
		open.Place()
		b.add("", program.Openat, Num(unix.AT_FDCWD), b.p.Str("/dev/null"), Num(unix.O_RDWR), Num(0))
		filled.Place()
	}
	b.made.filled = b.p.Len()
}

// filledStreams is how many of them are open then, which are 0 in a start by a process that stays.
func (m *Plan) filledStreams() int {
	if m.filled == 0 {
		return 0
	}
	return len(streams)
}

// isStream reports whether it is a stream that a launcher has, whatever it was called with.
func (b *builder) isStream(h *Held) bool { return b.ask.Launcher != nil && h.Fd < len(streams) }

// holdForLauncher is for descriptors of a launcher's. Those that are at their numbers stay: the
// execve that has begun it has left none with the close-on-exec flag. Those that it is to open
// are not open yet.
func (b *builder) holdForLauncher() {
	if b.ask.Launcher == nil {
		return
	}
	t := &b.fds
	for i := range t.held {
		h := &t.held[i]
		if h.Path != "" {
			t.setOpen(h.At, false)
		} else if h.Fd == h.At && h.flags == 0 {
			h.Stays = true
		}
	}
}

// openOwn opens what a parent would have opened.
func (b *builder) openOwn() {
	t := &b.fds
	for i := range t.held {
		h := &t.held[i]
		if h.Path == "" {
			continue
		}
		got := t.lowestFree()
		b.add(h.Field, program.Openat, Num(unix.AT_FDCWD), b.p.Str(h.Path), Num(h.Flags|unix.O_CLOEXEC), Num(0))
		if got != h.At {
			fd := b.p.Result()
			b.add(h.Field, program.Dup3, fd, Num(h.At), Num(unix.O_CLOEXEC))
			b.add(h.Field, program.Close, fd).Quiet = true
		}
		t.setOpen(h.At, true)
	}
}

// isOpenedFirst reports whether the file of a number is opened before anything is changed.
func (b *builder) isOpenedFirst(n int) bool {
	i := spec.IndexOfFile(b.given.Files, n)
	return i >= 0 && b.given.Files[i].Source == spec.OpenedFirst
}

// openFirst opens a file with the rights that the launcher begins with.
func (b *builder) openFirst(f *spec.ChildFile) int {
	return b.openAt(f.Field, f.File.Path, f.File.Flags|unix.O_NOCTTY|unix.O_CLOEXEC, f.File.Mode, f.N)
}

// DataName shows in /proc/PID/fd, as /memfd:sprog-data.
const DataName = "sprog-data"

// makeFirst makes a file with given content, which nobody changes.
func (b *builder) makeFirst(f *spec.ChildFile) int {
	p, t := b.p, &b.fds
	b.add(f.Field, program.MemfdCreate, p.Str(DataName), Num(unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING))
	fd, got := p.Result(), t.lowestFree()
	b.add(f.Field, program.Pwrite64, fd, p.Bytes(f.File.Data), Num(len(f.File.Data)), Num(0))
	const seals = unix.F_SEAL_SEAL | unix.F_SEAL_SHRINK | unix.F_SEAL_GROW | unix.F_SEAL_WRITE
	b.add(f.Field, program.Fcntl, fd, Num(unix.F_ADD_SEALS), Num(seals))
	if got == f.N {
		b.add(f.Field, program.Fcntl, fd, Num(unix.F_SETFD), Num(0))
	} else {
		b.add(f.Field, program.Dup3, fd, Num(f.N), Num(0))
		t.setOpen(got, true)
	}
	t.setOpen(f.N, true)
	return f.N
}

// noteParent notes who the parent is, before it can end.
func (b *builder) noteParent() {
	if b.ask.Launcher != nil && b.ask.Sys.Pdeathsig != 0 {
		b.add(spec.Field("Pdeathsig"), program.Getppid)
		b.ppid = b.p.Result()
	}
}

// parent is who the parent was.
func (b *builder) parent() program.Arg {
	if b.ask.Launcher != nil {
		return b.ppid
	}
	return Num(b.given.Ppid)
}

// ownIDs notes where ids of whoever runs the launcher stand in the text of a map.
func (b *builder) ownIDs(file, text string, at program.Arg) {
	for i := 0; ; {
		next := strings.Index(text[i:], spec.OwnIDBlanks)
		if next < 0 {
			return
		}
		i += next + len(spec.OwnIDBlanks)
		b.made.OwnIDs = append(b.made.OwnIDs, OwnID{at.Plus(i - 1), file == "gid_map"})
	}
}

// executeOrTell executes the program. If it is not there, the exit code is another one than if its
// interpreter is not: so the launcher looks, and then fails once more, at a step of its own.
func (b *builder) executeOrTell() {
	p, m := b.p, &b.made
	if !strings.Contains(b.ask.Path, "/") {
		b.searchPath()
		return
	}
	look, missing := p.Ahead(), p.Ahead()
	m.argv, m.env = p.Hole("argv"), p.Hole("environment")
	b.add("", program.Execve, p.Str(b.ask.Path), m.argv, m.env).Of(program.OfProgram).On(uint32(unix.ENOENT), &look).On(uint32(unix.ENOTDIR), &look)
	look.Place()
	b.add("", program.Openat, Num(unix.AT_FDCWD), p.Str(b.ask.Path), Num(unix.O_PATH|unix.O_CLOEXEC), Num(0)).On(program.AnyErrno, &missing).Quiet = true
	b.executeAgain(p.Str(b.ask.Path))
	missing.Place()
	m.NotFound = p.Len()
	b.executeAgain(p.Str(b.ask.Path))
}

// executeAgain is an execve that fails as one before it did.
func (b *builder) executeAgain(file program.Arg) {
	argv, env := b.strings()
	b.add("", program.Execve, file, argv, env).Of(program.OfProgram).Quiet = true
}

// searchPath executes the program as execvp(3) does: the first in a directory of PATH that can be
// executed. What may not be executed is passed over, and told of if there is no other.
func (b *builder) searchPath() {
	p, denied := b.p, b.p.Variable(0)
	files := b.pathTable()
	next := p.Words(0)
	p.Point(next, files)
	again, none, on := p.Here(), p.Ahead(), p.Ahead()
	file := p.Value("", p.Value("", next))
	p.GotoIf("", p.Recorded(file), Num(0), &none).Quiet = true
	m := &b.made
	m.argv, m.env = p.Hole("argv"), p.Hole("environment")
	b.add("", program.Execve, file, m.argv, m.env).Of(program.OfProgram).Ignore(program.AnyErrno)
	failed := p.Recorded(p.Result())
	for _, elsewhere := range []unix.Errno{unix.ENOENT, unix.ENOTDIR} {
		p.GotoIf("", failed, Num(uint32(-int32(elsewhere))), &on).Quiet = true
	}
	p.Copy("", p.Recorded(file), denied)
	on.Place()
	p.Copy("", next, next).Args[1] = Num(8)
	p.GotoIf("", p.Variable(0), Num(0), &again).Quiet = true
	none.Place()
	missing := p.Ahead()
	p.GotoIf("", denied, Num(0), &missing).Quiet = true
	b.executeAgain(p.Value("", denied))
	missing.Place()
	m.NotFound = p.Len()
	b.executeAgain(p.Str("")) // ENOENT
}

// pathTable are the files that the program may be, with 0 behind them. An empty directory in PATH
// would be the working directory, which is nobody's to trust.
func (b *builder) pathTable() program.Arg {
	var list []string
	for dir := range strings.SplitSeq(b.ask.LauncherPath(), ":") {
		if path.IsAbs(dir) {
			list = append(list, path.Join(dir, b.ask.Path))
		}
	}
	return b.p.Strs(list)
}
