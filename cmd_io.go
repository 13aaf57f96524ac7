package sprog

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/sprog-dev/sprog/internal/spec"
)

// plumbing is the pipes of one command, and the goroutines that copy from and
// to them. All methods do nothing on a nil *plumbing.
type plumbing struct {
	parent []*os.File  // this process's ends of all pipes
	child  []*os.File  // the child's ends of the pipes that a caller has asked for
	raw    []int       // the child's ends of the others; they are not Go files
	copied [3]*os.File // this process's ends of the others, by the child's descriptor

	written atomic.Int64 // output that counts against a limit
	over    atomic.Bool  // there was more of it

	copying bool       // there are copiers whose result has not been received
	done    chan error // receives the first error of all copiers when the last has ended
	mu      sync.Mutex
	running int   // guarded by mu: copiers that have not ended
	err     error // guarded by mu: the first error of a copier
}

// plumb returns the plumbing of c, and makes it first if need be.
func (c *Cmd) plumb() *plumbing {
	if c.pipes == nil {
		c.pipes = new(plumbing)
	}
	return c.pipes
}

// openPipes opens the pipes that r has pipeEnds for, and puts the child's ends
// into their places.
func (c *Cmd) openPipes(r *spec.Start) error {
	var ends [3]int
	for n := range ends {
		f := &r.Files[n]
		if f.Source != spec.PipeEnd || f.Fd != n {
			continue
		}
		p := c.plumb()
		parent, child, err := newPipe(n == 0)
		if err != nil {
			return &StartError{Path: c.Path, Step: "pipe2", Field: f.Field, Err: err}
		}
		p.parent, p.raw = append(p.parent, parent), append(p.raw, child)
		p.copied[n] = parent
		ends[n] = child
	}
	for i := range r.Files { // stderr and others may share the pipe of a stream
		if f := &r.Files[i]; f.Source == spec.PipeEnd {
			f.Source, f.Fd = spec.FromParent, ends[f.Fd]
		}
	}
	return nil
}

// closeChildEnds closes what only the child needs.
func (p *plumbing) closeChildEnds() {
	if p == nil {
		return
	}
	for _, fd := range p.raw {
		closeRaw(fd)
	}
	for _, f := range p.child {
		f.Close()
	}
	p.raw, p.child = nil, nil
}

// closeParentEnds closes this process's ends, which ends the copiers that
// still use them.
func (p *plumbing) closeParentEnds() {
	if p == nil {
		return
	}
	for _, f := range p.parent {
		f.Close()
	}
}

// startCopying starts the goroutines that copy between c's streams and the
// pipes that openPipes made for them.
func (p *plumbing) startCopying(c *Cmd) {
	if p == nil {
		return
	}
	for _, f := range p.copied {
		if f != nil {
			p.running++
		}
	}
	if p.running == 0 {
		return
	}
	p.copying, p.done = true, make(chan error, 1)
	if w := p.copied[0]; w != nil {
		go p.feed(w, c.Stdin)
	}
	if r := p.copied[1]; r != nil {
		go p.drain(p.counted(c, c.Stdout), r)
	}
	if r := p.copied[2]; r != nil {
		go p.drain(p.counted(c, c.Stderr), r)
	}
}

// feed copies stdin to the child.
func (p *plumbing) feed(w *os.File, stdin io.Reader) {
	_, err := io.Copy(w, stdin)
	if unread(err, w) {
		err = nil
	}
	if closeErr := w.Close(); err == nil {
		err = closeErr
	}
	p.finish(err)
}

// drain copies what the child writes into the pipe r.
func (p *plumbing) drain(w io.Writer, r *os.File) {
	_, err := io.Copy(w, r)
	r.Close() // where w took no more, the child has to learn of it
	p.finish(err)
}

// counted is a writer that has a command ended whose output is too much.
func (p *plumbing) counted(c *Cmd, w io.Writer) io.Writer {
	if c.Ending == nil || c.Ending.Output == 0 {
		return w
	}
	return &countedOutput{p, c, w}
}

// A countedOutput passes on output until there is too much of it, and drops the rest: a program that
// waited for a reader would not notice the signal that ends it.
type countedOutput struct {
	p *plumbing
	c *Cmd
	w io.Writer
}

