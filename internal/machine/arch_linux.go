//go:build amd64 || arm64

package machine

import "encoding/binary"

//go:generate go run gen.go

// An Arch is an architecture that there are launchers for.
type Arch int

const (
	AMD64 Arch = iota
	ARM64

	archs = 2
)

// instructions are those that a launcher has on an architecture.
type instructions struct {
	elfMachine uint16
	prologue   string // of prologue_linux_*.s
	machine    string // of machine_linux_*.s
	entry      func(first, state, rules uint64) []byte
}

var codes = [archs]instructions{
	AMD64: {62, amd64Prologue, amd64Machine, amd64Entry},  // EM_X86_64
	ARM64: {183, arm64Prologue, arm64Machine, arm64Entry}, // EM_AARCH64
}

// amd64Entry is the code that a launcher starts with. It loads addresses, all below 4 GiB.
func amd64Entry(first, state, rules uint64) (b []byte) {
	for i, v := range []uint64{first, state, rules} { // into r12, r13, r14
		b = append(b, 0x41, 0xbc+byte(i))
		b = binary.LittleEndian.AppendUint32(b, uint32(v))
	}
	return b
}

func arm64Entry(first, state, rules uint64) (b []byte) {
	const movz, movkHigh = 0xd2800000, 0xf2a00000
	for i, v := range []uint64{first, state, rules} {
		register := uint32(19 + i)
		b = binary.LittleEndian.AppendUint32(b, movz|uint32(v&0xffff)<<5|register)
		b = binary.LittleEndian.AppendUint32(b, movkHigh|uint32(v>>16&0xffff)<<5|register)
	}
	return b
}
