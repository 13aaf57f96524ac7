//go:build amd64 || arm64

package launch

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/compile"
	"github.com/sprog-dev/sprog/internal/plain"
	"github.com/sprog-dev/sprog/internal/spec"
	"github.com/sprog-dev/sprog/internal/terms"
)

// A meeting is what an attempt has of Attr.Meet and Attr.Sockets.
type meeting struct {
	socket int        // what the sockets come through
	files  []*os.File // those that have come
	ended  ended      // how Meet has ended
}

func socketsUse() compile.Use {
	return compile.Use{Fd: compile.Unopened, Name: "sockets", Field: spec.SocketsField, Own: true}
}

// openMeeting makes what the sockets come through. A message comes whole.
func (s *attempt) openMeeting() *spec.Error {
	if len(s.ask.Attr.Sockets) == 0 {
		return nil
	}
	if err := s.checkSockets(); err != nil {
		return err
	}
	ends, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return &spec.Error{Step: "socketpair", Field: spec.SocketsField, Err: err}
	}
	s.meeting.socket = ends[0]
	s.afterwards(func(started bool) {
		unix.Close(ends[0]) // with what the child has sent, if nobody has come to receive it
		if !started {
			closeFiles(s.meeting.files)
		}
	})
	s.given.SocketsFD, _ = s.makeFile(socketsUse(), func() (int, error) { return ends[1], nil })
	return nil
}

func (s *attempt) supposeMeeting() *spec.Error {
	if len(s.ask.Attr.Sockets) == 0 {
		return nil
	}
	s.given.SocketsFD = s.given.Use(socketsUse())
	return s.checkSockets()
}

// checkSockets refuses sockets of this process's own network namespace, and paths that mean another
// thing where the child is. Which namespaces of a process are joined is known only now.
func (s *attempt) checkSockets() *spec.Error {
	const flag = "{CLONE_NEWNET|SysProcAttr.Cloneflags: CLONE_NEWNET}"
	switch {
	case s.ask.Sys.Cloneflags&unix.CLONE_NEWNET != 0 || s.given.Joins.Has(spec.NetworkNamespace):
	case s.ask.Sys.Unshareflags&unix.CLONE_NEWNET != 0:
		return spec.Invalid(spec.SocketsField, "", "need a network namespace that the child is born in ("+flag+
			") or joins: that of {Unshareflags|SysProcAttr.Unshareflags} is made later")
	default:
		return spec.Invalid(spec.SocketsField, "",
			"need a new or joined network namespace ("+flag+"): this process can open its own")
	}
	for i, o := range s.ask.Attr.Sockets {
		if o.Device != "" && s.given.Joins.Has(spec.MountNamespace) {
			return spec.Invalid(spec.Index(spec.SocketsField, i), o.Device,
				"cannot be combined with a joined mount namespace, where the path is somebody else's")
		}
	}
	return nil
}

// meet is the parent's part while the second stage waits.
func (s *attempt) meet(pid int) error {
	if err := s.writeMaps(pid); err != nil {
		return err
	}
	if s.ask.Attr.Meet == nil {
		return nil
	}
	if err := s.receiveSockets(); err != nil {
		err.Path = s.ask.Path
		return err
	}
	s.to.Tracer.Phase("meet", "meet("+spec.Itoa(pid)+")", spec.MeetField)
	if err := s.callMeet(pid); err != nil {
		return &spec.Error{Path: s.ask.Path, Field: spec.MeetField, Err: err}
	}
	return nil
}

// receiveSockets takes the sockets that the child has sent before it said that it waits. The child may
// be traced by the owner of its user namespace, who is not always trusted: what has come is looked at.
func (s *attempt) receiveSockets() *spec.Error {
	want := s.ask.Attr.Sockets
	if len(want) == 0 {
		return nil
	}
	if err := plain.Poller(); err != nil { // which takes sockets; without descriptors the runtime would end the process
		return &spec.Error{Step: "epoll_create1", Field: spec.SocketsField, Err: err}
	}
	call := "recvmsg(" + spec.Itoa(s.meeting.socket) + ", sockets, MSG_CMSG_CLOEXEC|MSG_DONTWAIT)"
	s.to.Tracer.Phase("recvmsg", call, spec.SocketsField)
	fds, err := receiveFiles(s.meeting.socket, len(want))
	for i, fd := range fds {
		name := "socket"
		if i < len(want) && want[i].Device != "" {
			name = want[i].Device
		}
		s.meeting.files = append(s.meeting.files, os.NewFile(uintptr(fd), name))
	}
	switch {
	case err != nil:
		return &spec.Error{Step: "recvmsg", Field: spec.SocketsField, Err: err}
	case len(fds) != len(want):
		return &spec.Error{Step: "recvmsg", Field: spec.SocketsField, Err: errOtherSockets}
	}
	for i, fd := range fds {
		if isAsked(&want[i], fd) {
			continue
		}
		e := &spec.Error{Step: "recvmsg", Object: want[i].Device, Field: spec.Index(spec.SocketsField, i), Err: errOtherSockets}
		if want[i].Device != "" {
			e.Err, e.Hint = unix.EPROTO, "the file is no character device"
		}
		return e
	}
	return nil
}

