package sprog

import "os"

// A WindowSize is the size of a terminal's window, in characters and, where
// that is known, in pixels; see TIOCSWINSZ(2const).
type WindowSize struct {
	Rows, Cols       uint16
	XPixels, YPixels uint16
}

// StartPTY starts the command on a pseudo-terminal of its own (pty(7)): the
// child leads a new session that the terminal controls, and each of Stdin,
// Stdout and Stderr that is nil, and that Attr.Files says nothing about, is the
// terminal. There must be one. It
// returns the master's end, for the caller to close: what is written to it is
// typed, and what the program writes is read from it, until EIO says that
// nobody has the terminal open any more. Closing it sends SIGHUP to the
// session. Deadlines work on it.
//
// A Dev of the program's view with ConsolePTY has the terminal as its console.
//
// A zero size leaves the window size at 0 by 0, as the kernel makes it. The
// terminal belongs to the user that SysProcAttr.Credential names.
//
// SysProcAttr's Setsid, Setctty and Ctty are set for the start, on a copy;
// Setpgid, Foreground and Noctty cannot be combined with them. Linux only.
func (c *Cmd) StartPTY(size WindowSize) (*os.File, error) { return c.startPTY(size) }

// PTYSize returns the window size of the terminal that f is an end of.
func PTYSize(f *os.File) (WindowSize, error) { return ptySize(f) }

// SetPTYSize sets it. The foreground process group of the terminal gets
// SIGWINCH if it is another size than before.
func SetPTYSize(f *os.File, size WindowSize) error { return setPTYSize(f, size) }
