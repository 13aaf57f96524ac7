//go:build linux

package box

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog"
	"github.com/sprog-dev/sprog/internal/mountinfo"
)

// tools are what a home directory has of programs and their settings. What may have a password or a
// key in it is left out: .npmrc, .netrc, what shells read, git's credentials.
var tools = [...]string{
	".gitconfig", ".config/git/config", ".config/git/ignore", ".config/git/attributes", ".inputrc", ".vimrc", ".editorconfig",
	".local/bin", ".local/lib", ".local/share/pipx", ".local/share/uv/python", ".local/share/uv/tools", ".local/share/mise",
	".nvm", ".fnm", ".volta", ".npm-global", ".yarn", ".deno/bin", ".bun/bin", ".pyenv", ".rye", "miniconda3", "anaconda3", "miniforge3",
	".rbenv", ".asdf", ".sdkman", ".jenv", ".rustup", ".cargo/bin", ".cargo/env", ".cargo/config.toml", "go/bin", "sdk", ".config/go",
	".opam", ".ghcup", ".juliaup", ".nix-profile", ".linuxbrew",
}

// caches are what tools keep to be faster. What is in them is read, and what is added to them is
// gone at the end: a program that could write there would decide what is built outside later.
var caches = [...]string{
	".cache/go-build", "go/pkg", ".npm/_cacache", ".cache/pip", ".cache/uv", ".cache/yarn", ".cache/pnpm", ".local/share/pnpm/store",
	".cargo/registry", ".cargo/git", ".m2/repository", ".gradle/caches", ".gradle/wrapper", ".gem/ruby", ".cache/ccache", ".ccache", ".cache/node-gyp", ".cache/Cypress",
}

// The same, by the variables that say where they are: a directory in what one has, or itself.
var (
	toolsNamed  = [...]string{"RUSTUP_HOME", "PYENV_ROOT", "NVM_DIR", "GOROOT", "JAVA_HOME", "VIRTUAL_ENV", "CARGO_HOME/bin", "GOPATH/bin", "GOBIN"}
	cachesNamed = [...]string{"GOCACHE", "GOMODCACHE", "GOPATH/pkg", "CARGO_HOME/registry", "CARGO_HOME/git", "PIP_CACHE_DIR", "UV_CACHE_DIR", "npm_config_cache", "CCACHE_DIR"}
)

// named are the directories that variables name.
func named(names []string) (list []string) {
	for _, name := range names {
		name, rest, _ := strings.Cut(name, "/")
		if dir := filepath.Join(os.Getenv(name), rest); os.Getenv(name) != "" && filepath.IsAbs(dir) {
			list = append(list, dir)
		}
	}
	return list
}

// namedCaches are the caches that variables name, which may be anywhere: a tool that cannot write to its cache
// fails. What the system or the home directory is in is none.
func (b *Box) namedCaches() (list []string) {
	for _, dir := range named(cachesNamed[:]) {
		if b.hides(dir) || !slices.Contains(tooMuch[:], dir) && !below(b.Home, dir) && dir != "/" {
			list = append(list, dir)
		}
	}
	return list
}

// hides reports whether a path is in a hidden place, and neither such a place nor what the home directory
// is in.
func (b *Box) hides(path string) bool {
	in := func(dir string) bool { return dir != "" && path != dir && below(path, dir) }
	if b.Home != "" && below(b.Home, path) {
		return false // somebody has the home directory itself in PATH
	}
	return in(b.Home) || slices.ContainsFunc(hidden[:], func(h hiddenPlace) bool { return in(h.path) })
}

// home is an empty home directory with what tools need of the caller's.
func (b *Box) home() (list []sprog.Mount) {
	if isRealDir(b.Home) {
		list = append(list, tmpfs(b.Home, 0o700, b.Scratch))
	}
	for _, path := range b.toolPaths() {
		list = append(list, b.withoutSecrets(path))
	}
	mounted, found := mountPoints(), b.namedCaches()
	for _, name := range caches {
		found = append(found, filepath.Join(b.Home, name))
	}
	slices.Sort(found)
	for _, dir := range slices.Compact(found) {
		inside := func(at string) bool { return below(at, dir) }
		if !isRealDir(dir) || b.shares(dir) || slices.ContainsFunc(mounted, inside) {
			continue
		}
		m := tmpfs(dir, 0o755, b.Scratch)
		if b.Overlays {
			m = sprog.Mount{Target: dir, Overlay: &sprog.Overlay{Lower: []string{dir}, Private: true}, Flags: writable}
		}
		list = append(list, m)
	}
	return list
}

// withoutSecrets shows a tool. Of a file of settings, lines with something secret are left out: people have
// tokens in URLs in git's.
func (b *Box) withoutSecrets(path string) sprog.Mount {
	whole := sprog.Mount{Bind: path, Flags: readOnly}
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() || !isSettings(path) {
		return whole
	}
	text, err := readSmall(path)
	kept := withoutSecretLines(string(text))
	if err == nil && kept == string(text) {
		return whole
	}
	mode := uint32(0o644)
	return sprog.Mount{Target: path, Data: []byte(kept), Mode: &mode, Flags: readOnly}
}

// isSettings reports whether a file has sections with settings.
func isSettings(path string) bool {
	name := filepath.Base(path)
	return name == ".gitconfig" || name == "config" || filepath.Ext(name) == ".toml"
}

// withoutSecretLines has a comment in the place of each line that has a secret in it. A whole section goes if
// its name has.
func withoutSecretLines(text string) string {
	var kept strings.Builder
	dropped := false
	for line := range strings.Lines(text) {
		if strings.HasPrefix(strings.TrimSpace(line), "[") {
			dropped = secretLine(line)
		}
		if dropped || secretLine(line) {
			line = "# left out by sprog box, as a password may be in it\n"
		}
		kept.WriteString(line)
	}
	return kept.String()
}

// toolPaths are the tools that are there, and the directories of PATH.
func (b *Box) toolPaths() (list []string) {
	add := func(path string) {
		within := func(dir string) bool { return below(path, dir) }
		if unix.Access(path, unix.F_OK) == nil && b.hides(path) && !slices.ContainsFunc(list, within) && !b.shares(path) {
			list = append(list, path)
		}
	}
	for _, name := range tools {
		add(filepath.Join(b.Home, name))
	}
	for _, dir := range named(toolsNamed[:]) {
		add(dir)
	}
	for _, dir := range b.Path {
		if filepath.IsAbs(dir) {
			add(installed(filepath.Clean(dir)))
		}
	}
	return list
}

// installed is the directory that a tool is installed in which has its programs in a directory of
// PATH: in some, programs are scripts that look for the rest.
func installed(dir string) string {
	for _, name := range tools {
		if before, _, is := strings.Cut(dir+"/", "/"+name+"/"); is {
			return before + "/" + name
		}
	}
	return dir
}

// shares reports whether a place in the home directory is the project's already, or what the project
// is in.
func (b *Box) shares(path string) bool {
	return below(path, b.Project.Dir) || below(b.Project.Dir, path)
}

// mountPoints are where something is mounted.
func mountPoints() (list []string) {
	text, _ := os.ReadFile("/proc/self/mountinfo")
	for m := range mountinfo.Mounts(string(text)) {
		list = append(list, m.Point)
	}
	return list
}
