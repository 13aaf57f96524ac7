//go:build linux

package main

import (
	"errors"
	"io"
	"os"
	"syscall"
	"time"

	"github.com/sprog-dev/sprog"
	"golang.org/x/sys/unix"
	"golang.org/x/term"
)

// A relay stands between sprog's terminal, if its standard input is one, and
// the terminal that the program has for itself. All that is typed reaches the
// program, Ctrl-C and Ctrl-Z included, whose effect is the program's terminal's
// business. The program cannot reach sprog's terminal: neither by a descriptor
// nor by its session (TIOCSTI).
type relay struct {
	master *os.File
	saved  *term.State   // the mode of sprog's terminal, nil if it is in that mode
	group  int           // the program's process group
	done   chan struct{} // all output is written
}

const stdin = 0

// startRelayed starts the command on a terminal of its own.
func startRelayed(cmd *sprog.Cmd) (*relay, error) {
	size, err := sprog.PTYSize(os.Stdin)
	if err != nil {
		size, _ = sprog.PTYSize(os.Stdout)
	}
	for _, stream := range []*os.File{os.Stdin, os.Stdout, os.Stderr} {
		forgetStream(cmd, stream)
	}
	master, err := cmd.StartPTY(size)
	if err != nil {
		return nil, err
	}
	r := &relay{master: master, done: make(chan struct{})}
	r.group = r.foreground()
	r.raw()
	go r.forward()
	go r.show()
	return r, nil
}

// forgetStream leaves a stream that would be sprog's own to the new terminal.
func forgetStream(cmd *sprog.Cmd, own *os.File) {
	if cmd.Stdin == io.Reader(own) {
		cmd.Stdin = nil
	}
	if cmd.Stdout == io.Writer(own) {
		cmd.Stdout = nil
	}
	if cmd.Stderr == io.Writer(own) {
		cmd.Stderr = nil
	}
}

// foreground is the foreground group of the program's terminal.
func (r *relay) foreground() (group int) {
	r.onMaster(func(fd int) { group, _ = unix.IoctlGetInt(fd, unix.TIOCGPGRP) })
	return group
}

// onMaster calls f with the descriptor of the program's terminal, unless that
// is closed.
func (r *relay) onMaster(f func(fd int)) {
	if conn, err := r.master.SyscallConn(); err == nil {
		conn.Control(func(fd uintptr) { f(int(fd)) })
	}
}

// raw has sprog's terminal pass on every character as it is.
func (r *relay) raw() {
	if r.saved == nil && term.IsTerminal(stdin) {
		r.saved, _ = term.MakeRaw(stdin)
	}
}

// restore puts sprog's terminal back. Nobody has changed it meanwhile but
// sprog: the program has another.
func (r *relay) restore() {
	if r.saved != nil {
		term.Restore(stdin, r.saved)
		r.saved = nil
	}
}

// forward hands what is typed to the program. Where input ends that is not typed,
// the program's terminal is told as a person would: by its end-of-file
// character.
func (r *relay) forward() {
	io.Copy(r.master, os.Stdin)
	r.master.Write([]byte{r.endOfFile()})
}

// endOfFile is the character that ends the input of the program's terminal.
func (r *relay) endOfFile() byte {
	eof := byte(4)
	r.onMaster(func(fd int) {
		if mode, err := unix.IoctlGetTermios(fd, unix.TCGETS); err == nil && mode.Cc[unix.VEOF] != 0 {
			eof = mode.Cc[unix.VEOF]
		}
	})
	return eof
}

// show writes what the program writes, until nobody has its terminal open.
func (r *relay) show() {
	defer close(r.done)
	io.Copy(os.Stdout, readerOf{r.master})
	io.Copy(io.Discard, readerOf{r.master}) // if nobody reads sprog's output any more
}

// A readerOf hides that a file is one, so that io.Copy does not splice: the
// error at the end of a terminal is EIO.
type readerOf struct{ f *os.File }

func (r readerOf) Read(b []byte) (int, error) {
	n, err := r.f.Read(b)
	if errors.Is(err, syscall.EIO) {
		err = io.EOF
	}
	return n, err
}

// resize gives the program's terminal the size of sprog's.
func (r *relay) resize() {
	if size, err := sprog.PTYSize(os.Stdin); err == nil {
		sprog.SetPTYSize(r.master, size)
	}
}

// suspend stops sprog's job as Ctrl-Z would if its terminal were not raw, and
// goes on with the program when the shell goes on with the job. A job that
// nobody could continue is not stopped by the kernel, and the program goes on
// at once.
func (r *relay) suspend() {
	r.restore()
	unix.Kill(0, unix.SIGTSTP)
	time.Sleep(50 * time.Millisecond) // the stop may reach another thread first
	r.raw()
	r.resize()
	unix.Kill(-r.group, unix.SIGCONT)
}

// finish shows the rest of the output and puts sprog's terminal back. A process
// that outlives the program can hold its terminal open: it is not waited for.
func (r *relay) finish() {
	select {
	case <-r.done:
	case <-time.After(time.Second):
	}
	r.restore()
}
