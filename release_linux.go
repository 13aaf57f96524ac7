//go:build amd64 || arm64

package sprog

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// kernelRelease is the kernel's release, by its name and its first two numbers.
// Known is false where it has none that begins with numbers.
func kernelRelease() (name string, major, minor int, known bool) {
	var u unix.Utsname
	if unix.Uname(&u) != nil {
		return "", 0, 0, false
	}
	name = unix.ByteSliceToString(u.Release[:])
	n, _ := fmt.Sscanf(name, "%d.%d", &major, &minor)
	return name, major, minor, n == 2
}

// olderThan reports whether the kernel is older than a release, as far as it
// can be known. It is for what cannot be tried.
func olderThan(major, minor int) bool {
	_, a, b, known := kernelRelease()
	return known && (a < major || a == major && b < minor)
}
