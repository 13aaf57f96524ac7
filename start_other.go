//go:build !linux || !(amd64 || arm64)

package sprog

import (
	"errors"
	"os"
)

// start is not to be had on this system.
func startRequest(r *request, _ options) (*os.Process, error) {
	return nil, &StartError{Path: r.path, Err: errors.ErrUnsupported}
}

// natureOf is that of no process.
func natureOf(*request) nature { return nature{} }

// exec is not to be had on this system.
func execRequest(r *request, to options) error {
	return &StartError{Path: r.path, Err: errors.ErrUnsupported}
}

// plan is not to be had on this system.
func planRequest(r *request) (*Plan, error) {
	return nil, &StartError{Path: r.path, Err: errors.ErrUnsupported}
}
