package spec

import "os"

// FD is the descriptor of a file, which it leaves as it is.
func FD(f *os.File) (int, error) {
	conn, err := f.SyscallConn()
	if err != nil {
		return -1, err
	}
	n := -1
	if err := conn.Control(func(fd uintptr) { n = int(fd) }); err != nil {
		return -1, os.ErrClosed
	}
	return n, nil
}
