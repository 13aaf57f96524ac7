package sprog

import (
	"math"
	"os"
	"slices"
)

// A File is one descriptor of the child's, by its number. It has exactly one
// source: File, Path, Data, Dup or Closed. The number may be any that is below
// the limit on open files which holds while the process is started: that of
// this process, or a higher one that Attr.Rlimits sets.
type File struct {
	// FD is the number in the child. It may be 0, 1 or 2 if Cmd has nil for
	// that stream, and that of an entry of Cmd.ExtraFiles which is nil; no
	// number may be given twice.
	FD int

	// File is an open file of this process, which the child shares. It is put
	// into blocking mode, as described for Cmd.Stdin. Any file may take any
	// number, and several of them.
	File *os.File

	// Path is a file that the child opens, with the program's user, groups
	// and umask, below its root directory and from its working directory, but
	// before Landlock and a filter for system calls restrict it. It does so
	// when all descriptors that need no opening have their places, in the order
	// of the list, so that /proc/self/fd/N names those. A FIFO that nobody has
	// open at its other end holds up the start.
	Path string
	// Flags and Mode are those of open(2) for Path, such as
	// os.O_WRONLY|os.O_CREATE, with the mode 0o666, for a file that is made if
	// need be. O_NOCTTY is always added: only SysProcAttr.Setctty makes a
	// terminal the controlling one. O_CLOEXEC is left out.
	Flags int
	Mode  uint32

	// Data, if not nil, is the content of a file that exists for this start
	// only: a sealed memfd, positioned at its beginning, which neither the
	// program nor this process can change. Each process that opens
	// /proc/self/fd/FD reads it from its beginning. See memfd_create(2).
	Data []byte

	// Dup, if not nil, is another number of the child's, whose file this one
	// shares, as in the shell's 2>&1. That number may come later in the list
	// and be a stream that Cmd makes a pipe for. It must not be closed.
	Dup *int

	// Closed leaves the number closed, as every number is that nothing is
	// said about; but 0, 1 and 2 would otherwise be the null device.
	Closed bool
}

// addFiles adds what the attributes say about descriptors to those of r.
func (a *Attr) addFiles(r *request, fd func(*os.File) (int, error)) error {
	for i := range a.Files {
		file, err := a.Files[i].translate(index("Attr.Files", i), fd)
		if err != nil {
			return err
		}
		if err := r.claim(file); err != nil {
			return err
		}
	}
	for i, n := range a.Inherit {
		file := childFile{n: n, source: fromParent, fd: n, field: index("Attr.Inherit", i)}
		if err := r.claim(file); err != nil {
			return err
		}
	}
	for i := range r.files {
		if err := r.resolve(i); err != nil {
			return err
		}
	}
	return nil
}

// gives reports whether the attributes say what number n of the child is.
func (a *Attr) gives(n int) bool {
	return a != nil && (slices.Contains(a.Inherit, n) || slices.ContainsFunc(a.Files, func(f File) bool { return f.FD == n }))
}

// translate is the child's file that f describes.
func (f *File) translate(field string, fd func(*os.File) (int, error)) (file childFile, err error) {
	file = childFile{n: f.FD, file: f, field: field}
	sources := 0
	source := func(given bool, s fileSource) {
		if given {
			file.source = s
			sources++
		}
	}
	source(f.File != nil, fromParent)
	source(f.Path != "", opened)
	source(f.Data != nil, inline)
	source(f.Dup != nil, sameAs)
	source(f.Closed, closed)
	switch {
	case sources != 1:
		return file, invalidf(field, itoa(f.FD), "needs one of File, Path, Data, Dup and Closed, and only one")
	case f.Path == "" && (f.Flags != 0 || f.Mode != 0):
		return file, invalidf(field, itoa(f.FD), "has Flags or Mode, which are for Path")
	case hasNUL(f.Path):
		return file, invalidf(field, "", "contains a NUL byte")
	case f.Dup != nil:
		file.fd = *f.Dup
	case f.File != nil:
		if file.fd, err = fd(f.File); err != nil {
			return file, &StartError{Object: f.File.Name(), Field: field, Err: err}
		}
	}
	return file, nil
}

// claim gives a number of the child's to a file.
func (r *request) claim(f childFile) error {
	if f.n < 0 || f.n > math.MaxInt32 {
		return invalidf(f.field, itoa(f.n), "is no descriptor number")
	}
	if i := r.fileAt(f.n); i >= 0 {
		if old := r.files[i]; !old.unset {
			return invalidf(f.field, itoa(f.n), "is the number of "+old.field+" too")
		}
		r.files[i] = f
		return nil
	}
	r.files = insertFile(r.files, f)
	return nil
}

// insertFile puts a file where its number belongs.
func insertFile(files []childFile, f childFile) []childFile {
	i := len(files)
	for i > 0 && files[i-1].n > f.n {
		i--
	}
	return slices.Insert(files, i, f)
}

// resolve finds the file that a duplicate is one of in the end. What the child
// has open from its birth is given to it in the same way; the rest is duplicated
// when it is there.
func (r *request) resolve(i int) error {
	f := &r.files[i]
	if f.source != sameAs {
		return nil
	}
	root := f
	for range r.files {
		at := r.fileAt(root.fd)
		if at < 0 || r.files[at].source == closed {
			return invalidf(f.field, itoa(root.fd), "is not a descriptor of the child")
		}
		root = &r.files[at]
		if root.source != sameAs {
			break
		}
	}
	switch root.source {
	case sameAs:
		return invalidf(f.field, itoa(f.n), "is a duplicate of itself")
	case opened, inline:
		f.fd = root.n
	default:
		f.source, f.fd = root.source, root.fd
	}
	return nil
}
