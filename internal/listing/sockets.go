package listing

import (
	"encoding/binary"
	"strconv"

	"github.com/sprog-dev/sprog/internal/program"
)

func socketDomain(l *line, n int) {
	l.enum(n, names{1: "AF_UNIX", 2: "AF_INET", 10: "AF_INET6", 16: "AF_NETLINK", 17: "AF_PACKET", 40: "AF_VSOCK"})
}

func socketType(l *line, n int) {
	const flags = 0o2004000
	kinds := map[uint64]string{1: "SOCK_STREAM", 2: "SOCK_DGRAM", 3: "SOCK_RAW", 5: "SOCK_SEQPACKET"}
	kind, known := kinds[l.value(n)&^flags]
	if !known {
		kind = strconv.FormatUint(l.value(n)&^flags, 10)
	}
	l.WriteString(flagNames(l.value(n)&flags, []flag{{0o2000000, "SOCK_CLOEXEC"}, {0o4000, "SOCK_NONBLOCK"}}) + "|" + kind)
}

// sentFiles is a struct msghdr with descriptors, whose control message is all that there is to tell.
func sentFiles(l *line, n int) {
	l.WriteString("{SCM_RIGHTS, [")
	for i, fd := range SentFiles(l.p, l.s.Args[n]) {
		if i > 0 {
			l.WriteString(", ")
		}
		l.WriteString(strconv.Itoa(fd))
	}
	l.WriteString("]}")
}

// SentFiles are the descriptors in a struct msghdr.
func SentFiles(p *program.Program, message program.Arg) (list []int) {
	const control, first = 32, 16 // offsets in struct msghdr, and in struct cmsghdr with its data
	head := p.BytesAt(message.Plus(control), 8)
	if len(head) < 8 {
		return nil
	}
	at := program.Arg{Kind: program.Address, Value: binary.NativeEndian.Uint64(head)}
	end := binary.NativeEndian.Uint64(p.BytesAt(at, 8))
	for i := uint64(first); i < end; i += 4 {
		list = append(list, int(binary.NativeEndian.Uint32(p.BytesAt(at.Plus(int(i)), 4))))
	}
	return list
}
