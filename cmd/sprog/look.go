//go:build linux && (amd64 || arm64)

package main

import (
	"github.com/sprog-dev/sprog/internal/machine"
)

// lookApart looks at a file in another root by a process of its own; errors.ErrUnsupported says that it cannot.
var lookApart = machine.LookIn
