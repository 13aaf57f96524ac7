//go:build linux

package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

// A versionCmd is sprog version.
type versionCmd struct{}

// Run prints the version that the build recorded.
func (versionCmd) Run() error {
	version := "(devel)"
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		version = info.Main.Version
	}
	_, err := fmt.Printf("sprog %s %s %s/%s\n", version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return err
}
