package main

import (
	"fmt"
	"io"
	"os"
	"syscall"
	"time"

	"github.com/sprog-dev/sprog/internal/slowfile"
)

// ownMounts gives a process mounts that nobody else sees and that go with it.
func ownMounts() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}
}

// fuseMain serves a file system with the program that is slow to open, says
// where it is, and goes on until its standard input ends.
func fuseMain(args []string) error {
	delay, err := time.ParseDuration(args[1])
	if err != nil {
		return err
	}
	done := make(chan struct{})
	go func() {
		io.Copy(io.Discard, os.Stdin)
		close(done)
	}()
	return slowfile.Serve(args[0], delay, func() { fmt.Println(args[0]) }, done)
}
