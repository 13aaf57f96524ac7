package program

import "encoding/binary"

// Str adds a string, terminated by a NUL, and returns its address.
func (p *Program) Str(s string) Arg {
	at := len(p.Data)
	p.Data = append(append(p.Data, s...), 0)
	return Arg{Address, uint64(at)}
}

// Bytes adds a buffer with the given content, aligned to 8 bytes.
func (p *Program) Bytes(b []byte) Arg {
	p.align()
	at := len(p.Data)
	p.Data = append(p.Data, b...)
	return Arg{Address, uint64(at)}
}

// Words adds 64-bit words.
func (p *Program) Words(words ...uint64) Arg {
	p.align()
	at := len(p.Data)
	for _, w := range words {
		p.Data = binary.NativeEndian.AppendUint64(p.Data, w)
	}
	return Arg{Address, uint64(at)}
}

// Variable adds a word that nothing but the program's steps store to, so that it is known
// what tests of it find.
func (p *Program) Variable(value uint64) Arg {
	word := p.Words(value)
	p.Variables = append(p.Variables, word.Value)
	return word
}

// Uint32s adds 32-bit words.
func (p *Program) Uint32s(words ...uint32) Arg {
	p.align()
	at := len(p.Data)
	for _, w := range words {
		p.Data = binary.NativeEndian.AppendUint32(p.Data, w)
	}
	return Arg{Address, uint64(at)}
}

// Buffer adds n zero bytes for the kernel or the machine to write to.
func (p *Program) Buffer(n int) Arg {
	p.align()
	at := len(p.Data)
	p.Data = append(p.Data, make([]byte, n)...)
	return Arg{Address, uint64(at)}
}

// Strs adds strings and an array of pointers to them that ends with a null
// pointer, as execve wants its arguments, and returns the array's address.
func (p *Program) Strs(list []string) Arg {
	p.align()
	at := len(p.Data)
	size := 8 * (len(list) + 1)
	for _, s := range list {
		size += len(s) + 1
	}
	p.grow(size)
	p.Data = p.Data[:at+8*(len(list)+1)]
	clear(p.Data[at:])
	for i, s := range list {
		slot := at + 8*i
		binary.NativeEndian.PutUint64(p.Data[slot:], uint64(len(p.Data)))
		p.Relocs = append(p.Relocs, slot)
		p.Data = append(append(p.Data, s...), 0)
	}
	return Arg{Address, uint64(at)}
}

// Point stores the address of other data in a word of the data.
func (p *Program) Point(word, to Arg) {
	binary.NativeEndian.PutUint64(p.Data[word.Value:], to.Value)
	p.Relocs = append(p.Relocs, int(word.Value))
}

// SetWord changes a word of the data.
func (p *Program) SetWord(word Arg, value uint64) {
	binary.NativeEndian.PutUint64(p.Data[word.Value:], value)
}

// Filter adds a program of classic BPF, instructions of 8 bytes, and a struct
// sock_fprog that points to it, and returns the address of the latter. Machines
// with the low byte first have the 16-bit length in the first word as it is.
func (p *Program) Filter(code []byte) Arg {
	fprog := p.Words(uint64(len(code)/8), 0)
	p.Point(fprog.Plus(8), p.Bytes(code))
	return fprog
}

// Plus is the place n bytes further in the data.
func (a Arg) Plus(n int) Arg { return Arg{a.Kind, a.Value + uint64(n)} }

// grow makes room for n more bytes of data.
func (p *Program) grow(n int) {
	if cap(p.Data)-len(p.Data) >= n {
		return
	}
	data := make([]byte, len(p.Data), 2*cap(p.Data)+n)
	copy(data, p.Data)
	p.Data = data
}

func (p *Program) align() {
	for len(p.Data)%8 != 0 {
		p.Data = append(p.Data, 0)
	}
}

// StrAt returns the string at an address argument.
func (p *Program) StrAt(a Arg) string {
	if a.Kind != Address || a.Value >= uint64(len(p.Data)) {
		return ""
	}
	b := p.Data[a.Value:]
	for i, c := range b {
		if c == 0 {
			return string(b[:i])
		}
	}
	return string(b)
}

// StrsAt returns the strings of an array that Strs added.
func (p *Program) StrsAt(a Arg) []string {
	var list []string
	for at := a.Value; len(p.BytesAt(Arg{a.Kind, at}, 8)) == 8; at += 8 {
		off := binary.NativeEndian.Uint64(p.Data[at:])
		if off == 0 {
			break
		}
		list = append(list, p.StrAt(Arg{Address, off}))
	}
	return list
}

// BytesAt returns n bytes of data, or fewer where the data ends.
func (p *Program) BytesAt(a Arg, n uint64) []byte {
	if a.Kind != Address || a.Value > uint64(len(p.Data)) {
		return nil
	}
	b := p.Data[a.Value:]
	return b[:min(n, uint64(len(b)))]
}
