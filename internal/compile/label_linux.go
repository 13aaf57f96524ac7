//go:build amd64 || arm64

package compile

import (
	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/program"
)

// openLabels opens the files that take the labels. Only the process itself may
// write them, and from the same memory that opened them (fs/proc/base.c), so
// that neither the parent nor a first stage can do it. They are found through
// the caller's /proc: that of a joined mount namespace or of a new root is not
// one to trust (CVE-2019-16884).
func (b *builder) openLabels() {
	t := &b.fds
	b.labels = b.labels[:0]
	for _, a := range b.ask.ExecAttrs() {
		at := t.lowestFree()
		t.setOpen(at, true)
		b.add(a.Field, program.Openat, Num(t.at(b.given.ProcFD)), b.p.Str(a.Path), Num(unix.O_WRONLY|unix.O_CLOEXEC), Num(0))
		b.labels = append(b.labels, openLabel{a, b.p.Result(), at})
	}
}

// writeLabels writes the labels, with the child's credentials: it is they that
// the module asks whether the process may have the label.
func (b *builder) writeLabels() {
	p := b.p
	for _, l := range b.labels {
		b.add(l.Field, program.Write, l.fd, p.Str(l.Text), Num(len(l.Text)))
		b.add(l.Field, program.Close, l.fd).Quiet = true
		b.fds.setOpen(l.at, false)
	}
}
