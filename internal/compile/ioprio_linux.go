//go:build amd64 || arm64

package compile

import (
	"github.com/sprog-dev/sprog/internal/program"
	"github.com/sprog-dev/sprog/internal/spec"
)

// The numbers of linux/ioprio.h.
const (
	ioprioWhoProcess = 1
	ioprioClassShift = 13
)

func (b *builder) ioPriority() {
	if p := b.ask.Attr.IOPriority; p != nil {
		class, _ := p.Class.Number()
		b.add(spec.IOField, program.IoprioSet, Num(ioprioWhoProcess), Num(0), Num(class<<ioprioClassShift|p.Level))
	}
}
