//go:build amd64 || arm64

package spec

import (
	"math"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// mostSockets is how many descriptors one message may carry, SCM_MAX_FD.
const mostSockets = 253

func (r *Start) checkSockets() *Error {
	list := r.Attr.Sockets
	switch {
	case len(list) == 0:
		return nil
	case r.Attr.Meet == nil:
		return Invalid(SocketsField, "", "need {Attr.Meet}, which gets them")
	case len(list) > mostSockets:
		return Invalid(SocketsField, strconv.Itoa(len(list)), "are more than the kernel hands over at once, 253")
	}
	for i := range list {
		if err := list[i].check(Index(SocketsField, i)); err != nil {
			return err
		}
	}
	return nil
}

func (s *Socket) check(name string) *Error {
	numbers := [...]int{s.Domain, s.Type, s.Protocol}
	given := numbers != [...]int{0, 0, 0}
	switch {
	case s.Device == "" && !given:
		return Invalid(name, "", "names neither a domain nor a device")
	case s.Device == "":
		for _, n := range numbers {
			if n < 0 || n > math.MaxInt32 {
				return Invalid(name, strconv.Itoa(n), "is no argument of socket(2)")
			}
		}
	case given:
		return Invalid(name, s.Device, "is a device and a socket: a device has no domain, type and protocol")
	case strings.IndexByte(s.Device, 0) >= 0:
		return Invalid(name, strconv.Quote(s.Device), "contains a NUL byte")
	case !strings.HasPrefix(s.Device, "/"):
		return Invalid(name, s.Device, "is no absolute path")
	}
	return nil
}

func (r *Start) checkMeet() *Error {
	if r.Attr.Meet != nil && r.InPlace && r.Launcher == nil {
		return Invalid(MeetField, "", "is called by the process that starts another, which an Exec does not")
	}
	return nil
}

// Kind is the type without the flags that may be in it.
func (s *Socket) Kind() int { return s.Type &^ (unix.SOCK_CLOEXEC | unix.SOCK_NONBLOCK) }
