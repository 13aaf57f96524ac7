package machine

import "encoding/binary"

// Native is the architecture of this process.
const Native = ARM64

// elfMachine is EM_AARCH64.
const elfMachine = 183

// entry is the code that the image starts with, in front of the machine's: it
// loads the addresses of the first instruction and of the state, which are
// below 4 GiB.
func entry(first, state uint64) []byte {
	var b []byte
	load := func(register uint32, v uint64) {
		const movz, movkHigh = 0xd2800000, 0xf2a00000
		b = binary.LittleEndian.AppendUint32(b, movz|uint32(v&0xffff)<<5|register)
		b = binary.LittleEndian.AppendUint32(b, movkHigh|uint32(v>>16&0xffff)<<5|register)
	}
	load(19, first)
	load(20, state)
	return b
}
