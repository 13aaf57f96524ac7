//go:build !linux || !(amd64 || arm64)

package sprog

import (
	"errors"
	"os"

	"github.com/sprog-dev/sprog/internal/spec"
)

// start is not to be had on this system.
func startRequest(r *spec.Start, _ options) (*os.Process, error) {
	return nil, &StartError{Path: r.Path, Err: errors.ErrUnsupported}
}

// natureOf is that of no process.
func natureOf(*spec.Start) nature { return nature{} }

// exec is not to be had on this system.
func execRequest(r *spec.Start, to options) error {
	return &spec.Error{Path: r.Path, Err: errors.ErrUnsupported}
}

// plan is not to be had on this system.
func planRequest(r *spec.Start) ([]planStep, error) {
	return nil, &StartError{Path: r.Path, Err: errors.ErrUnsupported}
}
