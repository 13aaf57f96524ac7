//go:build amd64 || arm64

// Package pathwalk walks along a path as the kernel would for another process, and
// tells what stops it, which the kernel does not.
package pathwalk

import (
	"bytes"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/machine"
	"github.com/sprog-dev/sprog/internal/mountinfo"
	"github.com/sprog-dev/sprog/internal/plain"
	"github.com/sprog-dev/sprog/internal/terms"
)

// A View is the child's view of the file system, as far as its root and its
// working directory make it.
type View struct {
	Root, Dir string
}

// Where names the root in a text, if it is a new one.
func (v View) Where() string {
	if v.Root == "" {
		return ""
	}
	return " in " + terms.Printable(v.Root)
}

// absolute is a path from the root of the view, or "" if that is not known, and
// how much of its beginning the child does not have to walk through.
func (v View) absolute(path string) (abs string, free int) {
	if filepath.IsAbs(path) {
		return path, 0
	}
	base := v.Dir
	if !filepath.IsAbs(base) {
		own := "/"
		if v.Root == "" {
			own, _ = unix.Getwd()
		}
		if own == "" {
			return "", 0
		}
		base = own + "/" + base
	}
	base = strings.TrimRight(base, "/")
	return base + "/" + path, len(base)
}

// Exists reports whether a file is there.
func (v View) Exists(path string) bool {
	w := v.Follow(path, Viewer{})
	defer w.Close()
	return w.Stop == 0
}

// Open opens a regular file as the child would find it, for reading.
func (v View) Open(path string) (Readable, error) {
	w := v.Follow(path, Viewer{})
	defer w.Close()
	if w.Stop != 0 {
		return Readable{}, w.Stop
	}
	return w.Read()
}

// A Walk is where a path leads in a view. It goes as the kernel does, and tells
// what the kernel does not: what stops it.
type Walk struct {
	View
	Who   Viewer
	Fds   []Seen   // of the root, and of all that was walked through, to the last
	names []string // of all but the root
	links int
	link  string // the last symbolic link

	path string     // what is walked along
	Stop unix.Errno // 0 if it has come to the end
	Why  string     // what stopped it, or "" if that is not to be seen
}

const mostLinks = 40 // MAXSYMLINKS

