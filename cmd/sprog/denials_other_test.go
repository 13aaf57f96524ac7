//go:build linux && !(amd64 || arm64)

package main

// hearsAudit reports what is so where sprog starts nothing.
func hearsAudit() bool { return false }
