//go:build amd64 || arm64

package machine

import (
	"encoding/binary"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/program"
)

// The image: a header, one segment with the code, and one with the program
// and its data, which nobody may execute. The second begins 64 KiB further in
// memory than in the file, so that the two share no page whatever its size.
const (
	imageBase   = 0x400000
	segmentGap  = 0x10000
	headersSize = 64 + 2*56
)

// memfd creates a file to execute from. Kernels before 6.3 know no MFD_EXEC
// and make every memfd executable.
func memfd(name string) (int, error) {
	const flags = unix.MFD_CLOEXEC | unix.MFD_ALLOW_SEALING
	fd, err := unix.MemfdCreate(name, flags|unix.MFD_EXEC)
	if err == unix.EINVAL {
		fd, err = unix.MemfdCreate(name, flags)
	}
	return fd, err
}

// image returns the file of a program: handler is the index of the step that
// runs after a failure, among the program's or the few that tail appends.
func (l *layout) image(p *program.Program, handler, more int, tail func(layout) []insn) []byte {
	image := make([]byte, headersSize, headersSize+4096+len(p.Steps)*StepSize+len(p.Data))
	text := code()
	image = append(image, entry(0, 0)...)
	image = append(image, text...)
	for len(image)%16 != 0 {
		image = append(image, 0)
	}
	textEnd := uint64(len(image))

	n := len(p.Steps) + more
	l.state = imageBase + segmentGap + textEnd
	l.insns = l.state + uint64(unsafe.Sizeof(state{}))
	l.data = l.insn(n)
	insns := l.link(p, make([]insn, 0, n))
	defer l.unlink(p)
	insns = append(insns, tail(*l)...)
	st := state{handler: l.insn(handler)}

	copy(image[headersSize:], entry(l.insn(0), l.state))
	image = append(image, asBytes(&st, 1)...)
	image = append(image, asBytes(&insns[0], len(insns))...)
	image = append(image, p.Data...)
	putHeaders(image, textEnd)
	return image
}

// writeImage fills an empty memfd and seals it.
func writeImage(fd int, image []byte) error {
	for len(image) > 0 {
		n, err := unix.Write(fd, image)
		if err != nil {
			return os.NewSyscallError("write", err)
		}
		image = image[n:]
	}
	const seals = unix.F_SEAL_SEAL | unix.F_SEAL_SHRINK | unix.F_SEAL_GROW | unix.F_SEAL_WRITE
	_, err := unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, seals)
	return os.NewSyscallError("fcntl", err)
}

func asBytes[T any](p *T, n int) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(p)), uintptr(n)*unsafe.Sizeof(*p))
}

// putHeaders writes the ELF header and the two program headers; see elf(5).
func putHeaders(image []byte, textEnd uint64) {
	const (
		etExec    = 2
		ptLoad    = 1
		readExec  = 5
		readWrite = 6
	)
	le := binary.LittleEndian
	h := append(image[:0], "\x7fELF\x02\x01\x01"...)
	h = append(h, make([]byte, 9)...)
	h = le.AppendUint16(h, etExec)
	h = le.AppendUint16(h, elfMachine)
	h = le.AppendUint32(h, 1)
	h = le.AppendUint64(h, imageBase+headersSize) // entry
	h = le.AppendUint64(h, 64)                    // program headers
	h = le.AppendUint64(h, 0)                     // no section headers
	h = le.AppendUint32(h, 0)
	for _, v := range []uint16{64, 56, 2, 0, 0, 0} { // sizes and counts
		h = le.AppendUint16(h, v)
	}
	segment := func(flags uint32, offset, addr, size uint64) {
		h = le.AppendUint32(h, ptLoad)
		h = le.AppendUint32(h, flags)
		for _, v := range []uint64{offset, addr, addr, size, size, segmentGap} {
			h = le.AppendUint64(h, v)
		}
	}
	segment(readExec, 0, imageBase, textEnd)
	segment(readWrite, textEnd, imageBase+segmentGap+textEnd, uint64(len(image))-textEnd)
}
