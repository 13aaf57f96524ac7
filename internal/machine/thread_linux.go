//go:build amd64 || arm64

package machine

import (
	"runtime"
	"sync"
)

// permanent hands work to a thread that lives as long as the process. The
// kernel sends a parent-death signal when the thread that cloned the child
// ends (go.dev/issue/27505), and the runtime ends threads. It is started by
// the first launch that needs it.
var permanent struct {
	start sync.Once
	work  chan func()
}

func onPermanentThread(f func()) {
	permanent.start.Do(func() {
		permanent.work = make(chan func())
		go func() {
			runtime.LockOSThread() // and never unlock: the thread is the point
			for f := range permanent.work {
				f()
			}
		}()
	})
	done := make(chan struct{})
	permanent.work <- func() { f(); close(done) }
	<-done
}
