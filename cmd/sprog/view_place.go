//go:build linux

package main

import (
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog"
)

// A seenFrom is where a view has its files from, as far as names show that: what symbolic links
// of one mount lead to in another is for the kernel.
type seenFrom struct {
	root   *sprog.Root
	mounts []sprog.Mount
}

// said is what an error calls the view.
func (v *seenFrom) said() string {
	if v == nil {
		return ""
	}
	return " in what the program sees"
}

// outside is where a file of the view is for the caller.
func (p place) outside(file string) (place, string) {
	if p.view == nil || !filepath.IsAbs(file) {
		return p, file
	}
	const links = 16
	for range links {
		m, rest := p.view.on(filepath.Clean(file))
		switch {
		case m == nil && p.view.root != nil && p.view.root.Dir != "":
			p.root = p.view.root.Dir
			return place{root: p.root, dir: p.dir}, file
		case m == nil && p.view.root != nil && p.view.root.Empty:
			return place{}, nowhere
		case m == nil:
			return place{root: p.root, dir: p.dir}, file
		case m.Symlink != "":
			to := m.Symlink
			if !filepath.IsAbs(to) {
				to = filepath.Join(filepath.Dir(m.Target), to)
			}
			file = filepath.Join(to, rest)
		case m.Bind != "":
			return place{}, filepath.Join(m.Bind, rest)
		case m.Overlay != nil:
			return place{}, firstOf(m.Overlay, rest)
		default:
			return place{}, nowhere
		}
	}
	return place{}, nowhere
}

// nowhere is the name of no file.
const nowhere = "/dev/null/nowhere"

// firstOf is a file in the layer that an overlay has it from.
func firstOf(o *sprog.Overlay, rest string) string {
	for _, dir := range append([]string{o.Upper}, o.Lower...) {
		if file := filepath.Join(dir, rest); dir != "" && unix.Access(file, unix.F_OK) == nil {
			return file
		}
	}
	return nowhere
}

// on is the mount that a file is on, and the rest of its path, or nil for the root.
func (v *seenFrom) on(file string) (on *sprog.Mount, rest string) {
	for i := range v.mounts {
		m := &v.mounts[i]
		at := m.Target
		if at == "" {
			at = m.Bind
		}
		if m.Dir || m.Optional && m.Bind != "" && unix.Access(m.Bind, unix.F_OK) != nil {
			continue
		}
		if below, is := strings.CutPrefix(file, strings.TrimSuffix(filepath.Clean(at), "/")); is && (below == "" || below[0] == '/') {
			on, rest = m, below
		}
	}
	return on, rest
}
