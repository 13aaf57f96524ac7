//go:build amd64 || arm64

package pathwalk

import (
	"bytes"
	"encoding/binary"
	"io"
	"strings"

	"golang.org/x/sys/unix"
)

// ScriptInterpreter returns the program that the first line names, or "".
func ScriptInterpreter(f io.ReaderAt) string {
	head := make([]byte, 256) // BINPRM_BUF_SIZE
	n, _ := f.ReadAt(head, 0)
	line, ok := bytes.CutPrefix(head[:max(n, 0)], []byte("#!"))
	if !ok {
		return ""
	}
	if end := bytes.IndexByte(line, '\n'); end >= 0 {
		line = line[:end]
	}
	words := strings.FieldsFunc(string(line), func(r rune) bool { return r == ' ' || r == '\t' })
	if len(words) == 0 {
		return ""
	}
	return strings.TrimRight(words[0], "\x00")
}

// ELFInterpreter returns the dynamic loader that an ELF file names, or "". It
// reads what elf(5) says of the header and the program headers of files for
// this machine, which are little-endian; debug/elf knows far more, and takes
// its time to.
func ELFInterpreter(f io.ReaderAt) string {
	head := make([]byte, 1024) // in most files, with all of the program headers
	n, _ := f.ReadAt(head, 0)
	head = head[:max(n, 0)]
	if len(head) < 64 || string(head[:4]) != "\x7fELF" {
		return ""
	}
	l := elf64
	if head[4] == 1 {
		l = elf32
	}
	le := binary.LittleEndian
	at, size, count := l.word(head[l.phoff:]), int(le.Uint16(head[l.phentsize:])), int(le.Uint16(head[l.phentsize+2:]))
	if size < l.filesz+8 {
		return ""
	}
	for i := range count {
		entry := part(f, head, at+uint64(i*size), size)
		const ptInterp = 3
		if len(entry) == size && le.Uint32(entry) == ptInterp {
			name := part(f, head, l.word(entry[l.offset:]), int(min(l.word(entry[l.filesz:]), unix.PathMax)))
			return strings.TrimRight(string(name), "\x00")
		}
	}
	return ""
}

// An elfLayout is where the fields are that lead to the loader's name.
type elfLayout struct {
	phoff, phentsize int // in the header; e_phnum follows e_phentsize
	offset, filesz   int // in a program header
	word             func([]byte) uint64
}

var (
	elf64 = elfLayout{32, 54, 8, 32, binary.LittleEndian.Uint64}
	elf32 = elfLayout{28, 42, 4, 16, func(b []byte) uint64 { return uint64(binary.LittleEndian.Uint32(b)) }}
)

// part returns a part of a file, which may be among the bytes at its head.
func part(f io.ReaderAt, head []byte, at uint64, size int) []byte {
	if end := at + uint64(size); at < end && end <= uint64(len(head)) {
		return head[at:end]
	}
	b := make([]byte, size)
	n, _ := f.ReadAt(b, int64(at))
	return b[:max(n, 0)]
}
