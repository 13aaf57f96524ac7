//go:build amd64 || arm64

package sprog

import (
	"bytes"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/machine"
	"github.com/sprog-dev/sprog/internal/terms"
)

// A view is the child's view of the file system, as far as Chroot and Dir
// make it.
type view struct {
	root, dir string
}

func (r *request) view() view {
	v := view{root: r.sys.Chroot, dir: r.dir}
	if v.dir == "" && r.attr.DirFile != nil {
		if fd, err := shownFd(r.attr.DirFile); err == nil {
			v.dir = realPath(fd)
		}
	}
	return v
}

func (v view) where() string {
	if v.root == "" {
		return ""
	}
	return " in " + terms.Printable(v.root)
}

// absolute is a path from the root of the view, or "" if that is not known, and
// how much of its beginning the child does not have to walk through.
func (v view) absolute(path string) (abs string, free int) {
	if filepath.IsAbs(path) {
		return path, 0
	}
	base := v.dir
	if !filepath.IsAbs(base) {
		own := "/"
		if v.root == "" {
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

// exists reports whether a file is there.
func (v view) exists(path string) bool {
	w := v.follow(path, viewer{})
	defer w.close()
	return w.stop == 0
}

// open opens a regular file as the child would find it, for reading.
func (v view) open(path string) (readable, error) {
	w := v.follow(path, viewer{})
	defer w.close()
	if w.stop != 0 {
		return readable{}, w.stop
	}
	return w.read()
}

// A walk is where a path leads in a view. It goes as the kernel does, and tells
// what the kernel does not: what stops it.
type walk struct {
	view
	who   viewer
	fds   []seen   // of the root, and of all that was walked through, to the last
	names []string // of all but the root
	links int
	link  string // the last symbolic link

	path string     // what is walked along
	stop unix.Errno // 0 if it has come to the end
	why  string     // what stopped it, or "" if that is not to be seen
}

const mostLinks = 40 // MAXSYMLINKS

// follow walks along a path, with the rights of who.
func (v view) follow(path string, who viewer) *walk {
	w := &walk{view: v, who: who, path: path}
	root := v.root
	if root == "" {
		root = "/"
	}
	abs, free := v.absolute(path)
	fd, err := unix.Open(root, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil || abs == "" {
		w.halt(unix.EAGAIN, "")
		return w
	}
	w.fds = append(w.fds, seen(fd))
	w.along(strings.Split(abs[:free], "/"), false)
	if w.links = 0; w.stop == 0 {
		w.along(strings.Split(abs[free:], "/"), true)
	}
	return w
}

// along walks through components, whose rights count or not.
func (w *walk) along(todo []string, checked bool) {
	for i := 0; len(todo) > 0 && w.stop == 0; i++ {
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
func (w *walk) step(name string, checked bool) (target string, isLink bool) {
	st := w.stat()
	switch {
	case st.Mode&unix.S_IFMT != unix.S_IFDIR:
		w.halt(unix.ENOTDIR, w.here()+" is "+kindOf(st)+", no directory")
		return "", false
	case len(name) > unix.NAME_MAX:
		w.halt(unix.ENAMETOOLONG, "a name in a path can have 255 bytes, and one of these has "+strconv.Itoa(len(name)))
		return "", false
	case checked && !w.who.may(w.last(), st, toSearch):
		w.halt(unix.EACCES, w.who.mayNot("search", w.here(), w.last(), st))
		return "", false
	case name == "" || name == ".":
		return "", false
	case name == "..":
		w.up(1)
		return "", false
	}
	fd, err := unix.Openat(int(w.last()), name, unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	switch {
	case err == unix.ENOENT:
		w.halt(err, w.child(name)+w.byLink()+" does not exist"+w.where())
	case err == unix.EACCES:
		w.halt(err, w.who.mayNot("search", w.here(), w.last(), st))
	case err != nil:
		w.halt(err, "")
	}
	if err != nil {
		return "", false
	}
	return w.enter(name, seen(fd), st)
}

// enter goes on to what is there.
func (w *walk) enter(name string, fd seen, dir *unix.Stat_t) (target string, isLink bool) {
	var st unix.Stat_t
	unix.Fstat(int(fd), &st)
	if st.Mode&unix.S_IFMT != unix.S_IFLNK {
		w.fds, w.names = append(w.fds, fd), append(w.names, name)
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
	case w.who.linkDenied(dir, &st):
		w.halt(unix.EACCES, "the symbolic link "+link+" belongs to user "+strconv.Itoa(int(st.Uid))+
			", in a directory that anybody may write to: fs.protected_symlinks keeps others from following it")
	default:
		w.links++
		w.link = link
		return string(buf[:n]), true
	}
	return "", false
}

func (w *walk) halt(err error, why string) {
	w.stop, _ = err.(unix.Errno)
	w.why = why
}

// last is what the walk has come to, or -1 if it could not begin.
func (w *walk) last() seen {
	if len(w.fds) == 0 {
		return -1
	}
	return w.fds[len(w.fds)-1]
}

func (w *walk) stat() *unix.Stat_t {
	st := new(unix.Stat_t)
	unix.Fstat(int(w.last()), st)
	return st
}

// read opens the file that the walk has come to. Nothing but a regular file is
// opened: others may wait for somebody, or do something.
func (w *walk) read() (readable, error) {
	if w.stat().Mode&unix.S_IFMT != unix.S_IFREG {
		return readable{}, unix.EINVAL
	}
	fd, err := unix.Open(ownPath(w.last()), unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return readable{}, err
	}
	c := readable{seen: seen(fd), head: make([]byte, 1024)} // of most files, all that is asked for
	n, err := machine.Peek(ownPath(c.seen), c.head, 0)
	if err != nil {
		c.Close()
		return readable{}, err
	}
	c.whole, c.head = n < len(c.head), c.head[:n]
	return c, nil
}

// A readable is a file that can be read. Its descriptor has no part in that:
// see machine.Peek.
type readable struct {
	seen
	head  []byte
	whole bool // the head is all of it
}

func (c readable) ReadAt(b []byte, off int64) (int, error) {
	if end := off + int64(len(b)); c.whole || 0 <= off && off <= end && end <= int64(len(c.head)) {
		return bytes.NewReader(c.head).ReadAt(b, off)
	}
	return machine.Peek(ownPath(c.seen), b, off)
}

func ownPath(f seen) string { return "/proc/self/fd/" + strconv.Itoa(int(f)) }

func (w *walk) here() string { return terms.Printable("/" + strings.Join(w.names, "/")) }

func (w *walk) child(name string) string {
	return terms.Printable("/" + strings.Join(append(w.names[:len(w.names):len(w.names)], name), "/"))
}

func (w *walk) byLink() string {
	if w.link == "" {
		return ""
	}
	return ", where the symbolic link " + w.link + " leads,"
}

// up goes back n directories, or to the root.
func (w *walk) up(n int) {
	for ; n > 0 && len(w.names) > 0; n-- {
		w.last().Close()
		w.fds, w.names = w.fds[:len(w.fds)-1], w.names[:len(w.names)-1]
	}
}

func (w *walk) close() {
	for _, fd := range w.fds {
		fd.Close()
	}
}

// Reason is what stopped the walk, if that is what the kernel has answered, and
// does not only repeat it.
func (w *walk) reason(errno unix.Errno) string {
	if w.stop == errno && w.why != terms.Printable(w.path)+" does not exist" {
		return w.why
	}
	return ""
}

func onProc(f seen) bool {
	var fs unix.Statfs_t
	return unix.Fstatfs(int(f), &fs) == nil && fs.Type == unix.PROC_SUPER_MAGIC
}

// A seen file is one of a view's, by its descriptor. An os.File would be
// handed to the network poller first.
type seen int

func (f seen) Close() error { return unix.Close(int(f)) }
func (f seen) Fd() uintptr  { return uintptr(f) }
