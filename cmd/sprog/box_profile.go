//go:build linux

package main

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"

	"github.com/sprog-dev/sprog/cmd/sprog/internal/box"
	"github.com/sprog-dev/sprog/internal/flags"
)

// narrowing are the flags that leave a program less. A profile in the project may have them: who
// wrote the project wrote the profile as well.
const narrowing = `extends overlay-project mask unset-env clear-env deny-syscall seccomp-log rlimit timeout cpu-time kill-after memory memory-high swap pids
	cpu-max umask no-new-privs program`

// includeProfiles puts the flags of profiles into the line. Those that a profile extends come before its
// own.
func (c *boxCmd) includeProfiles(line *flags.Line) error {
	var names []string
	trusted := false
	dir := ""
	for _, g := range line.Given {
		switch g.Name() {
		case "profile":
			names = append(names, strings.Split(g.Value, ",")...)
		case "trust-project":
			trusted = true
		case "project":
			dir = g.Value
		}
	}
	if len(names) == 0 {
		return nil
	}
	if dir == "" {
		dir = "."
	}
	home, _ := homeDir()
	project, err := box.FindProject(dir, home)
	if err != nil {
		return err
	}
	r := profileReader{home: home, project: project.Dir, trusted: trusted, done: map[string]bool{}}
	for _, name := range names {
		if err := r.read(name, nil, false); err != nil {
			return fmt.Errorf("--profile %s: %w", name, err)
		}
	}
	for _, p := range slices.Backward(r.found) { // each goes in front of the others
		if err := line.Include(p.path, p.text); err != nil {
			return fmt.Errorf("--profile: %w", err)
		}
	}
	return nil
}

// A profileReader finds profiles.
type profileReader struct {
	home, project string
	trusted       bool
	found         []profileFile // in the order of their flags
	done          map[string]bool
}

// What sprog reads before anybody has trusted a profile has an end.
const (
	mostProfiles = 64
	mostExtends  = 16 // profiles that extend each other in a row
)

type profileFile struct {
	path string
	text []byte
}

// read adds a profile and, before it, those that it extends. Those that a profile of the project extends
// are the project's choice, wherever they are. One that is there already has nothing to add.
func (r *profileReader) read(name string, by []string, chosen bool) error {
	path, text, err := r.find(name)
	switch {
	case err != nil:
		return err
	case slices.Contains(by, path):
		return fmt.Errorf("%s extends itself", path)
	case r.done[path]:
		return nil
	case len(by) >= mostExtends:
		return fmt.Errorf("%s: more than %d profiles extend each other in a row", path, mostExtends)
	case len(r.done) >= mostProfiles:
		return fmt.Errorf("%s: more than %d profiles", path, mostProfiles)
	}
	r.done[path] = true
	var extends struct{ Extends any }
	if err := toml.Unmarshal(text, &extends); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	chosen = chosen || r.inProject(path)
	if err := r.mayOpen(path, text); chosen && err != nil {
		return err
	}
	for _, parent := range namesIn(extends.Extends) {
		if err := r.read(parent, append(by, path), chosen); err != nil {
			return err
		}
	}
	r.found = append(r.found, profileFile{path, text})
	return nil
}

// namesIn are one name, or those of a list.
func namesIn(value any) (names []string) {
	switch v := value.(type) {
	case string:
		return []string{v}
	case []any:
		for _, one := range v {
			names = append(names, namesIn(one)...)
		}
	}
	return names
}

// find looks for a profile's file.
func (r *profileReader) find(name string) (path string, text []byte, err error) {
	if strings.Contains(name, "/") {
		if path, err = filepath.Abs(name); err == nil {
			text, err = r.text(path)
		}
		return path, text, err
	}
	dirs := profileDirs(r.home, r.project)
	for _, dir := range dirs {
		path = filepath.Join(dir, name+".toml")
		if text, err = r.text(path); !errors.Is(err, fs.ErrNotExist) {
			return path, text, err
		}
	}
	return "", nil, fmt.Errorf("there is no %s.toml in %s", name, strings.Join(dirs, ", "))
}

// text is what a profile says, if that is not known already.
func (r *profileReader) text(path string) ([]byte, error) {
	if r.done[path] {
		return nil, nil
	}
	return readRegular(path)
}

// inProject reports whether a profile, or a link to it, is in the project.
func (r *profileReader) inProject(path string) bool {
	dir, err := filepath.EvalSymlinks(filepath.Dir(path))
	real, realErr := filepath.EvalSymlinks(path)
	return err != nil || realErr != nil || below(dir, r.project) || below(real, r.project)
}

// mayOpen refuses a profile that the project has chosen and that opens the box.
func (r *profileReader) mayOpen(path string, text []byte) error {
	if r.trusted {
		return nil
	}
	keys, err := flags.Keys(text)
	var opening []string
	for _, key := range keys {
		if !slices.Contains(strings.Fields(narrowing), key) {
			opening = append(opening, key)
		}
	}
	if len(opening) > 0 && err == nil {
		return fmt.Errorf("%s is part of the project, or chosen by it, and has %s, which may open the box: read it, and add --trust-project if you agree", path, strings.Join(opening, ", "))
	}
	return err
}
