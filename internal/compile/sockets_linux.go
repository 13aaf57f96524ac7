//go:build amd64 || arm64

package compile

import (
	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/program"
	"github.com/sprog-dev/sprog/internal/spec"
)

// sockets opens what the parent is to have of the network namespace, and sends it. A message
// holds the files, and whoever is killed before it is received leaves nothing: in a descriptor table that is
// the parent's as well, a number that the child did not come to tell would stay.
func (b *builder) sockets() {
	list := b.ask.Attr.Sockets
	if len(list) == 0 {
		return
	}
	t, numbers := &b.fds, make([]uint32, 0, len(list))
	for i := range list {
		at := t.lowestFree()
		b.openSocket(spec.Index(spec.SocketsField, i), &list[i])
		t.setOpen(at, true)
		numbers = append(numbers, uint32(at))
	}
	b.add(spec.SocketsField, program.Sendmsg, Num(t.at(b.given.SocketsFD)), b.rightsTo(numbers), Num(0))
	for _, n := range numbers {
		b.add(spec.SocketsField, program.Close, Num(n)).Quiet = true
		t.setOpen(int(n), false)
	}
	b.drop(b.given.SocketsFD, spec.SocketsField)
}

func (b *builder) openSocket(name string, s *spec.Socket) {
	if s.Device != "" {
		b.add(name, program.Openat, Num(unix.AT_FDCWD), b.p.Str(s.Device), Num(unix.O_RDWR|unix.O_CLOEXEC|unix.O_NONBLOCK|unix.O_NOCTTY), Num(0))
		return
	}
	b.add(name, program.Socket, Num(s.Domain), Num(s.Type|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK), Num(s.Protocol))
}

// rightsTo is a message with descriptors: struct msghdr, with one byte besides and a struct cmsghdr.
func (b *builder) rightsTo(numbers []uint32) program.Arg {
	p, size := b.p, unix.CmsgLen(4*len(numbers))
	control := p.Words(uint64(size), unix.SOL_SOCKET|unix.SCM_RIGHTS<<32)
	p.Uint32s(numbers...)
	iov := p.Words(0, 1)
	p.Point(iov, p.Buffer(1))
	message := p.Words(0, 0, 0, 1, 0, uint64(size), 0)
	p.Point(message.Plus(16), iov)
	p.Point(message.Plus(32), control)
	return message
}
