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

// servers are sockets at paths that nothing hides: what listens there as the program begins, or takes datagrams, cannot be
// talked to. A read-only file system does not keep anybody from that.
func (b *Box) servers() (list []sprog.Mount) {
	const most = 500
	text, _ := os.ReadFile("/proc/net/unix")
	for _, path := range boundSockets(string(text)) {
		if len(list) < most && !b.hides(path) && !b.opens(path) && typeOf(path) == unix.S_IFSOCK {
			list = append(list, sprog.Mount{Target: path, Mask: true})
		}
	}
	return list
}

// boundSockets are the paths in the text of /proc/net/unix. A path may have anything in it: others have chosen
// it, so whoever uses one looks whether a socket is there.
func boundSockets(text string) (list []string) {
	const before = 7 // fields
	for line := range strings.Lines(text) {
		rest := strings.TrimRight(line, "\n")
		for range before {
			_, rest, _ = strings.Cut(strings.TrimLeft(rest, " "), " ")
		}
		if path := filepath.Clean(rest); strings.HasPrefix(rest, "/") && !slices.Contains(list, path) {
			list = append(list, path)
		}
	}
	return list
}

// opens reports whether a path is in what the program is given.
func (b *Box) opens(path string) bool {
	in := func(dir string) bool { return below(path, dir) }
	return below(path, b.Project.Dir) || below(path, "/dev") || below(path, "/proc") ||
		slices.ContainsFunc(slices.Concat(b.ReadWrite, b.ReadOnly, b.Sockets), in)
}
