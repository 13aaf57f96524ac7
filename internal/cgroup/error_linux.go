package cgroup

import "errors"

// An Error says why a cgroup cannot be made. It wraps an errno, within an
// *fs.PathError if a call on a file has failed.
type Error struct {
	// Label is what the error is about: that of a Write, "Parent" or "Name" for
	// these fields of the Spec, or empty.
	Label string
	// Hint is what the errno means there, or empty.
	Hint string
	// Holder is the cgroup whose processes are in the way of controllers below it, if
	// that is the reason.
	Holder string

	err error
}

func (e *Error) Error() string { return e.err.Error() }
func (e *Error) Unwrap() error { return e.err }

func failed(label string, err error) *Error {
	e := &Error{Label: label, err: err}
	var r *refusal
	if errors.As(err, &r) {
		e.Holder = r.holder
	}
	return e
}

// A refusal is an errno with what it means here.
type refusal struct {
	reason string
	errno  error
	holder string // see Error
}

func (r *refusal) Error() string { return r.reason }
func (r *refusal) Unwrap() error { return r.errno }
