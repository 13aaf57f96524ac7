//go:build linux

package box

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// executing are the keys of git's configuration whose values are commands.
const executing = `fsmonitor sshcommand gitproxy askpass editor pager clean smudge process textconv command external driver program helper
	cmd uploadpack receivepack defaultcommand`

// namedBy are core.hooksPath, which begins at the top of a work tree, the files that a
// configuration of git's includes, and the scripts that it has git execute.
func namedBy(file string, tops ...string) []string {
	return namedIn(file, tops, map[string]bool{})
}

func namedIn(file string, tops []string, read map[string]bool) (list []string) {
	if read[file] {
		return nil
	}
	read[file] = true
	text, _ := readSmall(file)
	section := ""
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if rest, is := strings.CutPrefix(line, "["); is {
			section, line, _ = strings.Cut(rest, "]")
			section = strings.ToLower(section)
		}
		key, value, _ := strings.Cut(line, "=")
		key, value = strings.ToLower(strings.TrimSpace(key)), strings.Trim(strings.TrimSpace(value), `"`)
		switch {
		case key == "hookspath":
			list = append(list, resolved(value, tops)...)
		case key == "path" && strings.HasPrefix(section, "include"):
			for _, path := range resolved(value, []string{filepath.Dir(file)}) {
				list = append(append(list, path), namedIn(path, tops, read)...)
			}
		case slices.Contains(strings.Fields(executing), key) || section == "alias" && strings.HasPrefix(value, "!"):
			list = append(list, scriptsIn(value, tops)...)
		}
	}
	return list
}

// resolved are the paths that one may be.
func resolved(path string, from []string) (list []string) {
	if rest, is := strings.CutPrefix(path, "~/"); is {
		home, _ := os.UserHomeDir()
		path = filepath.Join(home, rest)
	}
	if filepath.IsAbs(path) {
		return []string{filepath.Clean(path)}
	}
	for _, dir := range from {
		list = append(list, filepath.Join(dir, path))
	}
	return list
}

// scriptsIn are the files that a command's words name.
func scriptsIn(command string, tops []string) (list []string) {
	for _, word := range strings.FieldsFunc(command, func(r rune) bool { return strings.ContainsRune("! \t;&|()\"'\\", r) }) {
		for _, path := range resolved(word, tops) {
			if typeOf(path) == unix.S_IFREG {
				list = append(list, path)
			}
		}
	}
	return list
}

// harmlessKeys are those that git clone and git init write.
const harmlessKeys = `repositoryformatversion filemode bare logallrefupdates ignorecase precomposeunicode symlinks objectformat refstorage
	url fetch remote merge name email defaultbranch active worktree`

// obeyed reports whether git, when it looks into a repository, executes something that the repository's own
// files name. A false positive costs a new name for a directory.
func (g *gitDir) obeyed() bool {
	if typeOf(filepath.Join(g.dir, "commondir")) != 0 || typeOf(filepath.Join(g.dir, "config.worktree")) != 0 {
		return true
	}
	hooks, err := os.ReadDir(filepath.Join(g.dir, "hooks"))
	if err != nil && !os.IsNotExist(err) || typeOf(filepath.Join(g.dir, "hooks")) == unix.S_IFLNK {
		return true
	}
	for _, hook := range hooks {
		if !strings.HasSuffix(hook.Name(), ".sample") {
			return true
		}
	}
	return !harmlessConfig(filepath.Join(g.dir, "config"))
}

// harmlessConfig reports whether a configuration has nothing but plain lines of harmless keys.
func harmlessConfig(file string) bool {
	if kind := typeOf(file); kind != unix.S_IFREG {
		return kind == 0
	}
	text, err := readSmall(file)
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		key, value, _ := strings.Cut(line, "=")
		key = strings.ToLower(strings.TrimSpace(key))
		switch {
		case strings.ContainsAny(line, "\\\x00\r") || strings.Contains(value, "::"):
			return false
		case line == "" || line[0] == '#' || line[0] == ';' || line[0] == '[' && strings.IndexAny(line, "]=") == len(line)-1 && line[len(line)-1] == ']':
		case !slices.Contains(strings.Fields(harmlessKeys), key):
			return false
		}
	}
	return err == nil
}
