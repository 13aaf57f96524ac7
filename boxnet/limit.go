package boxnet

import (
	"context"
	"time"
)

// slots are a number of things that may be there at a time.
type slots chan struct{}

// take waits for a slot. The first time that it has to wait, full is called.
func (s slots) take(ctx context.Context, full func()) bool {
	select {
	case s <- struct{}{}:
		return true
	default:
		full()
	}
	select {
	case s <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}

// try takes a slot if there is one.
func (s slots) try() bool {
	select {
	case s <- struct{}{}:
		return true
	default:
		return false
	}
}

func (s slots) free() { <-s }

// A pace slows down what comes too often. It belongs to one goroutine.
type pace struct {
	left  float64
	since time.Time
}

// wait is how long to wait before the next one, at a time.
func (p *pace) wait(now time.Time) time.Duration {
	if p.since.IsZero() {
		p.left, p.since = dnsBurst, now
	}
	p.left = min(dnsBurst, p.left+now.Sub(p.since).Seconds()*dnsRate) - 1
	p.since = now
	if p.left >= 0 {
		return 0
	}
	return time.Duration(-p.left / dnsRate * float64(time.Second))
}

// sleep waits, and reports whether there is more to do.
func sleep(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
