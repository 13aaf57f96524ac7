//go:build !linux || !(amd64 || arm64)

package spec

// IDMaps are of Linux.
type IDMaps struct{}
