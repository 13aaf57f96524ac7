package exitwait

import (
	"bytes"
	"os"
	"os/signal"
	"runtime"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// lookAnyway is how often children are looked at without a SIGCHLD: the
// program may have called signal.Reset, which takes the signal from everybody.
const lookAnyway = time.Second

// scanner is the state of the goroutine that looks after children without a
// pidfd. It runs while there are any.
var scanner struct {
	sync.Mutex
	waiters map[int]chan struct{} // by process id; closed when the process has exited
}

// waitSignal waits for the child pid to exit.
func waitSignal(pid int) {
	scanner.Lock()
	// Whoever exits after this look is seen by the scan that its SIGCHLD
	// causes, or by the first one of a scanner that has just been started.
	if gone(pid) {
		scanner.Unlock()
		return
	}
	if scanner.waiters == nil {
		scanner.waiters = make(map[int]chan struct{})
		go scan()
	}
	exited, ok := scanner.waiters[pid]
	if !ok {
		exited = make(chan struct{})
		scanner.waiters[pid] = exited
	}
	scanner.Unlock()
	<-exited
}

// inBubble reports whether the caller is in a bubble of package testing/synctest,
// to which all that it makes belongs: the goroutine, its channels, and the one
// that package os/signal starts for the first who asks for a signal.
func inBubble() bool {
	var header [128]byte // "goroutine 8 [running, synctest bubble 1]:"
	first, _, _ := bytes.Cut(header[:runtime.Stack(header[:], false)], []byte("\n"))
	return bytes.Contains(first, []byte("synctest bubble"))
}

// scan looks at the children whenever there is a SIGCHLD, until none is left.
func scan() {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, unix.SIGCHLD)
	tick := time.NewTicker(lookAnyway)
	for {
		woken, last := takeGone()
		if last {
			signal.Stop(signals)
			tick.Stop()
		}
		for _, ch := range woken {
			close(ch)
		}
		if last {
			return
		}
		select {
		case <-signals:
		case <-tick.C:
		}
	}
}

// takeGone removes the waiters whose processes have exited from the scanner,
// and reports whether they were the last.
func takeGone() (woken []chan struct{}, last bool) {
	scanner.Lock()
	defer scanner.Unlock()
	for pid, ch := range scanner.waiters {
		if gone(pid) {
			woken = append(woken, ch)
			delete(scanner.waiters, pid)
		}
	}
	if len(scanner.waiters) > 0 {
		return woken, false
	}
	scanner.waiters = nil
	return woken, true
}

// gone reports whether wait4(2) for pid would not block: the child has exited,
// or there is no such child. It leaves the child as it is.
func gone(pid int) bool {
	var info unix.Siginfo
	err := unix.Waitid(unix.P_PID, pid, &info, unix.WEXITED|unix.WNOHANG|unix.WNOWAIT, nil)
	return err != nil || info.Signo != 0
}
