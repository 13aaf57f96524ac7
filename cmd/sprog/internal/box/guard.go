//go:build linux

package box

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
)

// FillIn makes what git would obey if it were there and had something in it, empty: only what exists can be
// pinned. It stays, as another box may have pinned it meanwhile. Repositories of others, and links, are
// left as they are.
func (p *Project) FillIn() {
	for _, g := range p.dirs {
		if g.dir == "" || !isOwn(g.dir) || !strings.Contains(g.dir+"/", "/.git/") { // in a bare repository, they would be files of the project
			continue
		}
		fillIn(g.dir, "", "hooks", "config.worktree")
		fillIn(g.dir, "info", "", "attributes")
		worktrees, _ := filepath.Glob(filepath.Join(globQuoted(g.dir), "worktrees", "*"))
		for _, dir := range worktrees {
			fillIn(dir, "", "", "config.worktree")
		}
	}
}

// fillIn makes a directory and a file in a directory, or in one below, by names that lead nowhere else.
func fillIn(dir, below, newDir, newFile string) {
	const flags = unix.O_PATH | unix.O_DIRECTORY | unix.O_NOFOLLOW | unix.O_CLOEXEC
	fd, err := unix.Open(dir, flags, 0)
	if err != nil {
		return
	}
	defer unix.Close(fd)
	if below != "" {
		unix.Mkdirat(fd, below, 0o755)
		in, err := unix.Openat(fd, below, flags, 0)
		if err != nil {
			return
		}
		defer unix.Close(in)
		fd = in
	}
	if newDir != "" {
		unix.Mkdirat(fd, newDir, 0o755)
	}
	if made, err := unix.Openat(fd, newFile, unix.O_CREAT|unix.O_EXCL|unix.O_WRONLY|unix.O_CLOEXEC, 0o644); err == nil {
		unix.Close(made)
	}
}

// A Guard waits for a file commondir in a repository while a program runs. git would take its whole configuration from where
// that leads. It cannot be pinned, as git fails with an empty one, and nothing but an attack makes one.
type Guard struct {
	events *os.File
	dirs   map[int32]string // by watch
	done   chan struct{}

	mu      sync.Mutex
	renamed []string
	stop    func() // ends the program
}

const commonDir = "commondir"

// Guard begins to wait. It is nil where the kernel watches no more directories for this user.
func (p *Project) Guard() *Guard {
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		return nil
	}
	g := &Guard{events: os.NewFile(uintptr(fd), "inotify"), dirs: map[int32]string{}, done: make(chan struct{})}
	for _, dir := range p.dirs {
		if dir.dir == "" || typeOf(filepath.Join(dir.dir, commonDir)) != 0 {
			continue
		}
		if watch, err := unix.InotifyAddWatch(fd, dir.dir, unix.IN_CREATE|unix.IN_MOVED_TO|unix.IN_ONLYDIR); err == nil {
			g.dirs[int32(watch)] = dir.dir
		}
	}
	go g.wait()
	return g
}

// Stops says how the program is ended.
func (g *Guard) Stops(stop func()) {
	if g == nil {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.stop = stop
	if len(g.renamed) > 0 {
		stop()
	}
}

// End returns the new names of what was found.
func (g *Guard) End() []string {
	if g == nil {
		return nil
	}
	g.events.Close()
	<-g.done
	return g.renamed
}

func (g *Guard) wait() {
	defer close(g.done)
	buf := make([]byte, 64<<10)
	for {
		n, err := g.events.Read(buf)
		if err != nil {
			return
		}
		for b := buf[:n]; len(b) >= unix.SizeofInotifyEvent; {
			watch, size := int32(binary.NativeEndian.Uint32(b)), unix.SizeofInotifyEvent+int(binary.NativeEndian.Uint32(b[12:]))
			name := strings.TrimRight(string(b[unix.SizeofInotifyEvent:size]), "\x00")
			if dir := g.dirs[watch]; dir != "" && name == commonDir {
				g.found(filepath.Join(dir, name))
			}
			b = b[size:]
		}
	}
}

// found takes the file out of the way, and the program as well, so that it makes no other one.
func (g *Guard) found(path string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if typeOf(path) == 0 {
		return
	}
	g.renamed = append(g.renamed, outOfTheWay(path))
	if g.stop != nil {
		g.stop()
	}
}
