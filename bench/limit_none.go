//go:build linux && !amd64 && !arm64

package main

import (
	"fmt"
	"runtime"
)

func newLimit(order) (func() error, error) {
	return nil, fmt.Errorf("no bare vfork for %s", runtime.GOARCH)
}
