//go:build linux

package main

import (
	"cmp"
	"fmt"
	"os"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog"
	"github.com/sprog-dev/sprog/internal/ownproc"
	"github.com/sprog-dev/sprog/internal/plain"
)

// reapOrphans reaps those that have ended of the processes that sprog did not start: as PID 1
// and as a child subreaper it gets all that are orphaned, and it may have been executed by a
// shell that had children. The program is left to Wait. A zombie of the program hides others;
// then the channel that is returned says when to look again.
func (s *supervisor) reapOrphans() (again <-chan time.Time) {
	for {
		pid := endedChild()
		if pid == 0 {
			return nil
		}
		if pid == s.process.Pid {
			return time.After(10 * time.Millisecond)
		}
		unix.Wait4(pid, nil, unix.WNOHANG, nil)
	}
}

// endedChild is a child that can be reaped, or 0.
func endedChild() int {
	var info unix.Siginfo
	if unix.Waitid(unix.P_ALL, 0, &info, unix.WEXITED|unix.WNOHANG|unix.WNOWAIT, nil) != nil {
		return 0
	}
	const pidAt = 16 // si_pid, on 64 bits
	return int(*(*int32)(unsafe.Add(unsafe.Pointer(&info), pidAt)))
}

// adopt has sprog get what the program leaves if its init is killed: outside of a PID namespace the
// program may have the right to do that, and would outlive every limit by it. What else
// becomes sprog's child as PID 1, or was its child before, is not the program's.
func (s *supervisor) adopt(cmd *sprog.Cmd) {
	if cmd.Attr.Init != nil && cmd.SysProcAttr.Cloneflags&unix.CLONE_NEWPID == 0 && os.Getpid() != 1 && !hasChildren() {
		s.adopts = unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == nil
	}
}

// hasChildren reports whether sprog has children, beside the witness, which is none to a plain
// waitid(2).
func hasChildren() bool {
	return unix.Waitid(unix.P_ALL, 0, nil, unix.WEXITED|unix.WNOHANG|unix.WNOWAIT, nil) == nil
}

// orphanPatience bounds how long the children of others are hunted for.
const orphanPatience = 10 * time.Second

// killOrphans kills what sprog has got since the program's init was killed, and what that leaves. Their
// numbers are their own until sprog reaps them.
func (s *supervisor) killOrphans() {
	if !s.adopts || !hasChildren() {
		return
	}
	s.watch.End() // it is a child, too
	proc, err := ownproc.Open()
	if err != nil {
		fmt.Fprintln(os.Stderr, "sprog: the init was killed, and what the program has left cannot be found:", err)
		return
	}
	defer proc.Close()
	for enough := plain.In(orphanPatience); hasChildren(); plain.Sleep(time.Millisecond) {
		var err error
		killed := 0
		for _, pid := range proc.Children(os.Getpid()) {
			if killErr := unix.Kill(pid, unix.SIGKILL); killErr == nil {
				killed++
			} else {
				err = fmt.Errorf("process %d: %w", pid, killErr)
			}
		}
		for pid := endedChild(); pid != 0; pid = endedChild() {
			unix.Wait4(pid, nil, unix.WNOHANG, nil)
		}
		if killed == 0 && err != nil || enough.Over() {
			fmt.Fprintln(os.Stderr, "sprog: the init was killed, and something is left:", cmp.Or(err, os.ErrDeadlineExceeded))
			return
		}
	}
}
