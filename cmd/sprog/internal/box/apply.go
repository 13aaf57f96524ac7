//go:build linux

package box

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// Applied is what has become of changes.
type Applied struct {
	Made      int
	Protected []string // not made: the user's tools would execute them
	Changed   []string // not made: somebody has changed these in the project since
}

// Apply makes the changes in the project, but for those to protected paths, and those to files that
// are newer there, unless force is set: these it keeps. What is a symbolic link in the project
// leads nowhere: a program in the box cannot have a file outside of the project written. When the context
// ends, it stops, keeps the rest and says how far it has come.
func (c *Changes) Apply(ctx context.Context, p *Project, force bool) (done Applied, err error) {
	list, err := c.List(p.Dir)
	if err != nil {
		return done, err
	}
	from, err := os.OpenRoot(filepath.Join(c.dir, "upper"))
	if err != nil {
		return done, err
	}
	defer from.Close()
	to, err := os.OpenRoot(p.Dir)
	if err != nil {
		return done, err
	}
	defer to.Close()
	var since map[string]bool
	if !force {
		since = c.changedSince(p.Dir, list)
	}
	protected, kept := p.Protected(), map[string]bool{}
	for i, change := range list {
		var failed error
		switch {
		case ctx.Err() != nil:
			failed = ctx.Err()
		case isProtected(change, p.Dir, protected):
			done.Protected = append(done.Protected, change.Path)
		case since[change.Path] || isBlocked(change.Path, kept, p.Dir):
			done.Changed = append(done.Changed, change.Path)
		default:
			if failed = apply(ctx, change, from, to); failed == nil {
				done.Made++
				continue
			}
		}
		if failed != nil && ctx.Err() != nil {
			err = errors.Join(err, interrupted(list, i, done.Made))
			for _, rest := range list[i:] {
				kept[rest.Path] = true
			}
			break
		}
		err, kept[change.Path] = errors.Join(err, failed), true
	}
	for _, change := range slices.Backward(list) { // what is closed is closed after what is in it
		if change.Kind != 'D' && change.Mode.IsDir() && !kept[change.Path] {
			err = errors.Join(err, to.Chmod(change.Path, change.Mode.Perm()))
		}
	}
	if len(kept) == 0 && err == nil {
		return done, c.Discard()
	}
	return done, errors.Join(err, c.settle(list, kept))
}

// isProtected reports whether a change is to a path that the user's tools execute, or does away with one.
func isProtected(c Change, project string, protected []string) bool {
	path := filepath.Join(project, c.Path)
	return ofRepository(c) || slices.ContainsFunc(protected, func(k string) bool {
		return below(path, k) || !c.Mode.IsDir() && below(k, path)
	})
}

// isBlocked reports whether a path is in what is to be a directory and is none, because that is kept.
func isBlocked(path string, kept map[string]bool, project string) bool {
	for dir := filepath.Dir(path); dir != "."; dir = filepath.Dir(dir) {
		if kept[dir] && !isRealDir(filepath.Join(project, dir)) {
			return true
		}
	}
	return false
}

// ofRepository reports whether a change is to what git would execute in a repository that may have
// been made just now.
func ofRepository(c Change) bool {
	if filepath.Base(c.Path) == ".git" {
		return !c.Mode.IsDir()
	}
	_, after, is := strings.Cut("/"+c.Path, "/.git/")
	executes := func(name string) bool { return below(after, name) }
	modules := strings.HasPrefix(after, "modules/")
	for is && modules && !slices.ContainsFunc(executedByGit[:], executes) { // each name may be a directory, or a repository
		_, after, is = strings.Cut(after, "/")
	}
	return is && slices.ContainsFunc(executedByGit[:], executes)
}

// interrupted says which changes are made.
func interrupted(list []Change, at, made int) error {
	return fmt.Errorf("interrupted: of %d changes, %d are made, and those from %s on are not: they are kept, and --apply goes on",
		len(list), made, printable(list[at].Path))
}

// apply makes one change.
func apply(ctx context.Context, c Change, from, to *os.Root) error {
	if err := makeParents(filepath.Dir(c.Path), to); err != nil {
		return err
	}
	old, oldErr := to.Lstat(c.Path)
	if oldErr == nil && (c.Kind == 'D' || old.IsDir() != c.Mode.IsDir()) {
		if err := to.RemoveAll(c.Path); err != nil {
			return err
		}
	}
	switch {
	case c.Kind == 'D':
		return nil
	case c.Mode.IsDir():
		if err := to.Mkdir(c.Path, 0o700); err != nil && !os.IsExist(err) {
			return err
		}
		return to.Chmod(c.Path, c.Mode.Perm()|0o700)
	case c.Mode&fs.ModeSymlink != 0:
		text, err := from.Readlink(c.Path)
		if err != nil {
			return err
		}
		to.Remove(c.Path)
		return to.Symlink(text, c.Path)
	case !c.Mode.IsRegular():
		return fmt.Errorf("%q is neither a file, a directory nor a link", c.Path)
	}
	return copyFile(ctx, c, from, to)
}

// makeParents makes the directories above a change, and what is something else instead one of them.
func makeParents(dir string, to *os.Root) error {
	if dir == "." {
		return nil
	}
	if err := makeParents(filepath.Dir(dir), to); err != nil {
		return err
	}
	is, err := to.Lstat(dir)
	if err == nil && is.IsDir() {
		return nil
	}
	if err == nil {
		if err := to.Remove(dir); err != nil {
			return err
		}
	}
	return to.Mkdir(dir, 0o755)
}

// copyFile puts a file in its place at once.
func copyFile(ctx context.Context, c Change, from, to *os.Root) error {
	in, err := from.Open(c.Path)
	if err != nil {
		return err
	}
	defer in.Close()
	name := filepath.Join(filepath.Dir(c.Path), fmt.Sprintf(".sprog-%x", sha256.Sum256([]byte(c.Path))))
	to.Remove(name)
	out, err := to.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	err = copyData(ctx, out, in)
	if err == nil {
		err = out.Chmod(c.Mode.Perm())
	}
	if closeErr := out.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = to.Rename(name, c.Path)
	}
	if err != nil {
		to.Remove(name)
	}
	return err
}

// copyData copies what is in a file, and leaves holes where that has some.
func copyData(ctx context.Context, out, in *os.File) error {
	info, err := in.Stat()
	if err != nil {
		return err
	}
	for at, size := int64(0), info.Size(); at < size; {
		data, err := in.Seek(at, unix.SEEK_DATA)
		if errors.Is(err, unix.ENXIO) { // nothing but a hole
			break
		}
		end, holeErr := in.Seek(data, unix.SEEK_HOLE)
		if err != nil || holeErr != nil { // a file system that does not know
			data, end = at, size
		}
		if err := copyRange(ctx, out, in, data, end); err != nil {
			return err
		}
		at = end
	}
	return out.Truncate(info.Size())
}

// copyRange copies a part, in pieces between which it can be interrupted.
func copyRange(ctx context.Context, out, in *os.File, at, end int64) error {
	const piece = 16 << 20
	for ; at < end; at += piece {
		if err := ctx.Err(); err != nil {
			return err
		}
		_, err := io.Copy(io.NewOffsetWriter(out, at), io.NewSectionReader(in, at, min(piece, end-at)))
		if err != nil {
			return err
		}
	}
	return nil
}