// Follow walks along a path, with the rights of who.
func (v View) Follow(path string, who Viewer) *Walk {
	w := &Walk{View: v, Who: who, path: path}
	root := v.Root
	if root == "" {
		root = "/"
	}
	abs, free := v.absolute(path)
	fd, err := unix.Open(root, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil || abs == "" {
		w.halt(unix.EAGAIN, "")
		return w
	}
	w.Fds = append(w.Fds, Seen(fd))
	w.along(strings.Split(abs[:free], "/"), false)
	if w.links = 0; w.Stop == 0 {
		w.along(strings.Split(abs[free:], "/"), true)
	}
	return w
}

// along walks through components, whose rights count or not.
func (w *Walk) along(todo []string, checked bool) {
	for i := 0; len(todo) > 0 && w.Stop == 0; i++ {
		name := todo[0]
		todo = todo[1:]
		if name == "" && len(todo) > 0 || name == "." && len(todo) > 0 || name == "" && i == 0 {
			continue
		}
		if target, ok := w.step(name, checked); ok {
			if target[0] == '/' {
				w.up(len(w.names))
			}
			todo = append(strings.Split(target, "/"), todo...)
		}
	}
}

// step takes one component. If it is a symbolic link, its target is returned.
func (w *Walk) step(name string, checked bool) (target string, isLink bool) {
	st := w.Stat()
	switch {
	case st.Mode&unix.S_IFMT != unix.S_IFDIR:
		w.halt(unix.ENOTDIR, w.Here()+" is "+KindOf(st)+", no directory")
		return "", false
	case len(name) > unix.NAME_MAX:
		w.halt(unix.ENAMETOOLONG, "a name in a path can have 255 bytes, and one of these has "+strconv.Itoa(len(name)))
		return "", false
	case checked && !w.Who.May(w.Last(), st, ToSearch):
		w.halt(unix.EACCES, w.Who.MayNot("search", w.Here(), w.Last(), st))
		return "", false
	case name == "" || name == ".":
		return "", false
	case name == "..":
		w.up(1)
		return "", false
	}
	fd, err := unix.Openat(int(w.Last()), name, unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	switch {
	case err == unix.ENOENT:
		w.halt(err, w.child(name)+w.byLink()+" does not exist"+w.Where())
	case err == unix.EACCES:
		w.halt(err, w.Who.MayNot("search", w.Here(), w.Last(), st))
	case err != nil:
		w.halt(err, "")
	}
	if err != nil {
		return "", false
	}
	return w.enter(name, Seen(fd), st)
}

// enter goes on to what is there.
func (w *Walk) enter(name string, fd Seen, dir *unix.Stat_t) (target string, isLink bool) {
	var st unix.Stat_t
	unix.Fstat(int(fd), &st)
	if st.Mode&unix.S_IFMT != unix.S_IFLNK {
		w.Fds, w.names = append(w.Fds, fd), append(w.names, name)
		return "", false
	}
	defer fd.Close()
	buf := make([]byte, unix.PathMax)
	n, err := unix.Readlinkat(int(fd), "", buf)
	switch link := w.child(name); {
	case err != nil || n == 0 || onProc(fd): // whose links lead elsewhere for another process
		w.halt(unix.EAGAIN, "")
	case w.links == mostLinks:
		w.halt(unix.ELOOP, "symbolic links lead in a circle, by way of "+link)
	case w.Who.linkDenied(dir, &st):
		w.halt(unix.EACCES, "the symbolic link "+link+" belongs to user "+strconv.Itoa(int(st.Uid))+
			", in a directory that anybody may write to: fs.protected_symlinks keeps others from following it")
	default:
		w.links++
		w.link = link
		return string(buf[:n]), true
	}
	return "", false
}

func (w *Walk) halt(err error, why string) {
	w.Stop, _ = err.(unix.Errno)
	w.Why = why
}

// Last is what the walk has come to, or -1 if it could not begin.
func (w *Walk) Last() Seen {
	if len(w.Fds) == 0 {
		return -1
	}
	return w.Fds[len(w.Fds)-1]
}

// Stat is what there is to know of it.
func (w *Walk) Stat() *unix.Stat_t {
	st := new(unix.Stat_t)
	unix.Fstat(int(w.Last()), st)
	return st
}

// Read opens the file that the walk has come to. Nothing but a regular file is
// opened: others may wait for somebody, or do something.
func (w *Walk) Read() (Readable, error) {
	if w.Stat().Mode&unix.S_IFMT != unix.S_IFREG {
		return Readable{}, unix.EINVAL
	}
	fd, err := unix.Open(OwnPath(w.Last()), unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return Readable{}, err
	}
	c := Readable{Seen: Seen(fd), head: make([]byte, 1024)} // of most files, all that is asked for
	n, err := machine.Peek(OwnPath(c.Seen), c.head, 0)
	if err != nil {
		c.Close()
		return Readable{}, err
	}
	c.whole, c.head = n < len(c.head), c.head[:n]
	return c, nil
}

// A Readable is a file that can be read. Its descriptor has no part in that:
// see machine.Peek.
type Readable struct {
	Seen
	head  []byte
	whole bool // the head is all of it
}

// ReadAt is that of io.ReaderAt.
func (c Readable) ReadAt(b []byte, off int64) (int, error) {
	if end := off + int64(len(b)); c.whole || 0 <= off && off <= end && end <= int64(len(c.head)) {
		return bytes.NewReader(c.head).ReadAt(b, off)
	}
	return machine.Peek(OwnPath(c.Seen), b, off)
}

// OwnPath is a path to the file of a descriptor.
func OwnPath(f Seen) string { return "/proc/self/fd/" + strconv.Itoa(int(f)) }

// Here is the path of what the walk has come to, within the root.
func (w *Walk) Here() string { return terms.Printable("/" + strings.Join(w.names, "/")) }

func (w *Walk) child(name string) string {
	return terms.Printable("/" + strings.Join(append(w.names[:len(w.names):len(w.names)], name), "/"))
}

func (w *Walk) byLink() string {
	if w.link == "" {
		return ""
	}
	return ", where the symbolic link " + w.link + " leads,"
}

// up goes back n directories, or to the root.
func (w *Walk) up(n int) {
	for ; n > 0 && len(w.names) > 0; n-- {
		w.Last().Close()
		w.Fds, w.names = w.Fds[:len(w.Fds)-1], w.names[:len(w.names)-1]
	}
}

// Close lets go of all that was walked through.
func (w *Walk) Close() {
	for _, fd := range w.Fds {
		fd.Close()
	}
}

// Reason is what stopped the walk, if that is what the kernel has answered, and
// does not only repeat it.
func (w *Walk) Reason(errno unix.Errno) string {
	if w.Stop == errno && w.Why != terms.Printable(w.path)+" does not exist" {
		return w.Why
	}
	return ""
}

// onProc reports whether a file is one of /proc.
func onProc(f Seen) bool {
	var fs unix.Statfs_t
	return unix.Fstatfs(int(f), &fs) == nil && fs.Type == unix.PROC_SUPER_MAGIC
}

// A Seen file is one of a view's, by its descriptor. An os.File would be
// handed to the network poller first.
type Seen int

// Close closes it.
func (f Seen) Close() error { return unix.Close(int(f)) }

// Fd is its descriptor.
func (f Seen) Fd() uintptr { return uintptr(f) }

// MountPoint is where a file's file system is mounted.
func MountPoint(f Seen) string {
	var st unix.Statx_t
	if unix.Statx(int(f), "", unix.AT_EMPTY_PATH, unix.STATX_MNT_ID, &st) != nil || st.Mask&unix.STATX_MNT_ID == 0 {
		return ""
	}
	text, _ := plain.Read("/proc/self/mountinfo")
	for m := range mountinfo.Mounts(text) {
		if m.ID == strconv.FormatUint(st.Mnt_id, 10) {
			return " at " + terms.Printable(m.Point)
		}
	}
	return ""
}

// OnNamespaces reports whether a file is a namespace.
func OnNamespaces(f Seen) bool {
	var fs unix.Statfs_t
	return unix.Fstatfs(int(f), &fs) == nil && fs.Type == unix.NSFS_MAGIC
}

// RealPath is where the file of a descriptor is, as this process sees it.
func RealPath(fd int) string {
	buf := make([]byte, unix.PathMax)
	n, err := unix.Readlink("/proc/self/fd/"+strconv.Itoa(fd), buf)
	if err != nil {
		return ""
	}
	return string(buf[:n])
}