func (o *countedOutput) Write(b []byte) (int, error) {
	limit, n := o.c.Ending.Output, int64(len(b))
	before := o.p.written.Add(n) - n
	pass := max(min(limit-before, n), 0)
	if pass < n && !o.p.over.Swap(true) {
		o.c.limiter.end(CauseOutput)
	}
	if pass > 0 {
		if m, err := o.w.Write(b[:pass]); err != nil {
			return m, err
		}
	}
	return len(b), nil
}

// finish notes that a copier has ended.
func (p *plumbing) finish(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.err == nil {
		p.err = err
	}
	if p.running--; p.running == 0 {
		p.done <- p.err
	}
}

// unread reports whether err says that nobody reads from the pipe w any more:
// the program did not want all of its input, which is its own business.
func unread(err error, w *os.File) bool {
	var e *fs.PathError
	return errors.As(err, &e) && e.Op == "write" && e.Path == w.Name() && errors.Is(e.Err, syscall.EPIPE)
}

// await waits for the copiers to end and returns their first error. If timer
// is not nil, or delay is not zero, they have until then; the pipes are closed
// after that, and the error is [ErrWaitDelay].
func (p *plumbing) await(timer *time.Timer, delay time.Duration) error {
	if timer != nil {
		defer timer.Stop()
	}
	if p == nil || !p.copying {
		return nil
	}
	if timer == nil {
		if delay == 0 || len(p.done) > 0 {
			return p.result()
		}
		timer = time.NewTimer(delay)
		defer timer.Stop()
	}
	select {
	case err := <-p.done:
		p.copying = false
		return err
	case <-timer.C:
		p.closeParentEnds()
		p.result() // an error now would be due to the closing
		return ErrWaitDelay
	}
}

// cutOff closes the pipes of copiers that have not ended yet. It returns
// [ErrWaitDelay] if there were any, the error of the copiers otherwise.
func (p *plumbing) cutOff() error {
	if p == nil || !p.copying {
		return nil
	}
	if len(p.done) > 0 {
		return p.result()
	}
	p.closeParentEnds()
	p.result()
	return ErrWaitDelay
}

// result receives the result of the copiers.
func (p *plumbing) result() error {
	p.copying = false
	return <-p.done
}

// StdinPipe returns a pipe to the command's standard input, for a command that
// is not started yet. Wait closes it once the process has exited; a caller
// closes it to let the program see the end of its input before.
func (c *Cmd) StdinPipe() (io.WriteCloser, error) {
	if err := c.mayPipe("Stdin", c.Stdin); err != nil {
		return nil, err
	}
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	c.Stdin = r
	c.addPipe(r, w)
	return w, nil
}

// StdoutPipe returns a pipe from the command's standard output, for a command
// that is not started yet. Wait closes it once the process has exited, so all
// reading has to be done before Wait is called; for the same reason it does
// not go together with [Cmd.Run]. A caller need not close it.
func (c *Cmd) StdoutPipe() (io.ReadCloser, error) {
	if err := c.mayPipe("Stdout", c.Stdout); err != nil {
		return nil, err
	}
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	c.Stdout = w
	c.addPipe(w, r)
	return r, nil
}

// StderrPipe is [Cmd.StdoutPipe] for the command's standard error.
func (c *Cmd) StderrPipe() (io.ReadCloser, error) {
	if err := c.mayPipe("Stderr", c.Stderr); err != nil {
		return nil, err
	}
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	c.Stderr = w
	c.addPipe(w, r)
	return r, nil
}

// mayPipe reports what keeps the named stream from becoming a pipe.
func (c *Cmd) mayPipe(stream string, value any) error {
	if value != nil {
		return errors.New("sprog: " + stream + " already set")
	}
	if c.Process != nil {
		return errors.New("sprog: " + stream + "Pipe after process started")
	}
	return nil
}

// addPipe notes the ends of a pipe that a caller has asked for.
func (c *Cmd) addPipe(child, parent *os.File) {
	p := c.plumb()
	p.child, p.parent = append(p.child, child), append(p.parent, parent)
}
