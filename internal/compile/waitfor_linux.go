//go:build amd64 || arm64

package compile

import (
	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/program"
)

// waitFor waits for somebody else.
func (b *builder) waitFor() {
	if b.ask.Attr.WaitFor == nil {
		return
	}
	const field = "Attr.WaitFor"
	fd := b.fds.at(b.given.WaitForFD)
	b.add(field, program.Read, Num(fd), b.p.Buffer(1), Num(1)).Retry(uint32(unix.EINTR))
	b.drop(b.given.WaitForFD, field)
}
