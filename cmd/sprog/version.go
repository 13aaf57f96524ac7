//go:build linux

package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/sprog-dev/sprog/internal/flags"
)

// A versionCmd is sprog version.
type versionCmd struct{}

// release is the version that script/release stamps: what a build records by
// itself depends on how its sources were checked out.
var release string

// Run prints the version that the build recorded.
func (versionCmd) Run(*flags.Line) error {
	version := "(devel)"
	if release != "" {
		version = release
	} else if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		version = info.Main.Version
	}
	_, err := fmt.Printf("sprog %s %s %s/%s\n", version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return err
}
