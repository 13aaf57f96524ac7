//go:build linux

package box

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog"
)

// overlay is the project with its changes elsewhere.
func (b *Box) overlay() []sprog.Mount {
	return []sprog.Mount{{Target: b.Project.Dir, Flags: writable, Overlay: &sprog.Overlay{
		Lower: []string{b.Project.Dir}, Upper: filepath.Join(b.Changes, "upper"), Work: filepath.Join(b.Changes, "work"),
	}}}
}

// ChangesOf is where the changes to a project are kept. The state directory is the user's.
func ChangesOf(project, state string) string {
	sum := sha256.Sum256([]byte(project))
	return filepath.Join(state, "sprog", "box", filepath.Base(project)+"-"+hex.EncodeToString(sum[:8]))
}

// A Changes is an overlay's upper directory, held so that no two runs use it at once.
type Changes struct {
	dir  string
	lock *os.File
}

// OpenChanges holds the changes in a directory, which it makes if a run is to begin.
func OpenChanges(dir string, begin bool) (*Changes, error) {
	if begin {
		for _, name := range [...]string{"upper", "work"} {
			if err := os.MkdirAll(filepath.Join(dir, name), 0o700); err != nil {
				return nil, err
			}
		}
	}
	lock, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		lock.Close()
		return nil, fmt.Errorf("%s: another box uses these changes", dir)
	}
	c := &Changes{dir, lock}
	if begin {
		if err := c.begin(); err != nil {
			lock.Close()
			return nil, err
		}
	}
	return c, nil
}

// Close lets others have them.
func (c *Changes) Close() { c.lock.Close() }

// Discard removes them.
func (c *Changes) Discard() error {
	filepath.WalkDir(c.dir, func(path string, d fs.DirEntry, err error) error {
		if d != nil && d.IsDir() {
			os.Chmod(path, 0o700) // the kernel's own directory has mode 0
		}
		return nil
	})
	return os.RemoveAll(c.dir)
}

// A Change is one path that differs from the project.
type Change struct {
	Path string
	Kind byte // A added, M changed, D removed
	Mode fs.FileMode
	by   string // the directory that has been made anew without it, or ""
}

// List is what has changed, in the order of paths. A directory that is new comes before
// what is in it.
func (c *Changes) List(project string) (list []Change, err error) {
	upper, lower := filepath.Join(c.dir, "upper"), project
	var opaque []string // directories that show nothing of those below them, and what is in them neither
	err = filepath.WalkDir(upper, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == upper {
			return err
		}
		rel, _ := filepath.Rel(upper, path)
		info, err := openedFor(path, d)
		if err != nil {
			return err
		}
		old, oldErr := os.Lstat(filepath.Join(lower, rel))
		is := Change{Path: rel, Kind: 'M', Mode: info.Mode()}
		switch {
		case isWhiteout(path, info):
			if is.Kind = 'D'; oldErr != nil {
				return nil
			}
		case oldErr != nil:
			is.Kind = 'A'
		case info.IsDir() && old.IsDir() && !isOpaque(path) && !slices.ContainsFunc(opaque, func(dir string) bool { return below(path, dir) }):
			if info.Mode() == old.Mode() {
				return nil
			}
		case info.IsDir() && old.IsDir():
			opaque = append(opaque, path)
			list = append(list, removedIn(filepath.Join(lower, rel), path, rel)...)
			return nil
		case sameFile(path, filepath.Join(lower, rel), info, old):
			return nil
		}
		list = append(list, is)
		return nil
	})
	slices.SortStableFunc(list, func(a, b Change) int { return strings.Compare(a.Path, b.Path) })
	return list, err
}

// openedFor is what a path is, of which the owner may read everything: a program may have closed it to itself.
func openedFor(path string, d fs.DirEntry) (fs.FileInfo, error) {
	info, err := d.Info()
	need := fs.FileMode(0o400)
	if d.IsDir() {
		need = 0o700
	}
	if err != nil || !d.IsDir() && !d.Type().IsRegular() || info.Mode()&need == need {
		return info, err
	}
	if err := os.Chmod(path, info.Mode().Perm()|need); err != nil {
		return nil, err
	}
	return os.Lstat(path)
}

// removedIn is what a directory had that has been made anew.
func removedIn(lower, upper, rel string) (list []Change) {
	entries, _ := os.ReadDir(lower)
	for _, e := range entries {
		if typeOf(filepath.Join(upper, e.Name())) == 0 {
			list = append(list, Change{Path: filepath.Join(rel, e.Name()), Kind: 'D', Mode: e.Type(), by: rel})
		}
	}
	return list
}

// isWhiteout reports whether an overlay says by a file that there is none.
func isWhiteout(path string, info fs.FileInfo) bool {
	st := info.Sys().(*syscall.Stat_t)
	return info.Mode()&fs.ModeCharDevice != 0 && st.Rdev == 0 || info.Mode().IsRegular() && info.Size() == 0 && hasAttr(path, "whiteout")
}

// isOpaque reports whether a directory shows nothing of the one below it.
func isOpaque(path string) bool { return hasAttr(path, "opaque") }

func hasAttr(path, name string) bool {
	var value [8]byte
	for _, space := range [...]string{"user.", "trusted."} {
		if n, err := unix.Lgetxattr(path, space+"overlay."+name, value[:]); err == nil && (n == 0 || value[0] == 'y') {
			return true
		}
	}
	return false
}

// sameFile reports whether a file is what it was, copied up because it was opened.
func sameFile(a, b string, x, y fs.FileInfo) bool {
	switch {
	case x.Mode() != y.Mode() || x.Size() != y.Size():
		return false
	case x.Mode()&fs.ModeSymlink != 0:
		to, _ := os.Readlink(a)
		from, _ := os.Readlink(b)
		return to == from
	case !x.Mode().IsRegular() || x.Size() > 64<<20:
		return false
	}
	one, err := os.ReadFile(a)
	other, otherErr := os.ReadFile(b)
	return errors.Join(err, otherErr) == nil && string(one) == string(other)
}

// HeldChanges are those that this process holds already.
func HeldChanges(dir string) *Changes { return &Changes{dir: dir} }
