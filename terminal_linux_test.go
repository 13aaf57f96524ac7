//go:build amd64 || arm64

package sprog

import (
	"os"
	"testing"

	"github.com/sprog-dev/sprog/internal/pty"
)

// newTerminal makes a pseudo-terminal. Neither end becomes the controlling
// terminal of this process.
func newTerminal(t *testing.T) (master, slave *os.File) {
	t.Helper()
	master, slave, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		master.Close()
		slave.Close()
	})
	return master, slave
}
