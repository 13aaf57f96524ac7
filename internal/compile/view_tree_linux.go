//go:build amd64 || arm64

package compile

import (
	"path"
	"slices"
	"strings"

	"github.com/sprog-dev/sprog/internal/program"
	"github.com/sprog-dev/sprog/internal/spec"
)

// A land is whose the files of a file system are.
type land uint8

const (
	foreign land = iota // the caller's: nothing is made there
	private             // the view's own, with files that are not known
	own                 // the view's own, with nothing but what the view has made
)

// landOf is whose a mount is.
func landOf(m *spec.Mount) land {
	switch {
	case m.Tmpfs != nil, m.Dev != nil:
		return own
	case m.Overlay != nil && m.Overlay.Private:
		return private
	}
	return foreign
}

// A tree is what is known of the view while it is put together, by clean paths. No path
// goes through a link that the view has made: it is of what the links lead to.
type tree struct {
	nodes map[string]node
}

// A node is something that is there.
type node struct {
	link    string // the text of a link
	mounted bool
	land    land        // of what is mounted
	missing program.Arg // a word that says whether it is
	of      *taken      // what is mounted; nil for the root
}

func (t *tree) init(l land) { t.nodes = map[string]node{"/": {mounted: true, land: l}} }

// A target is where a mount goes.
type target struct {
	path string
	land land
	// missing is a word that is [none] if the mount which the path leads through
	// was left out.
	missing program.Arg
}

// known reports whether it is known what is there.
func (t target) known() bool { return t.land == own && t.missing == (program.Arg{}) }

// mostLinks is how many links a path may lead through.
const mostLinks = 40

// resolve follows the links of the view's own as the kernel would.
func (v *viewer) resolve(p string) target {
	nodes := v.tree.nodes
	at, rest := "/", strings.Split(strings.TrimPrefix(p, "/"), "/")
	to := target{path: "/", land: nodes["/"].land}
	for links := 0; len(rest) > 0; {
		name := rest[0]
		rest = rest[1:]
		if name == "" || name == "." {
			continue
		}
		at = path.Join(at, name) // which takes ".." away as the kernel does, where no link of others is
		n := nodes[at]
		if n.link != "" && links < mostLinks {
			links++
			rest = append(strings.Split(n.link, "/"), rest...)
			if at = path.Dir(at); strings.HasPrefix(n.link, "/") {
				at = "/"
			}
		}
		to = v.tree.landAt(at)
	}
	to.path = at
	return to
}

// landAt is whose the files are at a path.
func (t *tree) landAt(at string) (to target) {
	for dir := at; ; dir = path.Dir(dir) {
		n := t.nodes[dir]
		if !n.mounted {
			continue
		}
		to.land, to.missing = n.land, n.missing
		if n.missing != (program.Arg{}) && t.landAt(path.Dir(dir)).land == foreign {
			return target{land: foreign} // nothing is made there, whether it was left out or not
		}
		return to
	}
}

// base is the mount below which a path is, whatever was left out, and where that mount is.
func (t *tree) base(p string) (n node, at string) {
	for at = p; ; at = path.Dir(at) {
		if n = t.nodes[at]; n.mounted && n.missing == (program.Arg{}) {
			return n, at
		}
	}
}

func (t *tree) has(p string) bool {
	_, is := t.nodes[p]
	return is
}

func (t *tree) add(p string) {
	if !t.has(p) {
		t.nodes[p] = node{}
	}
}

func (t *tree) link(p, text string) { t.nodes[p] = node{link: text} }

// mount notes that something is mounted at a path, and hides what was there.
func (t *tree) mount(p string, l land, missing program.Arg, of *taken) {
	if missing == (program.Arg{}) {
		for below := range t.nodes {
			if strings.HasPrefix(below, p+"/") {
				delete(t.nodes, below)
			}
		}
	}
	t.nodes[p] = node{mounted: true, land: l, missing: missing, of: of}
}

// missingAbove are the directories above a path that are not there, the highest first.
func (t *tree) missingAbove(p string) (list []string) {
	for _, above := range t.belowBase(path.Dir(p)) {
		if !t.has(above) {
			list = append(list, above)
		}
	}
	return list
}

// belowBase are the directories from the mount that a path is below on, and the path.
func (t *tree) belowBase(p string) []string {
	_, at := t.base(p)
	return slices.DeleteFunc(prefixes(p), func(above string) bool { return len(above) <= len(at) })
}

// prefixes are the directories on the way to a path, and the path.
func prefixes(p string) (list []string) {
	for i := 1; i < len(p); i++ {
		if p[i] == '/' {
			list = append(list, p[:i])
		}
	}
	if p != "/" {
		list = append(list, p)
	}
	return list
}
