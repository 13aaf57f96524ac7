//go:build linux

package box

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// A State is what the protected paths were that could not be protected: those that were not
// there, and symbolic links.
type State struct {
	project *Project
	was     map[string]string // by path, what a link leads to
	closed  []string          // directories that could not be looked into
}

// Unprotected notes them before the program runs.
func (p *Project) Unprotected() State {
	s := State{project: p, was: map[string]string{}}
	_, s.closed = searchGitDirs(p.Dir)
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

// Quarantine renames what has appeared in a repository that was there before, and new repositories with
// something in them that git would execute: the next command of git's, or a shell's prompt, would.
// It returns the new names.
func (s State) Quarantine() (list []string) {
	for path, was := range s.was {
		inside := func(g gitDir) bool { return g.dir != "" && path != g.dir && below(path, g.dir) }
		is, _ := os.Readlink(path)
		if is == was && (was != "" || typeOf(path) == 0) || !slices.ContainsFunc(s.project.dirs, inside) {
			continue
		}
		if typeOf(path) != 0 {
			list = append(list, outOfTheWay(path))
		}
		if was != "" {
			os.Symlink(was, path)
		}
	}
	_, closed := searchGitDirs(s.project.Dir)
	for _, dir := range closed {
		if !slices.Contains(s.closed, dir) {
			os.Chmod(dir, 0o700)
		}
	}
	dirs := findGitDirs(s.project.Dir)
	for _, g := range dirs {
		if !slices.Contains(s.project.dirs, g) && s.obeyed(g, dirs) {
			path := cmp.Or(g.link, g.dir)
			if filepath.Base(path) != ".git" {
				path = filepath.Join(path, "HEAD") // without which it is no repository
			}
			list = append(list, outOfTheWay(path))
		}
	}
	slices.Sort(list)
	return list
}

// outOfTheWay gives a file a name that nobody looks for. The program in the box may have taken some, or
// have closed the directory.
func outOfTheWay(path string) string {
	if info, err := os.Stat(filepath.Dir(path)); err == nil && info.Mode()&0o300 != 0o300 {
		os.Chmod(filepath.Dir(path), info.Mode().Perm()|0o700)
	}
	to := path + ".from-box"
	for n := 2; typeOf(to) != 0; n++ {
		to = fmt.Sprintf("%s.from-box-%d", path, n)
	}
	if os.Rename(path, to) != nil {
		os.RemoveAll(path)
	}
	return to
}

// obeyed reports whether git, when it looks into a new repository, executes something that the repository
// itself names.
func (s State) obeyed(g gitDir, all []gitDir) bool {
	if g.link == "" {
		return g.obeyed()
	}
	dir, err := leadsTo(g.link)
	if err != nil {
		return typeOf(g.link) == unix.S_IFLNK
	}
	if g.work != "" { // a worktree
		common, _ := readSmall(filepath.Join(g.work, "commondir"))
		if strings.TrimSpace(string(common)) != "../.." || typeOf(filepath.Join(g.work, "config.worktree")) != 0 {
			return true
		}
		dir = g.dir
	}
	to := gitDir{dir: dir}
	return !slices.Contains(s.project.dirs, to) && (!slices.Contains(all, to) || to.obeyed())
}

// Changed are those that are something else now, and repositories that are new.
func (s State) Changed() (list []string) {
	for path, was := range s.was {
		is, _ := os.Readlink(path)
		if was != is || was == "" && typeOf(path) != 0 {
			list = append(list, path)
		}
	}
	dirs, closed := searchGitDirs(s.project.Dir)
	for _, g := range dirs {
		if !slices.Contains(s.project.dirs, g) {
			list = append(list, cmp.Or(g.link, g.dir))
		}
	}
	for _, dir := range closed {
		if !slices.Contains(s.closed, dir) {
			list = append(list, dir)
		}
	}
	slices.Sort(list)
	return list
}
