//go:build amd64 || arm64

package compile

import (
	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/program"
)

// closeProc closes the caller's /proc when the last step has used it: it leads out of
// any root.
func (b *builder) closeProc() {
	if b.given.ProcFD != NotOpen {
		b.drop(b.given.ProcFD, b.ask.NeedsProc())
	}
}

// writeProc writes to a file below /proc. What it is about is decided by the
// namespaces that the child is in when it opens the file. It returns where the text is.
func (b *builder) writeProc(field, path, text string) (at program.Arg) {
	p := b.p
	b.add(field, program.Openat, Num(b.fds.at(b.given.ProcFD)), p.Str(path), Num(unix.O_WRONLY), Num(0))
	p.WithOpen(func(fd program.Arg) {
		at = p.Str(text)
		b.add(field, program.Write, fd, at, Num(len(text)))
	})
	return at
}
