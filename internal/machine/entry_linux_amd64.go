package machine

import "encoding/binary"

// Native is the architecture of this process.
const Native = AMD64

// elfMachine is EM_X86_64.
const elfMachine = 62

// entry is the code that the image starts with, in front of the machine's: it
// loads the addresses of the first instruction and of the state, which are
// below 4 GiB.
func entry(first, state uint64) []byte {
	b := []byte{0x41, 0xbc} // mov r12d, imm32
	b = binary.LittleEndian.AppendUint32(b, uint32(first))
	b = append(b, 0x41, 0xbd) // mov r13d, imm32
	return binary.LittleEndian.AppendUint32(b, uint32(state))
}
