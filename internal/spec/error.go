package spec

import (
	"errors"
	"strconv"
	"syscall"
)

// An InvalidReason is the reason of a start that is refused. It is EINVAL to
// errors.Is, as what package syscall answers.
type InvalidReason string

func (i InvalidReason) Error() string { return string(i) }
func (InvalidReason) Unwrap() error   { return syscall.EINVAL }

// Invalid is the error of a start that asks for what no kernel could do.
func Invalid(field, object, reason string) *Error {
	return &Error{Field: field, Object: object, Err: InvalidReason(reason)}
}

// Refuse is the error of a start that is refused before anything runs.
func Refuse(field, object, reason string) *Error {
	return &Error{Object: object, Field: field, Err: errors.New(reason)}
}

// Index is the name of an entry of a list.
func Index(field string, i int) string { return field + "[" + strconv.Itoa(i) + "]" }

// Itoa is strconv.Itoa.
func Itoa(n int) string { return strconv.Itoa(n) }
