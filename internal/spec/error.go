package spec

import (
	"strconv"
	"syscall"

	"github.com/sprog-dev/sprog/internal/terms"
)

// Invalid is the error of a start that asks for what no kernel could do. It is EINVAL to
// errors.Is, as what package syscall answers.
func Invalid(field, object string, reason terms.Text) *Error {
	return &Error{Field: field, Object: object, Err: terms.Message{Text: reason, Err: syscall.EINVAL}}
}

// Refuse is the error of a start that is refused before anything runs.
func Refuse(field, object string, reason terms.Text) *Error {
	return &Error{Object: object, Field: field, Err: terms.Message{Text: reason}}
}

// Index is the name of an entry of a list.
func Index(field string, i int) string { return field + "[" + strconv.Itoa(i) + "]" }

// Itoa is strconv.Itoa.
func Itoa(n int) string { return strconv.Itoa(n) }
