//go:build linux && (amd64 || arm64)

package sprog

import (
	"encoding/binary"
	"errors"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// words are the bytes of a struct of 32-bit words, such as struct ifinfomsg: family, index, flags, change.
func words(list ...uint32) (b []byte) {
	for _, n := range list {
		b = binary.NativeEndian.AppendUint32(b, n)
	}
	return b
}

// request makes a request of rtnetlink(7), and returns what the kernel answers to it.
func request(netlink *os.File, kind uint16, flags uint16, body []byte) error {
	b := binary.NativeEndian.AppendUint32(nil, uint32(16+len(body)))
	b = binary.NativeEndian.AppendUint16(b, kind)
	b = binary.NativeEndian.AppendUint16(b, flags|unix.NLM_F_REQUEST|unix.NLM_F_ACK)
	b = append(append(b, words(1, 0)...), body...) // the number of the request
	if _, err := netlink.Write(b); err != nil {
		return err
	}
	answer := make([]byte, 4096)
	n, err := netlink.Read(answer)
	if err != nil {
		return err
	}
	if n < 20 || binary.NativeEndian.Uint16(answer[4:]) != unix.NLMSG_ERROR {
		return errors.New("netlink: an answer that is none")
	}
	if errno := -int32(binary.NativeEndian.Uint32(answer[16:])); errno != 0 {
		return syscall.Errno(errno)
	}
	return nil
}
