package sprog

import (
	"fmt"
	"os"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// ownMountsVar tells a process that it is in a mount namespace of the tests'.
const ownMountsVar = helperVar + "_OWN_MOUNTS"

// haveOwnMounts is for tests that look whether a start changes the mounts of
// its parent: what others mount on this machine must not show. It executes
// this process again in a mount namespace of its own, where the mounts
// propagate to nobody else. Without the right to, it leaves the process as it is:
// starts have no right to change its mounts either.
func haveOwnMounts() {
	if os.Getenv(ownMountsVar) != "" {
		return
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if unix.Unshare(unix.CLONE_NEWNS) != nil {
		return
	}
	for _, propagation := range []uintptr{unix.MS_PRIVATE, unix.MS_SHARED} { // in groups of their own
		if err := unix.Mount("", "/", "", unix.MS_REC|propagation, ""); err != nil {
			fmt.Fprintln(os.Stderr, "a mount namespace for the tests:", err)
			os.Exit(1)
		}
	}
	os.Setenv(ownMountsVar, "1")
	fmt.Fprintln(os.Stderr, syscall.Exec(testBinary(), os.Args, os.Environ()))
	os.Exit(1)
}

// ownMounts are the mounts of this process, where others do not change them.
func ownMounts() string {
	if os.Getenv(ownMountsVar) == "" {
		return ""
	}
	b, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		panic(err)
	}
	return string(b)
}
