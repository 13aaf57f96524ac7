//go:build amd64 || arm64

package explain

import (
	"bytes"
	"encoding/binary"
	"io"
	"runtime"

	"github.com/sprog-dev/sprog/internal/spec"
	"github.com/sprog-dev/sprog/internal/terms"
)

// format explains ENOEXEC: what a file is that the kernel cannot execute.
func format(path string, file io.ReaderAt, size int64) string {
	head := make([]byte, 256)
	n, _ := file.ReadAt(head, 0)
	head = head[:max(n, 0)]
	name := terms.Printable(path)
	switch {
	case size == 0:
		return name + " is empty"
	case bytes.HasPrefix(head, []byte(elfMagic)):
		return elfFormat(name, head)
	case bytes.HasPrefix(head, []byte("#!")):
		return "the first line of " + name + " names no interpreter behind #!"
	case bytes.HasPrefix(head, []byte("\xef\xbb\xbf#!")):
		return name + " begins with a byte order mark: #! has to be the first two bytes"
	case bytes.HasPrefix(head, []byte("\xff\xfe")) || bytes.HasPrefix(head, []byte("\xfe\xff")):
		return name + " is text in UTF-16, and a script has to be in UTF-8"
	}
	for _, f := range foreign {
		if bytes.HasPrefix(head, []byte(f.magic)) {
			return name + " is " + f.what
		}
	}
	if isText(head) {
		return name + " is text without a first line such as #!/bin/sh, which would say what executes it"
	}
	return name + " is neither an ELF file nor a script that begins with #!"
}

var foreign = []struct{ magic, what string }{
	{"MZ", "a program for Windows"},
	{"\xcf\xfa\xed\xfe", "a program for macOS"},
	{"\xca\xfe\xba\xbe", "a program for macOS, or a Java class"},
	{"\x00asm", "a WebAssembly module, which takes a runtime"},
	{"PK\x03\x04", "a ZIP archive"},
	{"\x1f\x8b", "a file compressed with gzip"},
	{"!<arch>\n", "an archive of object files"},
}

func isText(head []byte) bool {
	for _, c := range head {
		if c < ' ' && c != '\n' && c != '\t' && c != '\r' && c != '\f' && c != 0x1b {
			return false
		}
	}
	return true
}

// What elf(5) calls e_type, and the classes of e_ident.
const (
	elfMagic = "\x7fELF"

	etRel, etExec, etDyn, etCore = 1, 2, 3, 4
	elfClass64, elfBigEndian     = 2, 2
)

// elfFormat is format for an ELF file. See elf(5).
func elfFormat(name string, head []byte) string {
	if len(head) < 20 {
		return name + " is an ELF file that ends within its header"
	}
	var order binary.ByteOrder = binary.LittleEndian
	if head[5] == elfBigEndian {
		order = binary.BigEndian
	}
	kind, machine := order.Uint16(head[16:]), order.Uint16(head[18:])
	own := ownMachine()
	switch {
	case machine == own.machine && head[4] != elfClass64, machine == own.narrow:
		return name + " is a 32-bit program for " + machineName(machine) + ", which this kernel or processor does not execute"
	case machine != own.machine || head[5] == elfBigEndian:
		return name + " is a program for " + machineName(machine) + ", and this machine is " + machineName(own.machine) +
			": get one that is built for it, or have binfmt_misc run it by an emulator such as QEMU"
	case kind == etRel:
		return name + " is an object file, which has to be linked first"
	case kind == etCore:
		return name + " is a core dump"
	case kind != etExec && kind != etDyn:
		return name + " is an ELF file, but no program"
	}
	return name + " is an ELF file for this machine, but damaged or incomplete"
}

// ownProgram reports whether a file of that size has the headers of a program
// for this machine.
func ownProgram(file io.ReaderAt, size int64) bool {
	head := make([]byte, 64)
	if n, _ := file.ReadAt(head, 0); n < len(head) || string(head[:4]) != elfMagic || head[4] != elfClass64 || head[5] == elfBigEndian {
		return false
	}
	le := binary.LittleEndian
	kind, machine, headers := le.Uint16(head[16:]), le.Uint16(head[18:]), int64(le.Uint16(head[54:]))*int64(le.Uint16(head[56:]))
	return machine == ownMachine().machine && (kind == etExec || kind == etDyn) && int64(le.Uint64(head[32:]))+headers <= size
}

// An elfMachine is what a program is for: its e_machine, and that of the 32-bit
// programs that some kernels execute too.
type elfMachine struct{ machine, narrow uint16 }

// ownMachine is the machine that this program is for.
func ownMachine() elfMachine {
	return map[string]elfMachine{"amd64": {62, 3}, "arm64": {183, 40}}[runtime.GOARCH]
}

// machineName names a machine by its e_machine.
func machineName(m uint16) string {
	names := map[uint16]string{
		2: "SPARC", 3: "x86", 8: "MIPS", 20: "PowerPC", 21: "PowerPC 64", 22: "s390", 40: "arm", 43: "SPARC 64", 62: "x86-64",
		183: "arm64", 243: "RISC-V", 258: "LoongArch",
	}
	if name := names[m]; name != "" {
		return name
	}
	return "machine number " + spec.Itoa(int(m))
}
