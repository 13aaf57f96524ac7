//go:build amd64 || arm64

package machine

import (
	"encoding/binary"
	"unsafe"

	"github.com/sprog-dev/sprog/internal/program"
	"github.com/sprog-dev/sprog/internal/stage2"
)

// The image: headers and the state, one segment with the code, and one with the
// program and its data. The headers are mapped twice, once with the code and
// once, before that, with the state to be written to, which a file may take the
// place of. What can be written to cannot be executed.
const (
	headersSize = 64 + 3*56
	stateEnd    = headersSize + int(unsafe.Sizeof(state{}))
)

// image returns the file of a program: handler is the index of the step that
// runs after a failure, among the program's or the few that tail appends.
func (l *layout) image(p *program.Program, handler, more int, tail func(layout) []insn) []byte {
	image := make([]byte, stateEnd, headersSize+4096+len(p.Steps)*l.perStep()*StepSize+len(p.Data))
	text := code()
	image = append(image, entry(0, 0)...)
	image = append(image, text...)
	for len(image)%16 != 0 {
		image = append(image, 0)
	}
	textEnd := uint64(len(image))

	n := len(p.Steps)*l.perStep() + more
	l.state = stage2.StatePage + headersSize
	l.insns = stage2.Base + stage2.SegmentGap + textEnd
	l.data = l.insns + uint64(n)*uint64(insnSize)
	insns := l.link(p, make([]insn, 0, n))
	defer l.unlink(p)
	insns = append(insns, tail(*l)...)
	st := l.begin(p, l.insn(handler))

	copy(image[headersSize:], asBytes(&st, 1))
	copy(image[stateEnd:], entry(l.entry(p, 0), l.state))
	image = append(image, asBytes(&insns[0], len(insns))...)
	image = append(image, p.Data...)
	putHeaders(image, textEnd)
	return image
}

func asBytes[T any](p *T, n int) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(p)), uintptr(n)*unsafe.Sizeof(*p))
}

// putHeaders writes the ELF header and the program headers; see elf(5).
func putHeaders(image []byte, textEnd uint64) {
	const (
		ptLoad    = 1
		readExec  = 5
		readWrite = 6
	)
	le := binary.LittleEndian
	h := elfHeader(image[:0], elfMachine, stage2.Base+uint64(stateEnd), 3)
	segment := func(flags uint32, offset, addr, size uint64) {
		h = le.AppendUint32(h, ptLoad)
		h = le.AppendUint32(h, flags)
		for _, v := range []uint64{offset, addr, addr, size, size, stage2.SegmentGap} {
			h = le.AppendUint64(h, v)
		}
	}
	segment(readWrite, 0, stage2.StatePage, uint64(stateEnd))
	segment(readExec, 0, stage2.Base, textEnd)
	segment(readWrite, textEnd, stage2.Base+stage2.SegmentGap+textEnd, uint64(len(image))-textEnd)
}

// elfHeader appends the ELF header of a static program that begins at an address.
func elfHeader(h []byte, machine uint16, entry uint64, segments uint16) []byte {
	const etExec = 2
	le := binary.LittleEndian
	h = append(h, "\x7fELF\x02\x01\x01"...)
	h = append(h, make([]byte, 9)...)
	h = le.AppendUint16(h, etExec)
	h = le.AppendUint16(h, machine)
	h = le.AppendUint32(h, 1)
	h = le.AppendUint64(h, entry)
	h = le.AppendUint64(h, 64) // program headers
	h = le.AppendUint64(h, 0)  // no section headers
	h = le.AppendUint32(h, 0)
	for _, v := range []uint16{64, 56, segments, 0, 0, 0} { // sizes and counts
		h = le.AppendUint16(h, v)
	}
	return h
}