var errOtherSockets = terms.Message{Text: "the child has sent something else, and is not to be trusted", Err: unix.EPROTO}

// receiveFiles receives a message with descriptors. What it returns is open, also with an error.
func receiveFiles(socket, n int) (fds []int, err error) {
	one, control := make([]byte, 1), make([]byte, unix.CmsgSpace(4*n))
	var size, flags int
	for {
		_, size, flags, _, err = unix.Recvmsg(socket, one, control, unix.MSG_CMSG_CLOEXEC|unix.MSG_DONTWAIT)
		if err != unix.EINTR {
			break
		}
	}
	if err != nil {
		return nil, err
	}
	messages, err := unix.ParseSocketControlMessage(control[:size])
	for i := range messages {
		if list, err := unix.ParseUnixRights(&messages[i]); err == nil {
			fds = append(fds, list...)
		}
	}
	if err == nil && flags&unix.MSG_CTRUNC != 0 && len(fds) < n {
		err = unix.EMFILE // recvmsg does not say it otherwise
	}
	return fds, err
}

// isAsked reports whether a descriptor is of the kind that was asked for.
func isAsked(want *spec.Socket, fd int) bool {
	if want.Device != "" {
		var st unix.Stat_t
		return unix.Fstat(fd, &st) == nil && st.Mode&unix.S_IFMT == unix.S_IFCHR
	}
	domain, _ := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_DOMAIN)
	kind, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TYPE)
	return err == nil && domain == want.Domain && kind == want.Kind()
}

func closeFiles(list []*os.File) {
	for _, f := range list {
		f.Close()
	}
}

// patience is how long a start that is to end waits for Meet, as for a child that no signal ends.
const patience = time.Second

var errAbandoned = errors.New("the start has ended meanwhile")

// callMeet calls Meet in a goroutine of its own, and leaves it behind if it does not return when the
// start is to end. Its panic or exit becomes that of this goroutine later on, when nothing is left of
// the start: see [attempt.unwind].
func (s *attempt) callMeet(pid int) error {
	// Meet gets a list of its own, and may keep and change it.
	m := &spec.Meeting{Pid: pid, Sockets: append([]*os.File(nil), s.meeting.files...)}
	over := make(chan ended, 1)
	go callMeet(s.ask.Attr.Meet, m, over)
	select {
	case s.meeting.ended = <-over:
		return s.meeting.ended.err
	case <-s.to.Flight.stopper().Asked():
	}
	closeFiles(s.meeting.files) // the child is dead
	limit := time.NewTimer(patience)
	defer limit.Stop()
	select {
	case s.meeting.ended = <-over:
	case <-limit.C:
	}
	return errAbandoned
}

// An ended is how Meet has ended.
type ended struct {
	err      error
	panicked bool
	exited   bool // by runtime.Goexit
}

func callMeet(meet func(*spec.Meeting) error, m *spec.Meeting, over chan<- ended) {
	end := ended{exited: true}
	defer func() {
		if value := recover(); value != nil {
			end = ended{err: &meetPanic{value, debug.Stack()}, panicked: true}
		} else if end.exited {
			end.err = errors.New("its goroutine has ended")
		}
		over <- end
	}()
	err := meet(m)
	end = ended{err: err}
}

// A meetPanic is what this goroutine panics with.
type meetPanic struct {
	value any
	stack []byte
}

func (p *meetPanic) Error() string {
	return fmt.Sprintf("%v\n\nwhile it met the child:\n%s", p.value, p.stack)
}

// Unwrap returns what Meet has panicked with, if that is an error.
func (p *meetPanic) Unwrap() error {
	err, _ := p.value.(error)
	return err
}

// unwind goes on with a panic of Meet's, or the end of its goroutine.
func (s *attempt) unwind() {
	switch end := &s.meeting.ended; {
	case end.panicked:
		panic(end.err)
	case end.exited:
		runtime.Goexit()
	}
}
