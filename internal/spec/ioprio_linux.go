//go:build amd64 || arm64

package spec

import (
	"strconv"

	"golang.org/x/sys/unix"
)

// Number is the kernel's for a class.
func (c IOClass) Number() (n int, known bool) {
	n, known = map[IOClass]int{IORealTime: 1, IOBestEffort: 2, IOIdle: 3}[c]
	return n, known
}

func (r *Start) checkIOPriority() *Error {
	p := r.Attr.IOPriority
	if p == nil {
		return nil
	}
	_, known := p.Class.Number()
	switch {
	case !known:
		return Invalid(IOField+".Class", strconv.Quote(string(p.Class)), "is no I/O scheduling class")
	case p.Level < 0 || p.Level > 7:
		return Invalid(IOField+".Level", strconv.Itoa(p.Level), "is not from 0 to 7")
	case p.Class == IOIdle && p.Level != 0:
		return Invalid(IOField+".Level", strconv.Itoa(p.Level), "is for a class that has levels, and IOPRIO_CLASS_IDLE has none")
	case r.Sys.Cloneflags&unix.CLONE_IO != 0:
		return Invalid(IOField, "", "cannot be combined with CLONE_IO: the priority would be the parent's, too")
	}
	return nil
}
