//go:build linux && (amd64 || arm64)

package main

import (
	"fmt"
	"syscall"
)

// vforkExecWait starts path in a child that borrows the caller's memory and
// thread, waits until it has exited, and returns its wait status, or -errno
// as pid. It is the least that a start and wait can be made of. The child runs
// three instructions and a system call; a failed execve is exit status 127.
//
//go:noescape
func vforkExecWait(path *byte, argv, env **byte) (pid int, status int32)

// newLimit is the contender that the others are compared with.
func newLimit(o order) (func() error, error) {
	path, err := syscall.BytePtrFromString(o.Prog)
	if err != nil {
		return nil, err
	}
	argv := []*byte{path, nil}
	env, err := syscall.SlicePtrFromStrings(syscall.Environ())
	if err != nil {
		return nil, err
	}
	return func() error {
		pid, status := vforkExecWait(path, &argv[0], &env[0])
		if pid < 0 {
			return fmt.Errorf("vfork: %w", syscall.Errno(-pid))
		}
		return exited(syscall.WaitStatus(status))
	}, nil
}
