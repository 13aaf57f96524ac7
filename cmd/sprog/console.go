//go:build linux

package main

import (
	"errors"
	"os"
	"os/signal"
	"runtime"
	"sync"
	"time"

	"github.com/sprog-dev/sprog"
	"github.com/sprog-dev/sprog/internal/sigwatch"
	"golang.org/x/sys/unix"
	"golang.org/x/term"
)

// A console is sprog's own terminal while the program has another. What is
// typed goes to the program as it is, as long as sprog is in the foreground. In
// the background the terminal is left alone: it belongs to somebody else, and
// the kernel stops whoever reads it or changes its mode, again after every
// continue (TTIN, TTOU).
type console struct {
	fd    int  // the terminal, or -1
	typed bool // it is sprog's standard input

	mu    sync.Mutex
	saved *unix.Termios // its mode before sprog changed it, if it has
	raw   unix.Termios  // and after
	waits bool          // somebody waits for the foreground

	front chan struct{} // gets a value when sprog is in the foreground, or again
}

// findConsole finds sprog's terminal: one of the standard streams, or the
// controlling one, which tty is.
func findConsole(tty terminal) *console {
	c := &console{fd: tty.fd, typed: term.IsTerminal(stdin), front: make(chan struct{}, 1)}
	for _, stream := range []int{2, 1, stdin} {
		if term.IsTerminal(stream) {
			c.fd = stream
		}
	}
	return c
}

// open has the terminal never stop sprog. Reading from the background is an error
// then. What sprog writes there is shown even with "stty tostop": a stop, and
// another after every continue, would keep it from acting on signals. The program has been
// started: it does not inherit this.
func (c *console) open() { signal.Ignore(unix.SIGTTIN, unix.SIGTTOU) }

// size is the terminal's, or nothing if there is none.
func (c *console) size() (size sprog.WindowSize) {
	if ws, err := unix.IoctlGetWinsize(c.fd, unix.TIOCGWINSZ); err == nil {
		size = sprog.WindowSize{Rows: ws.Row, Cols: ws.Col, XPixels: ws.Xpixel, YPixels: ws.Ypixel}
	}
	return size
}

// inFront reports whether sprog is in the foreground of its terminal. Where the
// terminal is not the controlling one there is no background.
func (c *console) inFront() bool {
	group, err := unix.IoctlGetInt(c.fd, unix.TIOCGPGRP)
	return err != nil || group == unix.Getpgrp()
}

// take has the terminal pass on every character as it is, if sprog is in the
// foreground, now or later, and calls then.
func (c *console) take(then func()) {
	if c.fd < 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.inFront() {
		if !c.waits {
			c.waits = true
			go c.awaitFront(then)
		}
		return
	}
	c.waits = false
	if c.typed {
		c.makeRaw()
	}
	then()
	select {
	case c.front <- struct{}{}:
	default:
	}
}

// awaitFront looks from time to time: a shell that brings a running job to the
// foreground tells nobody.
func (c *console) awaitFront(then func()) {
	for !c.inFront() {
		time.Sleep(100 * time.Millisecond)
	}
	c.mu.Lock()
	c.waits = false
	c.mu.Unlock()
	c.take(then)
}

// makeRaw changes the mode. After a stop it may be that of the shell.
func (c *console) makeRaw() {
	mode, err := unix.IoctlGetTermios(stdin, unix.TCGETS)
	if err != nil || c.saved != nil && *mode == c.raw {
		return
	}
	if _, err := term.MakeRaw(stdin); err != nil {
		return
	}
	if raw, err := unix.IoctlGetTermios(stdin, unix.TCGETS); err == nil {
		c.saved, c.raw = mode, *raw
	}
}

// giveBack puts the terminal back, unless somebody else has changed it
// meanwhile, as a shell does when a job stops. The program cannot have: it has another.
func (c *console) giveBack() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.saved == nil {
		return
	}
	if mode, err := unix.IoctlGetTermios(stdin, unix.TCGETS); err == nil && *mode == c.raw {
		unix.IoctlSetTermios(stdin, unix.TCSETS, c.saved)
	}
	c.saved = nil
}

// Read reads what is typed while sprog is in the foreground.
func (c *console) Read(b []byte) (int, error) {
	for {
		n, err := os.Stdin.Read(b)
		if n > 0 || err == nil {
			return n, err
		}
		// The same error says that the terminal is gone, which has no mode then.
		if _, gone := unix.IoctlGetTermios(stdin, unix.TCGETS); gone != nil || !errors.Is(err, unix.EIO) {
			return n, err
		}
		<-c.front
	}
}

// stopJob stops sprog's process group as Ctrl-Z would if the terminal were not
// raw, and returns when it is continued. A group that nobody could continue is
// not stopped by the kernel. sprog's own stop is for the calling thread, which is
// not to go on before it.
func stopJob() {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	restore := sigwatch.Ignore(unix.SIGTSTP)
	unix.Kill(0, unix.SIGTSTP)
	restore()
	unix.Tgkill(unix.Getpid(), unix.Gettid(), unix.SIGTSTP)
}
