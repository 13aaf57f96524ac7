package sprog

import (
	"bytes"
	"errors"
	"fmt"
	"io"
)

// Output runs the command and returns what it writes to its standard output,
// which is valid, as far as it goes, even if there is an error. Stdout must be
// nil.
//
// The error is that of [Cmd.Run]. If it is an [*ExitError] and nothing was said
// about Stderr, its Stderr field holds what the program wrote to its standard
// error; of much output only the beginning and the end.
func (c *Cmd) Output() ([]byte, error) {
	if c.Stdout != nil {
		return nil, errors.New("sprog: Stdout already set")
	}
	var stdout bytes.Buffer
	c.Stdout = &stdout
	var stderr *headTail
	if c.Stderr == nil && !c.Attr.gives(2) {
		stderr = &headTail{limit: 32 << 10}
		c.Stderr = stderr
	}
	err := c.Run()
	if e, ok := err.(*ExitError); ok && stderr != nil {
		e.Stderr = stderr.bytes()
	}
	return stdout.Bytes(), err
}

// CombinedOutput runs the command and returns what it writes to its standard
// output and its standard error, in the order written. Both fields must be
// nil. The error is that of [Cmd.Run].
func (c *Cmd) CombinedOutput() ([]byte, error) {
	if c.Stdout != nil {
		return nil, errors.New("sprog: Stdout already set")
	}
	if c.Stderr != nil {
		return nil, errors.New("sprog: Stderr already set")
	}
	var both bytes.Buffer
	c.Stdout, c.Stderr = &both, &both
	err := c.Run()
	return both.Bytes(), err
}

// headTail is a writer that keeps the first limit bytes and the last limit
// bytes written to it.
type headTail struct {
	limit int
	head  []byte
	tail  []byte // what follows head; the oldest bytes go when it has twice the limit
	lost  int64  // bytes that were cut off tail
}

// Write never returns an error.
func (h *headTail) Write(p []byte) (int, error) {
	n := len(p)
	room := min(h.limit-len(h.head), len(p))
	h.head = append(h.head, p[:room]...)
	p = p[room:]
	if over := len(p) - h.limit; over > 0 { // nothing older will be left
		h.lost += int64(len(h.tail) + over)
		h.tail, p = h.tail[:0], p[over:]
	}
	if len(h.tail)+len(p) > 2*h.limit {
		h.trim()
	}
	h.tail = append(h.tail, p...)
	return n, nil
}

// ReadFrom saves io.Copy from allocating a large buffer: most programs have
// little to say.
func (h *headTail) ReadFrom(r io.Reader) (n int64, err error) {
	buf := make([]byte, 4<<10)
	for {
		m, err := r.Read(buf)
		h.Write(buf[:m])
		n += int64(m)
		if err == io.EOF {
			return n, nil
		}
		if err != nil {
			return n, err
		}
	}
}

// trim cuts tail down to the limit.
func (h *headTail) trim() {
	if over := len(h.tail) - h.limit; over > 0 {
		h.lost += int64(over)
		h.tail = append(h.tail[:0], h.tail[over:]...)
	}
}

// bytes is what was kept, with a note where something is missing.
func (h *headTail) bytes() []byte {
	h.trim()
	if h.lost == 0 {
		return append(h.head, h.tail...)
	}
	note := fmt.Sprintf("\n[... %d bytes left out ...]\n", h.lost)
	return bytes.Join([][]byte{h.head, h.tail}, []byte(note))
}
