//go:build linux

package main

import (
	"io"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/cmd/sprog/internal/bwrap"
)

// refusesRights ends a process that has rights which its caller lacks: everything the command does is
// the caller's choice, so that with a set-user-ID bit it would give these rights to everybody.
func refusesRights() (code int, refuses bool) {
	if !raised() {
		return 0, false
	}
	const reason = "refusing to run with rights that the caller lacks: the file may not be set-user-ID or set-group-ID, nor have capabilities"
	if filepath.Base(os.Args[0]) == "bwrap" || len(os.Args) > 1 && os.Args[1] == "bwrap" {
		return bwrap.Refuse(reason), true
	}
	io.WriteString(os.Stderr, "sprog: "+reason+"\n")
	return exitSprog, true
}

// raised tells whether the process got rights by executing this file. AT_SECURE alone does not mean
// that: SELinux and AppArmor set it at a change of domain, too, and an entry point of a container is
// started with one. What cannot be found out counts as raised.
func raised() bool {
	vector, err := unix.Auxv()
	if err != nil {
		return true
	}
	const secure = 23 // AT_SECURE
	for _, entry := range vector {
		if entry[0] == secure && entry[1] != 0 {
			return differentIDs() || !almighty() && fileCapabilities()
		}
	}
	return false
}

// differentIDs tells whether the real ids are not the effective ones, which the execve of a file with a
// bit for its user or group makes them. The saved ones say nothing: each execve sets them to the effective ones.
func differentIDs() bool {
	return unix.Getuid() != unix.Geteuid() || unix.Getgid() != unix.Getegid()
}

// almighty tells whether the caller is root, whom an execve of any file gives all capabilities that he may have.
func almighty() bool {
	bits, err := unix.PrctlRetInt(unix.PR_GET_SECUREBITS, 0, 0, 0, 0)
	const noRoot = 1 // SECBIT_NOROOT
	return unix.Getuid() == 0 && err == nil && bits&noRoot == 0
}

// fileCapabilities tells whether the process has a capability that is not ambient. An execve by a user
// other than root keeps the ambient ones of the caller; any other comes from the file.
func fileCapabilities() bool {
	var sets [2]unix.CapUserData
	if unix.Capget(&unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}, &sets[0]) != nil {
		return true
	}
	for bit := range 64 {
		if sets[bit/32].Permitted&(1<<(bit%32)) == 0 {
			continue
		}
		ambient, err := unix.PrctlRetInt(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_IS_SET, uintptr(bit), 0, 0)
		if err != nil || ambient == 0 {
			return true
		}
	}
	return false
}
