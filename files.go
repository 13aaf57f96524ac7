package sprog

import (
	"os"
	"slices"

	"github.com/sprog-dev/sprog/internal/spec"
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
func (a *Attr) addFiles(r *spec.Start, fd func(*os.File) (int, error)) error {
	for i := range a.Files {
		file, err := a.Files[i].translate(spec.Index("Attr.Files", i), fd)
		if err != nil {
			return err
		}
		if err := r.Claim(file); err != nil {
			return err
		}
	}
	for i, n := range a.Inherit {
		file := spec.ChildFile{N: n, Source: spec.FromParent, Fd: n, Field: spec.Index("Attr.Inherit", i)}
		if err := r.Claim(file); err != nil {
			return err
		}
	}
	for i := range r.Files {
		if err := r.Resolve(i); err != nil {
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
func (f *File) translate(field string, fd func(*os.File) (int, error)) (file spec.ChildFile, err error) {
	file = spec.ChildFile{N: f.FD, File: (*spec.File)(f), Field: field}
	sources := 0
	source := func(given bool, s spec.FileSource) {
		if given {
			file.Source = s
			sources++
		}
	}
	source(f.File != nil, spec.FromParent)
	source(f.Path != "", spec.Opened)
	source(f.Data != nil, spec.Inline)
	source(f.Dup != nil, spec.SameAs)
	source(f.Closed, spec.Closed)
	switch {
	case sources != 1:
		return file, spec.Invalid(field, spec.Itoa(f.FD), "needs one of {File|Attr.Files.File}, {Path|Attr.Files.Path}, {Data|Attr.Files.Data}, {Dup|Attr.Files.Dup} and {Closed|Attr.Files.Closed}, and only one")
	case f.Path == "" && (f.Flags != 0 || f.Mode != 0):
		return file, spec.Invalid(field, spec.Itoa(f.FD), "has {Flags|Attr.Files.Flags} or {Mode|Attr.Files.Mode}, which are for {Path|Attr.Files.Path}")
	case hasNUL(f.Path):
		return file, spec.Invalid(field, "", "contains a NUL byte")
	case f.Dup != nil:
		file.Fd = *f.Dup
	case f.File != nil:
		if file.Fd, err = fd(f.File); err != nil {
			return file, &StartError{Object: f.File.Name(), Field: field, Err: err}
		}
	}
	return file, nil
}
