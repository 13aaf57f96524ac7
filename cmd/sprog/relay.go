//go:build linux

package main

import (
	"errors"
	"io"
	"os"
	"syscall"
	"time"

	"github.com/sprog-dev/sprog"
	"github.com/sprog-dev/sprog/internal/inherited"
	"github.com/sprog-dev/sprog/internal/sigwatch"
	"golang.org/x/sys/unix"
)

// A relay stands between sprog's terminal, if its standard input is one, and
// the terminal that the program has for itself. All that is typed reaches the
// program, Ctrl-C and Ctrl-Z included, whose effect is the program's terminal's
// business. The program cannot reach sprog's terminal: neither by a descriptor
// nor by its session (TIOCSTI).
type relay struct {
	master  *os.File
	console *console
	group   int           // the program's process group
	done    chan struct{} // all output is written
	err     error         // then: why some of it is not
}

const stdin = 0

// startRelayed starts the command on a terminal of its own.
func startRelayed(cmd *sprog.Cmd, tty terminal) (*relay, error) {
	for _, stream := range []*os.File{os.Stdin, os.Stdout, os.Stderr} {
		forgetStream(cmd, stream)
	}
	c := findConsole(tty)
	master, err := cmd.StartPTY(c.size())
	if err != nil {
		return nil, err
	}
	r := &relay{master: master, console: c, done: make(chan struct{})}
	r.group = r.foreground()
	c.open()
	c.take(r.resize)
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

// forward hands what is typed to the program. Where input ends that is not typed,
// the program's terminal is told as a person would: by its end-of-file
// character.
func (r *relay) forward() {
	in := io.Reader(os.Stdin)
	if r.console.typed {
		in = r.console
	}
	io.Copy(r.master, in)
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

// show writes what the program writes, until nobody has its terminal open, or
// until nobody opens it any more: see finish.
func (r *relay) show() {
	defer close(r.done)
	buf := make([]byte, 32<<10)
	for {
		n, err := r.master.Read(buf)
		r.write(buf[:n])
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			r.drain(buf)
			return
		case err != nil: // at the end of a terminal, EIO
			return
		}
	}
}

// drain writes what the terminal still holds, which is no more than the kernel
// keeps for it (pty_common_install sets 8 KiB) however long the writing takes. Those
// who go on writing are not waited for.
func (r *relay) drain(buf []byte) {
	for left := 64 << 10; left > 0; {
		n := 0
		r.onMaster(func(fd int) { n, _ = unix.Read(fd, buf) })
		if n <= 0 {
			return
		}
		r.write(buf[:n])
		left -= n
	}
}

// write writes output. When that has failed, the program goes on unless nobody
// reads what it writes: then its terminal hangs up, as sprog's would.
func (r *relay) write(b []byte) {
	if r.err != nil || len(b) == 0 {
		return
	}
	if _, r.err = os.Stdout.Write(b); errors.Is(r.err, unix.EPIPE) {
		r.master.Close()
	}
}

// resize gives the program's terminal the size of sprog's.
func (r *relay) resize() {
	if size := r.console.size(); size != (sprog.WindowSize{}) {
		sprog.SetPTYSize(r.master, size)
	}
}

// suspend stops sprog's job, and goes on with the program when the shell goes on
// with the job, or at once if nobody could.
func (r *relay) suspend() {
	if unix.Getpid() != 1 { // which the kernel does not let stop itself (pid_namespaces(7))
		r.console.giveBack()
		stopJob()
		r.console.take(r.resize)
	}
	unix.Kill(-r.group, unix.SIGCONT)
}

// continued is for a continue, which may have followed any stop.
func (r *relay) continued() { r.console.take(r.resize) }

// finish is for the end of the program, with the outcome err. It shows the rest of the
// output and puts sprog's terminal back. A process that outlives the program can
// hold its terminal open: that is waited for no longer than patience. Whoever reads
// sprog's output may take his time, until a signal says that it is enough.
func (r *relay) finish(signals <-chan sigwatch.Signal, err error) error {
	const patience = time.Second
	r.master.SetReadDeadline(time.Now().Add(patience))
	defer r.console.giveBack()
	slow := time.After(patience)
	var told syscall.Signal
	var enough <-chan time.Time
	for len(signals) > 0 {
		<-signals // they were for the program
	}
	for {
		select {
		case <-r.done:
			return r.outcome(err)
		case sig := <-signals:
			if enough == nil && endsByDefault(sig.Signal) {
				told, enough = sig.Signal, time.After(patience)
			}
		case <-slow: // Ctrl-C is a signal again
			r.console.giveBack()
		case <-enough:
			return exitCode(exitSignal + int(told))
		}
	}
}

// endsByDefault reports whether a signal that sprog catches would have ended it.
func endsByDefault(sig syscall.Signal) bool {
	ignored, _ := inherited.Signals()
	return sig != unix.SIGWINCH && sig != unix.SIGCONT && sig != unix.SIGPIPE && ignored>>(sig-1)&1 == 0
}

// outcome is that of the program, which has ended with err, and of its output. Of a
// reader who wants no more the program would have died itself.
func (r *relay) outcome(err error) error {
	switch {
	case !errors.Is(r.err, unix.EPIPE):
		return unwritten("--tty", r.err, err)
	case err == nil || err == exitCode(exitSignal+int(unix.SIGHUP)):
		return exitCode(exitSignal + int(unix.SIGPIPE))
	}
	return err
}
