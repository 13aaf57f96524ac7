//go:build amd64 || arm64

package sprog

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
		b.add(spec.IOField, program.IoprioSet, num(ioprioWhoProcess), num(0), num(class<<ioprioClassShift|p.Level))
	}
}
