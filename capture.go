package sprog

import (
	"bytes"
	"fmt"
	"io"
	"sync"
)

// A Capture is a writer that keeps the beginning and the end of what is written
// to it, for Stdout and Stderr of programs that may write any amount. Used for both, it
// gets the two in the order written. It may be read while the program runs.
type Capture struct {
	// Head and Tail are how many bytes are kept of the beginning and of the
	// end. If both are zero, it is 32 KiB each.
	Head, Tail int

	// Tee, if not nil, gets all that is written, too.
	Tee io.Writer

	mu   sync.Mutex
	head []byte
	tail []byte // what follows head; the oldest bytes go when it has twice the limit
	lost int64  // bytes that were cut off tail
}

// limits are what Head and Tail come to.
func (c *Capture) limits() (head, tail int) {
	if c.Head == 0 && c.Tail == 0 {
		return 32 << 10, 32 << 10
	}
	return max(c.Head, 0), max(c.Tail, 0)
}

// Write returns no error but Tee's.
func (c *Capture) Write(p []byte) (int, error) {
	c.keep(p)
	if c.Tee != nil {
		return c.Tee.Write(p)
	}
	return len(p), nil
}

func (c *Capture) keep(p []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	head, tail := c.limits()
	room := min(head-len(c.head), len(p))
	c.head = append(c.head, p[:room]...)
	p = p[room:]
	if over := len(p) - tail; over > 0 { // nothing older will be left
		c.lost += int64(len(c.tail) + over)
		c.tail, p = c.tail[:0], p[over:]
	}
	if len(c.tail)+len(p) > 2*tail {
		c.trim(tail)
	}
	c.tail = append(c.tail, p...)
}

// ReadFrom writes what r reads. It saves [io.Copy] from allocating a large buffer: most
// programs have little to say.
func (c *Capture) ReadFrom(r io.Reader) (n int64, err error) {
	buf := make([]byte, 4<<10)
	for {
		m, err := r.Read(buf)
		n += int64(m)
		if _, failed := c.Write(buf[:m]); failed != nil {
			return n, failed
		}
		if err == io.EOF {
			return n, nil
		}
		if err != nil {
			return n, err
		}
	}
}

// trim cuts tail down to the limit.
func (c *Capture) trim(limit int) {
	if over := len(c.tail) - limit; over > 0 {
		c.lost += int64(over)
		c.tail = append(c.tail[:0], c.tail[over:]...)
	}
}

// Kept returns copies of what was kept, and how many bytes between the two were
// lost. If none were, tail follows head.
func (c *Capture) Kept() (head, tail []byte, lost int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, limit := c.limits()
	c.trim(limit)
	return bytes.Clone(c.head), bytes.Clone(c.tail), c.lost
}

// Bytes returns what was kept, with a line that tells the number of lost bytes
// in the place of those.
func (c *Capture) Bytes() []byte {
	head, tail, lost := c.Kept()
	if lost == 0 {
		return append(head, tail...)
	}
	// The words are those of os/exec in ExitError.Stderr, which somebody may look for.
	note := fmt.Sprintf("\n... omitting %d bytes ...\n", lost)
	return bytes.Join([][]byte{head, tail}, []byte(note))
}

// String returns what Bytes does.
func (c *Capture) String() string { return string(c.Bytes()) }
