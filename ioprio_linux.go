//go:build amd64 || arm64

package sprog

import (
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/program"
)

const ioField = "Attr.IOPriority"

// The numbers of linux/ioprio.h.
const (
	ioprioWhoProcess = 1
	ioprioClassShift = 13
)

// number is the kernel's for a class.
func (c IOClass) number() (n int, known bool) {
	n, known = map[IOClass]int{IORealTime: 1, IOBestEffort: 2, IOIdle: 3}[c]
	return n, known
}

func (r *request) checkIOPriority() *StartError {
	p := r.attr.IOPriority
	if p == nil {
		return nil
	}
	_, known := p.Class.number()
	switch {
	case !known:
		return invalidf(ioField+".Class", strconv.Quote(string(p.Class)), "is no I/O scheduling class")
	case p.Level < 0 || p.Level > 7:
		return invalidf(ioField+".Level", strconv.Itoa(p.Level), "is not from 0 to 7")
	case p.Class == IOIdle && p.Level != 0:
		return invalidf(ioField+".Level", strconv.Itoa(p.Level), "is for a class that has levels, and IOPRIO_CLASS_IDLE has none")
	case r.sys.Cloneflags&unix.CLONE_IO != 0:
		return invalidf(ioField, "", "cannot be combined with CLONE_IO: the priority would be the parent's, too")
	}
	return nil
}

func (b *builder) ioPriority() {
	if p := b.ask.attr.IOPriority; p != nil {
		class, _ := p.Class.number()
		b.add(ioField, program.IoprioSet, num(ioprioWhoProcess), num(0), num(class<<ioprioClassShift|p.Level))
	}
}
