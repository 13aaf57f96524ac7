//go:build linux

package box

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// A Project is the directory that the program may change.
type Project struct {
	Dir  string
	Git  bool // it is the top of a git repository, which tells what was changed
	dirs []gitDir

	named []string // by the user's own configuration of git
}

// FindProject is the top of the git repository that a directory is in, or the directory. A repository
// of somebody else's is none: he would decide how much of the machine is open.
func FindProject(dir, home string) (Project, error) {
	dir, err := realDir(dir)
	if err != nil {
		return Project{}, err
	}
	p := Project{Dir: dir}
	for at := dir; at != "/" && !p.Git; at = filepath.Dir(at) {
		if p.Git = isOwn(filepath.Join(at, ".git")); p.Git {
			p.Dir = at
		}
	}
	p.dirs = findGitDirs(p.Dir)
	for _, name := range [...]string{".gitconfig", ".config/git/config"} {
		p.named = append(p.named, namedBy(filepath.Join(home, name), p.Dir)...)
	}
	return p, nil
}

// realDir is an absolute path without symbolic links: the working directory's name may have some,
// as a shell keeps it.
func realDir(dir string) (string, error) {
	dir, err := filepath.Abs(dir)
	if err == nil {
		dir, err = filepath.EvalSymlinks(dir)
	}
	return dir, err
}

// isOwn reports whether a file is there that belongs to the caller.
func isOwn(path string) bool {
	var st unix.Stat_t
	return unix.Lstat(path, &st) == nil && int(st.Uid) == os.Geteuid()
}

// tooMuch are directories that hold more than one project.
var tooMuch = [...]string{"/bin", "/boot", "/dev", "/etc", "/home", "/lib", "/opt", "/proc", "/root", "/run", "/sbin", "/srv", "/sys", "/tmp", "/usr", "/var", "/var/tmp"}

// Refuse is why the project is none, or nil.
func (p *Project) Refuse(home string) error {
	for _, dir := range append(tooMuch[:], home) {
		switch {
		case dir != "" && dir == p.Dir:
			return fmt.Errorf("%s is no project; change to the directory that is to be changed, or name it with --project", dir)
		case dir != "" && below(dir, p.Dir):
			return fmt.Errorf("%s is no project: %s is in it; change to the directory that is to be changed, or name it with --project", p.Dir, dir)
		}
	}
	for _, dir := range [...]string{"/bin", "/boot", "/dev", "/etc", "/lib", "/proc", "/run", "/sbin", "/sys"} {
		if below(p.Dir, dir) {
			return fmt.Errorf("%s is no project: it is in %s", p.Dir, dir)
		}
	}
	if typeOf(filepath.Join(p.Dir, ".git")) == syscall.S_IFLNK {
		return errors.New(".git is a symbolic link, which a program in the box could replace: name the repository with --project")
	}
	return nil
}

// A gitDir is where git has what it knows.
type gitDir struct {
	dir  string // the repository's, with hooks and config
	link string // the file .git that leads to it, or ""
	work string // a worktree's own directory below dir, or ""
}

// findGitDirs looks for all that git would find below a directory, at any depth: git looks into a repository
// as soon as the index of the one around it names it.
func findGitDirs(project string) (list []gitDir) {
	list, _ = searchGitDirs(project)
	return list
}

// searchGitDirs returns as well which directories cannot be looked into.
func searchGitDirs(project string) (list []gitDir, closed []string) {
	filepath.WalkDir(project, func(path string, d os.DirEntry, err error) error {
		switch {
		case err != nil:
			closed = append(closed, path)
			return filepath.SkipDir
		case d.Name() == "HEAD" && isBare(filepath.Dir(path)):
			list = append(list, gitDir{dir: filepath.Dir(path)})
		case d.Name() != ".git":
			return nil
		case d.IsDir():
			list = append(append(list, gitDir{dir: path}), modulesOf(path)...)
			return filepath.SkipDir
		case d.Type()&os.ModeSymlink != 0:
			g := gitDir{link: path}
			if real, err := filepath.EvalSymlinks(path); err == nil && below(real, project) {
				g.dir = real
			}
			list = append(list, g)
		case d.Type().IsRegular():
			list = append(list, followed(path))
		}
		return nil
	})
	return list, closed
}

// isBare reports whether git takes a directory for a repository by what is in it. It does so with the project
// itself as soon as .git is none.
func isBare(dir string) bool {
	has := func(name string) bool { return typeOf(filepath.Join(dir, name)) != 0 }
	return has("HEAD") && (has("objects") && has("refs") || has("commondir"))
}

// modulesOf are the repositories of submodules.
func modulesOf(dir string) (list []gitDir) {
	filepath.WalkDir(filepath.Join(dir, "modules"), func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() && d.Name() == "objects" {
			return filepath.SkipDir
		}
		if typeOf(filepath.Join(path, "HEAD")) == unix.S_IFREG {
			list = append(list, gitDir{dir: path})
		}
		return nil
	})
	return list
}

// followed is what a file .git leads to. A program in an earlier box may have written it: a directory
// counts only if it is one of git's that knows of this file, and all that is believed is
// where that is.
func followed(link string) gitDir {
	g := gitDir{link: link}
	dir, err := leadsTo(link)
	back, _ := readSmall(filepath.Join(dir, "gitdir"))
	common := filepath.Dir(filepath.Dir(dir))
	if err == nil && strings.TrimSpace(string(back)) == link && filepath.Base(filepath.Dir(dir)) == "worktrees" &&
		isRealDir(filepath.Join(common, "objects")) && typeOf(filepath.Join(common, "HEAD")) == unix.S_IFREG && isOwn(common) {
		g.dir, g.work = common, dir
	}
	return g
}

// leadsTo is the directory that a file .git names.
func leadsTo(link string) (string, error) {
	text, err := readSmall(link)
	if err != nil {
		return "", err
	}
	dir, is := strings.CutPrefix(strings.TrimSpace(string(text)), "gitdir: ")
	if !is {
		return "", errors.New(link + " names no directory")
	}
	if !filepath.IsAbs(dir) {
		dir = filepath.Join(filepath.Dir(link), dir)
	}
	return filepath.EvalSymlinks(dir)
}

// ProjectAt is a directory that somebody has named, repository or not.
func ProjectAt(dir, home string) (Project, error) {
	found, err := FindProject(dir, home)
	if err != nil {
		return found, err
	}
	real, err := realDir(dir)
	found.Dir, found.dirs = real, findGitDirs(real)
	return found, err
}

// readSmall reads a file that a program in a box may have made: it may be a FIFO, or without end.
func readSmall(path string) ([]byte, error) {
	const most = 1 << 20
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK|unix.O_NOCTTY, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err == nil && (!info.Mode().IsRegular() || info.Size() > most) {
		err = errors.New(path + " is no small file")
	}
	if err != nil {
		return nil, err
	}
	return io.ReadAll(io.LimitReader(f, most))
}
