//go:build linux

package box

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog"
)

// executed are what the user's own tools execute later, outside of the box, or take orders from.
var executed = [...]string{
	".gitmodules", ".envrc", ".vscode", ".idea", ".husky", ".github/hooks", ".claude", ".codex", ".gemini", ".cursor", ".mcp.json", ".sprog",
	".pre-commit-config.yaml", ".lefthook.yml", "lefthook.yml", ".bazelrc.user",
}

// executedByGit is the same in a repository, and in a worktree's own directory. A file commondir, which
// only a worktree's has, would have git take its configuration from elsewhere.
var (
	executedByGit      = [...]string{"hooks", "config", "config.worktree", "commondir", "info/attributes"}
	executedOfWorktree = [...]string{"config.worktree", "commondir", "gitdir"}
)

// Protected are the paths of the project that the program may not change, whether they are there or
// not.
func (p *Project) Protected() (list []string) {
	for _, name := range executed {
		list = append(list, filepath.Join(p.Dir, name))
	}
	list = append(list, p.named...)
	for _, g := range p.dirs {
		if g.link != "" {
			list = append(list, g.link)
		}
		if g.dir != "" {
			list = append(list, g.protected(p.Dir)...)
		}
	}
	return append(list, targets(list)...)
}

// targets are what symbolic links lead to, and those in directories: a hook is often a link to
// a script of the project's.
func targets(paths []string) (list []string) {
	add := func(path string) {
		if typeOf(path) != unix.S_IFLNK {
			return
		}
		if real, err := filepath.EvalSymlinks(path); err == nil {
			list = append(list, real)
		}
	}
	for _, path := range paths {
		add(path)
		entries, _ := os.ReadDir(path)
		for _, e := range entries {
			add(filepath.Join(path, e.Name()))
		}
	}
	return list
}

// protected are those of one repository, in a project whose top may be that of a worktree.
func (g *gitDir) protected(top string) (list []string) {
	for _, name := range executedByGit {
		list = append(list, filepath.Join(g.dir, name))
	}
	worktrees, _ := filepath.Glob(filepath.Join(globQuoted(g.dir), "worktrees", "*"))
	for _, dir := range worktrees {
		for _, name := range executedOfWorktree {
			list = append(list, filepath.Join(dir, name))
		}
	}
	config := filepath.Join(g.dir, "config")
	return append(list, namedBy(config, filepath.Dir(g.dir), filepath.Dir(g.link), top)...)
}

func globQuoted(path string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(path)
}

// project is the project, and what of it cannot be changed. What only has a read-only mount on it
// can be had by renaming the directory it is in, unless that is a mount point as well: so .git
// is bound onto itself.
func (b *Box) project() []sprog.Mount {
	p := &b.Project
	if b.Changes != "" {
		list := b.overlay()
		for _, g := range p.dirs {
			if g.dir != "" && !below(g.dir, p.Dir) { // which are not kept apart
				list = append(list, sprog.Mount{Bind: g.dir, Flags: readOnly})
			}
		}
		return append(list, b.protected()...)
	}
	list := []sprog.Mount{{Bind: p.Dir, Flags: writable}}
	for _, g := range p.dirs {
		if g.dir != "" {
			list = append(list, sprog.Mount{Bind: g.dir, Flags: writable})
		}
		if g.work != "" {
			list = append(list, sprog.Mount{Bind: g.work, Flags: writable})
		}
	}
	return append(list, b.protected()...)
}

// protected are read-only mounts on what is there of it, each with mounts on the directories above up to
// the project.
func (b *Box) protected() (list []sprog.Mount) {
	p, pinned := &b.Project, map[string]bool{}
	for _, path := range p.Protected() {
		if kind := typeOf(path); kind != unix.S_IFDIR && kind != unix.S_IFREG || !p.has(path) || path == p.Dir || pinned[path] {
			continue
		}
		pinned[path] = true
		list = append(list, sprog.Mount{Bind: path, Flags: readOnly})
		list = append(list, b.above(path, pinned)...)
	}
	for _, g := range p.dirs { // a repository without anything of that is not replaced, either
		if g.dir != "" {
			list = append(list, b.above(g.dir, pinned)...)
		}
	}
	return list
}

// above are mounts on the directories above one, up to the project.
func (b *Box) above(path string, pinned map[string]bool) (list []sprog.Mount) {
	if b.Changes != "" {
		return nil // nothing that is renamed there is renamed outside
	}
	p := &b.Project
	for dir := filepath.Dir(path); p.has(dir) && dir != p.Dir; dir = filepath.Dir(dir) {
		if !pinned[dir] && !p.isRoot(dir) {
			list = append(list, sprog.Mount{Bind: dir, Flags: writable})
		}
		pinned[dir] = true
	}
	return list
}

// has reports whether a path is in the project, or in a repository that belongs to it, and
// none of the directories on the way is a symbolic link.
func (p *Project) has(path string) bool {
	real, err := filepath.EvalSymlinks(path)
	inside := func(g gitDir) bool { return g.dir != "" && below(path, g.dir) }
	return err == nil && real == path && (below(path, p.Dir) || slices.ContainsFunc(p.dirs, inside))
}

// isRoot reports whether a directory is mounted as it is.
func (p *Project) isRoot(dir string) bool {
	is := func(g gitDir) bool { return dir == g.dir || dir == g.work }
	return dir == p.Dir || slices.ContainsFunc(p.dirs, is)
}
