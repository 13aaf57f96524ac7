// Package exitwait waits for child processes to exit without keeping a thread
// for each of them.
//
// os.Process.Wait blocks a thread in waitid(2) for as long as the child lives,
// and a Go program dies when it has 10 000 threads. Here a child is watched
// through its pidfd: for a few milliseconds by a thread, since that is the
// fastest way to learn of the end of a short-lived child, and after that by an
// epoll instance which all children share and which Go's network poller
// watches in turn. One of those who wait looks after it for all, so there is no
// goroutine of the package's. Where there is no pidfd, SIGCHLD says when to look. A very
// few children at a time may have a thread that blocks after all, which is
// faster still.
//
// The state of the package is one value per mechanism, made when the first
// child needs it and gone, with its descriptor, when the last one has exited.
package exitwait

import "os"

// Wait returns when the child p has exited, so that p.Wait will not block. It
// does not reap it.
//
// Wait may also return early: on systems other than Linux, if p was waited
// for or released already, and if nothing can be found out about p. So p.Wait
// has to follow in any case; it may then block, or say what is wrong.
func Wait(p *os.Process) { wait(p) }

// TryBlock reports whether the caller may block a thread in p.Wait instead,
// which is the fastest way to learn of the end of a child, because it is one
// of very few that do. If so, it has to call Unblock afterwards.
func TryBlock() bool { return tryBlock() }

// Unblock makes room for another caller of TryBlock.
func Unblock() { unblock() }
