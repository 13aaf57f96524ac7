//go:build !linux || !(amd64 || arm64) || go1.28

package inherited

// Known says whether this toolchain's runtime is known to tell.
const Known = false

func signals() (ignored, blocked uint64) { return 0, 0 }
