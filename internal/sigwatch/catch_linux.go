//go:build amd64 || arm64

package sigwatch

import (
	"encoding/binary"
	"os"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// siginfo_t, as handlers and rt_sigtimedwait(2) get it, and rt_sigqueueinfo(2) takes it.
const (
	codeAt  = 8
	pidAt   = 16
	valueAt = 24
	tagAt   = infoSize - 8 // nothing, until the witness puts something there

	siQueue = -1 // of sigqueue(3)
	siTkill = -6 // of tgkill(2)
)

const numSignals = 64

// A Watch catches signals. There can be one in a process.
type Watch struct {
	Signals <-chan Signal // in the order in which they have come

	set     uint64
	reader  *os.File
	waiting []Signal // that have been read while something else was looked for
	witness witness
}

// Start begins to catch the signals in a set, in which signal n is bit n-1, whatever they did
// before. They must be none that the runtime needs.
func Start(set uint64) (*Watch, error) {
	var pipe [2]int
	if err := unix.Pipe2(pipe[:], unix.O_CLOEXEC|unix.O_NONBLOCK); err != nil {
		return nil, os.NewSyscallError("pipe2", err)
	}
	signals := make(chan Signal)
	w := &Watch{Signals: signals, set: set, reader: os.NewFile(uintptr(pipe[0]), "signals")}
	handlerPipe = pipe[1]
	// The runtime's own handlers run on a stack that each thread has for that, with all
	// signals blocked; so does this one.
	var act sigaction
	rtSigaction(unix.SIGURG, nil, &act)
	act.handler = handlerAddress()
	for sig := syscall.Signal(1); sig <= numSignals; sig++ {
		if set>>(sig-1)&1 != 0 {
			rtSigaction(sig, &act, nil)
		}
	}
	go w.tell(signals)
	return w, nil
}

// handlerPipe is where the handler writes to, and the witness.
var handlerPipe int

// handlerAddress is that of the handler.
func handlerAddress() uintptr

// A sigaction is the kernel's struct sigaction.
type sigaction struct{ handler, flags, restorer, mask uintptr }

func rtSigaction(sig syscall.Signal, act, old *sigaction) {
	unix.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(sig), uintptr(unsafe.Pointer(act)), uintptr(unsafe.Pointer(old)), unsafe.Sizeof(act.mask), 0, 0)
}

// Ignore has a signal ignored until restore is called. It is for those that the runtime has
// no handler for: package os/signal cannot undo its own Ignore of them.
func Ignore(sig syscall.Signal) (restore func()) {
	var old sigaction
	rtSigaction(sig, &sigaction{handler: sigIgn}, &old)
	return func() { rtSigaction(sig, &old, nil) }
}

const sigIgn = 1

// tell hands over the signals that this process has received.
func (w *Watch) tell(signals chan<- Signal) {
	for {
		s, err := w.next()
		if err != nil {
			return
		}
		s.ToGroup = w.wasSeen(&s)
		signals <- s
	}
}

// next is the next signal that this process has received.
func (w *Watch) next() (s Signal, err error) {
	if len(w.waiting) > 0 {
		s, w.waiting = w.waiting[0], w.waiting[1:]
		return s, nil
	}
	w.reader.SetReadDeadline(time.Time{})
	for {
		s, witnessed, err := w.read()
		if err != nil || !witnessed {
			return s, err
		}
		w.witness.note(&s)
	}
}

// read reads what the handler or the witness has written: pipe(7) has each siginfo_t whole.
func (w *Watch) read() (s Signal, witnessed bool, err error) {
	if _, err = w.reader.Read(s.info[:]); err != nil {
		return s, false, err
	}
	s.Signal = syscall.Signal(order.Uint32(s.info[:]))
	s.Code = int(int32(order.Uint32(s.info[codeAt:])))
	s.PID = int(int32(order.Uint32(s.info[pidAt:])))
	return s, order.Uint64(s.info[tagAt:]) == tag, nil
}

var order = binary.NativeEndian

// SendOn sends the signal to the process of a pidfd. If it has a value, as of sigqueue(3),
// it keeps that.
func (s Signal) SendOn(pidfd int) error {
	info := (*unix.Siginfo)(unsafe.Pointer(&s.info))
	if s.Code < 0 && s.Code != siTkill && unix.PidfdSendSignal(pidfd, s.Signal, info, 0) == nil {
		return nil
	}
	return unix.PidfdSendSignal(pidfd, s.Signal, nil, 0)
}
