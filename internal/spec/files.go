package spec

import (
	"math"
	"slices"

	"github.com/sprog-dev/sprog/internal/terms"
)

// Claim gives a number of the child's to a file.
func (r *Start) Claim(f ChildFile) error {
	if f.N < 0 || f.N > math.MaxInt32 {
		return Invalid(f.Field, Itoa(f.N), "is no descriptor number")
	}
	if i := r.FileAt(f.N); i >= 0 {
		if old := r.Files[i]; !old.Unset {
			return Invalid(f.Field, Itoa(f.N), "is the number of "+terms.Field(old.Field)+" too")
		}
		r.Files[i] = f
		return nil
	}
	r.Files = InsertFile(r.Files, f)
	return nil
}

// InsertFile puts a file where its number belongs.
func InsertFile(files []ChildFile, f ChildFile) []ChildFile {
	i := len(files)
	for i > 0 && files[i-1].N > f.N {
		i--
	}
	return slices.Insert(files, i, f)
}

// Resolve finds the file that a duplicate is one of in the end. What the child
// has open from its birth is given to it in the same way; the rest is duplicated
// when it is there.
func (r *Start) Resolve(i int) error {
	f := &r.Files[i]
	if f.Source != SameAs {
		return nil
	}
	root := f
	for range r.Files {
		at := r.FileAt(root.Fd)
		if at < 0 || r.Files[at].Source == Closed {
			return Invalid(f.Field, Itoa(root.Fd), "is not a descriptor of the child")
		}
		root = &r.Files[at]
		if root.Source != SameAs {
			break
		}
	}
	switch root.Source {
	case SameAs:
		return Invalid(f.Field, Itoa(f.N), "is a duplicate of itself")
	case Opened, Inline:
		f.Fd = root.N
	default:
		f.Source, f.Fd = root.Source, root.Fd
	}
	return nil
}
