//go:build amd64 || arm64

package sigwatch

import (
	"math"
	"slices"
	"sync"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/machine"
	"github.com/sprog-dev/sprog/internal/program"
)

// A witness is the second process in the group. Without a process it has seen nothing.
type witness struct {
	mu    sync.Mutex // of pid
	pid   int
	asked uint64
	seen  []sighting // of what this process is not known to have received
}

// A sighting is of a signal that the witness was sent.
type sighting struct {
	what key
	at   time.Time
}

// A key is what is the same for all who get a signal.
type key struct {
	sig       syscall.Signal
	code, pid int
}

func (s *Signal) key() key { return key{s.Signal, s.Code, s.PID} }

func (w *witness) note(s *Signal) { w.seen = append(w.seen, sighting{s.key(), time.Now()}) }

// WatchGroup has a second process in this one's group, so that Signals tell whether they were
// sent to the whole group. Where there can be none, they do not. It ends with the calling
// thread.
func (w *Watch) WatchGroup() {
	w.witness.mu.Lock()
	defer w.witness.mu.Unlock()
	p := new(program.Program)
	mask := p.Words(0)
	steps(p, w.set|1<<(last-1))
	w.witness.pid, _ = machine.Aside(p, mask)
}

// last is the signal of the highest number, which the kernel hands out after all
// others that have come before.
const last = numSignals

// tag is what the witness marks its siginfo_t with.
const tag = 0x57495453

// steps are what the witness does: it takes one signal after the other and writes down
// what there is to know of it. It dies with this process.
func steps(p *program.Program, signals uint64) {
	add := func(call program.Call, args ...program.Arg) *program.Step { return p.Add("", call, args...) }
	num := program.Num[int]
	set, info, parent, mark := p.Words(signals), p.Buffer(infoSize), p.Words(0), p.Words(tag)
	add(program.Prctl, num(unix.PR_SET_NAME), p.Str("sprog-witness")).Ignore(program.AnyErrno)
	add(program.Prctl, num(unix.PR_SET_PDEATHSIG), num(int(unix.SIGKILL)))
	add(program.Getppid).Into(parent)
	alive := p.Ahead()
	p.GotoIf("", parent, num(unix.Getpid()), &alive)
	add(program.ExitGroup, num(0))
	alive.Place()
	wait := p.Here()
	add(program.RtSigtimedwait, set, info, num(0), num(8)).Retry(uint32(unix.EINTR))
	p.Copy("", mark, info.Plus(tagAt))
	add(program.Write, num(handlerPipe), info, num(infoSize)).On(program.AnyErrno, &wait).Then(&wait)
}

// wasSeen reports whether a signal that this process has received was sent to the whole
// group. It has to be asked about each one.
func (w *Watch) wasSeen(s *Signal) bool {
	w.witness.mu.Lock()
	defer w.witness.mu.Unlock()
	if w.witness.pid == 0 {
		return false
	}
	AwaitSent() // so it has come to all now
	if w.witness.isDead() || w.ask() != nil {
		w.witness.end()
		return false
	}
	return w.witness.take(s.key())
}

// AwaitSent returns when a signal that some member of a group has got has come to all of them.
// The kernel sends to a group under a lock (tasklist_lock, kill_something_info) that
// setpgid(2) waits for, even if it is about no process.
func AwaitSent() { unix.Setpgid(math.MaxInt32, 1) }

// patience is how long the witness may take to answer. It takes some microseconds where the machine is not busy, unless
// somebody has killed or stopped it.
const patience = 5 * time.Second

// ask takes what the witness has seen until now. Its own question comes last.
func (w *Watch) ask() error {
	w.witness.asked++
	question := Signal{Signal: last, Code: siQueue, PID: unix.Getpid()}
	order.PutUint32(question.info[codeAt:], uint32(0xffffffff))
	order.PutUint32(question.info[pidAt:], uint32(question.PID))
	order.PutUint64(question.info[valueAt:], w.witness.asked)
	if _, _, errno := unix.Syscall(unix.SYS_RT_SIGQUEUEINFO, uintptr(w.witness.pid), uintptr(last), uintptr(unsafe.Pointer(&question.info))); errno != 0 {
		return errno
	}
	w.reader.SetReadDeadline(time.Now().Add(patience))
	for {
		s, witnessed, err := w.read()
		switch {
		case err != nil:
			return err
		case !witnessed:
			w.waiting = append(w.waiting, s)
		case s.key() == question.key() && order.Uint64(s.info[valueAt:]) == w.witness.asked:
			return nil
		default:
			w.witness.note(&s)
		}
	}
}

// take reports whether the witness has seen a signal, and forgets it. What it has seen long
// ago is not that: the kernel has made one of two that were sent to this process and not
// yet delivered.
func (w *witness) take(what key) bool {
	const late = 200 * time.Millisecond
	w.seen = slices.DeleteFunc(w.seen, func(old sighting) bool { return time.Since(old.at) > late })
	i := slices.IndexFunc(w.seen, func(each sighting) bool { return each.what == what })
	if i >= 0 {
		w.seen = slices.Delete(w.seen, i, i+1)
	}
	return i >= 0
}

// End ends the second process. Signals are still caught.
func (w *Watch) End() {
	w.witness.mu.Lock()
	defer w.witness.mu.Unlock()
	w.witness.end()
}

func (w *witness) end() {
	if w.pid != 0 && !w.isDead() {
		unix.Kill(w.pid, unix.SIGKILL)
		unix.Wait4(w.pid, nil, unix.WALL, nil)
	}
	w.pid = 0
}

// isDead reports whether somebody has killed the witness, and reaps it then.
func (w *witness) isDead() bool {
	pid, _ := unix.Wait4(w.pid, nil, unix.WALL|unix.WNOHANG, nil)
	return pid != 0
}
