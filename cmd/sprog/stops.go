//go:build linux

package main

import (
	"os"
	"sync/atomic"
)

// An initReport is what an init tells of its program: that it has stopped, and
// that it has continued.
type initReport struct {
	stopped atomic.Bool
	stops   chan struct{} // the program has stopped
}

// What is told, as waitid(2) has it.
const cldStopped = 5

// followInit reads the reports of an init until its end.
func followInit(reports *os.File) *initReport {
	r := &initReport{stops: make(chan struct{}, 1)}
	go r.follow(reports)
	return r
}

func (r *initReport) follow(reports *os.File) {
	defer reports.Close()
	for buf := make([]byte, 64); ; {
		n, err := reports.Read(buf)
		if err != nil {
			return
		}
		r.stopped.Store(buf[n-1] == cldStopped)
		if !r.stopped.Load() {
			continue
		}
		select {
		case r.stops <- struct{}{}:
		default:
		}
	}
}
