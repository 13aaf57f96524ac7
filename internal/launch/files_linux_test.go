//go:build amd64 || arm64

package launch

import (
	"testing"

	"golang.org/x/sys/unix"
)

// Given content can be changed by nobody, and is read from its beginning.
func TestSeals(t *testing.T) {
	fd, err := sealedFile([]byte("text"))
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	const want = unix.F_SEAL_SEAL | unix.F_SEAL_SHRINK | unix.F_SEAL_GROW | unix.F_SEAL_WRITE
	if got, err := unix.FcntlInt(uintptr(fd), unix.F_GET_SEALS, 0); got&want != want {
		t.Errorf("seals = %#x, %v; want at least %#x", got, err, want)
	}
	if at, err := unix.Seek(fd, 0, 1); at != 0 || err != nil {
		t.Errorf("position = %d, %v; want 0", at, err)
	}
}
