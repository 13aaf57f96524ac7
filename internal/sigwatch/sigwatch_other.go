//go:build !linux || !(amd64 || arm64)

package sigwatch

import (
	"errors"
	"syscall"
)

// A Watch is none on this system.
type Watch struct {
	Signals chan Signal
	Group   bool
}

// Start catches nothing.
func Start(uint64) (*Watch, error) { return nil, errors.ErrUnsupported }

// WatchGroup watches nothing.
func (*Watch) WatchGroup() {}

// End ends nothing.
func (*Watch) End() {}

// Ignore ignores nothing.
func Ignore(syscall.Signal) (restore func()) { return func() {} }

// AwaitSent waits for nothing.
func AwaitSent() {}

// SendOn sends nothing.
func (Signal) SendOn(int) error { return errors.ErrUnsupported }
