//go:build amd64 || arm64

package machine

import (
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sprog-dev/sprog/internal/plain"
)

// A Stop ends a launch from another goroutine, from its beginning until the program has been
// executed: the child is killed, in whatever stage it is, and the launch waits for
// nothing but its end. A nil Stop never does.
type Stop struct {
	asked    atomic.Bool
	done     chan struct{} // closed by Ask
	mu       sync.Mutex    // no child is killed while it is reaped, or by a number that was its own
	patience plain.Deadline
	over     bool     // it is too late
	born     birth    // of a child that is being born, or nil
	children []Result // those that there are
}

// A birth tells of a child that is being born.
type birth interface {
	born() Result // which has no Pid yet if it is not there
}

// errStopped is the reason why a parent does not do its part.
var errStopped = errors.New("stopped")

// NewStop returns a Stop for one start.
func NewStop() *Stop { return &Stop{done: make(chan struct{})} }

// Asked is closed when the launch is to end. Of nil it is nil.
func (s *Stop) Asked() <-chan struct{} {
	if s == nil {
		return nil
	}
	return s.done
}

// IsAsked reports whether the launch is to end.
func (s *Stop) IsAsked() bool { return s != nil && s.asked.Load() }

// Ask ends the launch, unless it is over. It returns once the child that
// there may be has been killed; one that comes to be later does not live either.
func (s *Stop) Ask() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over || s.IsAsked() {
		return
	}
	s.patience = plain.In(time.Second)
	s.asked.Store(true)
	close(s.done)
	dumpable.wake()
	s.kill()
	// The thread that makes a child may be held up in the kernel until the child has
	// executed, and know nothing of it before.
	for patience := 0; s.born != nil && !s.killBorn(); patience++ {
		s.mu.Unlock()
		pause(patience)
		s.mu.Lock()
	}
}

// Over ends the time in which the launch can be stopped, and reports whether it
// was not.
func (s *Stop) Over() bool {
	if s == nil {
		return true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.over = true
	s.children = nil
	return !s.IsAsked()
}

// begin notes that a child is about to be born, and reports whether it may be.
func (s *Stop) begin(b birth) bool {
	if s == nil {
		return true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.IsAsked() {
		s.born = b
	}
	return s.born != nil
}

// end notes that no child is being born any more.
func (s *Stop) end() {
	if s != nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.born = nil
	}
}

// has notes that there is a child.
func (s *Stop) has(child Result) {
	if s != nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.children = append(s.children, child)
		if s.IsAsked() {
			s.kill()
		}
	}
}

func (s *Stop) kill() {
	for _, child := range s.children {
		child.kill()
	}
}

// killBorn kills a child whose birth has not come to an end, if it is there. The kernel
// notes its number when nothing can keep it from being born any more.
func (s *Stop) killBorn() bool {
	child := s.born.born()
	if child.Pid == 0 {
		return false
	}
	child.kill()
	return true
}

// reaping has a child reaped by f, which takes no time, as it has ended.
func (s *Stop) reaping(child Result, f func()) {
	if s == nil {
		f()
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.children = slices.DeleteFunc(s.children, func(c Result) bool { return c.Pid == child.Pid })
	f()
}

// inVain reports whether the child was killed a while ago. One that lives still
// is in a call that no signal interrupts: of a file system whose server does not answer.
func (s *Stop) inVain() bool {
	if !s.IsAsked() {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.patience.Over()
}
