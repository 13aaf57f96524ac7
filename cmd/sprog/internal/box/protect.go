//go:build linux

package box

import (
	"bufio"
	"cmp"
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
			list = append(list, g.protected()...)
		}
	}
	return list
}

func (g *gitDir) protected() (list []string) {
	for _, name := range executedByGit {
		list = append(list, filepath.Join(g.dir, name))
	}
	worktrees, _ := filepath.Glob(filepath.Join(globQuoted(g.dir), "worktrees", "*"))
	for _, dir := range worktrees {
		for _, name := range executedOfWorktree {
			list = append(list, filepath.Join(dir, name))
		}
	}
	return append(list, namedBy(filepath.Join(g.dir, "config"), filepath.Dir(g.dir))...)
}

func globQuoted(path string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(path)
}

// namedBy are core.hooksPath, which begins at the top of the work tree, and the files that a
// configuration of git's includes.
func namedBy(file, top string) (list []string) {
	f, err := os.Open(file)
	if err != nil {
		return nil
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		key, value, _ := strings.Cut(lines.Text(), "=")
		value = strings.Trim(strings.TrimSpace(value), `"`)
		from := top
		switch strings.ToLower(strings.TrimSpace(key)) {
		case "hookspath":
		case "path":
			from = filepath.Dir(file)
		default:
			continue
		}
		if !filepath.IsAbs(value) {
			value = filepath.Join(from, value)
		}
		list = append(list, filepath.Clean(value))
	}
	return list
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
		if kind := typeOf(path); kind != unix.S_IFDIR && kind != unix.S_IFREG || !p.has(path) || pinned[path] {
			continue
		}
		pinned[path] = true
		list = append(list, sprog.Mount{Bind: path, Flags: readOnly})
		if b.Changes != "" {
			continue // nothing that is renamed there is renamed outside
		}
		for dir := filepath.Dir(path); p.has(dir) && !p.isRoot(dir) && !pinned[dir]; dir = filepath.Dir(dir) {
			pinned[dir] = true
			list = append(list, sprog.Mount{Bind: dir, Flags: writable})
		}
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

// A State is what the protected paths were that could not be protected: those that were not
// there, and symbolic links.
type State struct {
	project *Project
	was     map[string]string // by path, what a link leads to
}

// Unprotected notes them before the program runs.
func (p *Project) Unprotected() State {
	s := State{p, map[string]string{}}
	for _, path := range p.Protected() {
		switch typeOf(path) {
		case 0:
			s.was[path] = ""
		case unix.S_IFLNK:
			s.was[path], _ = os.Readlink(path)
		}
	}
	return s
}

// Quarantine renames what has appeared in a repository that was there before: the next command of git's
// would execute it. It returns the new names.
func (s State) Quarantine() (list []string) {
	for path, was := range s.was {
		inside := func(g gitDir) bool { return g.dir != "" && path != g.dir && below(path, g.dir) }
		if was != "" || typeOf(path) == 0 || !slices.ContainsFunc(s.project.dirs, inside) {
			continue
		}
		if to := path + ".from-box"; os.Rename(path, to) == nil {
			list = append(list, to)
		}
	}
	slices.Sort(list)
	return list
}

// Changed are those that are something else now, and repositories that are new.
func (s State) Changed() (list []string) {
	for path, was := range s.was {
		is, _ := os.Readlink(path)
		if was != is || was == "" && typeOf(path) != 0 {
			list = append(list, path)
		}
	}
	for _, g := range findGitDirs(s.project.Dir) {
		if !slices.Contains(s.project.dirs, g) {
			list = append(list, cmp.Or(g.link, g.dir))
		}
	}
	slices.Sort(list)
	return list
}
