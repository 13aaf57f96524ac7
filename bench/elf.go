package main

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"fmt"
	"os"
)

// The programs that are started. Each is one static ELF file of a single page
// with no libc, no stack use and no data, so that nothing but the start itself
// is measured.
type payload struct {
	exit  []byte // exits with 0 at once
	write []byte // writes "ok\n" to its standard output, then exits
	pause []byte // sleeps until it is killed
	early []byte // calls getpid a hundred thousand times, then exits
	late  []byte // the same with getcpu, which has a high number on amd64
}

// payloads has the machine code for each architecture that can be measured.
var payloads = map[string]struct {
	machine elf.Machine
	code    payload
}{
	"amd64": {elf.EM_X86_64, payload{
		exit: []byte{
			0x31, 0xff, // xor edi, edi
			0xb8, 231, 0, 0, 0, // mov eax, exit_group
			0x0f, 0x05, // syscall
		},
		write: []byte{
			0xb8, 1, 0, 0, 0, // mov eax, write
			0xbf, 1, 0, 0, 0, // mov edi, 1
			0x48, 0x8d, 0x35, 16, 0, 0, 0, // lea rsi, [rip+16]
			0xba, 3, 0, 0, 0, // mov edx, 3
			0x0f, 0x05, // syscall
			0x31, 0xff, // xor edi, edi
			0xb8, 231, 0, 0, 0, // mov eax, exit_group
			0x0f, 0x05, // syscall
			'o', 'k', '\n',
		},
		pause: []byte{
			0x31, 0xff, // xor edi, edi
			0x31, 0xf6, // xor esi, esi
			0x31, 0xd2, // xor edx, edx
			0x45, 0x31, 0xd2, // xor r10d, r10d
			0xb8, 0x0f, 1, 0, 0, // mov eax, ppoll
			0x0f, 0x05, // syscall
			0xeb, 0xee, // jmp to the first line
		},
		early: callsAMD64(39),
		late:  callsAMD64(309),
	}},
	"arm64": {elf.EM_AARCH64, payload{
		exit: words(
			0xd2800000, // mov x0, #0
			0xd2800bc8, // mov x8, #exit_group
			0xd4000001, // svc #0
		),
		write: append(words(
			0xd2800020, // mov x0, #1
			0x100000e1, // adr x1, +28
			0xd2800062, // mov x2, #3
			0xd2800808, // mov x8, #write
			0xd4000001, // svc #0
			0xd2800000, // mov x0, #0
			0xd2800bc8, // mov x8, #exit_group
			0xd4000001, // svc #0
		), "ok\n"...),
		pause: words(
			0xd2800000, // mov x0, #0
			0xd2800001, // mov x1, #0
			0xd2800002, // mov x2, #0
			0xd2800003, // mov x3, #0
			0xd2800928, // mov x8, #ppoll
			0xd4000001, // svc #0
			0x17fffffa, // b to the first line
		),
		early: callsARM64(172),
		late:  callsARM64(168),
	}},
}

// callsAMD64 makes a call a hundred thousand times, with null arguments.
func callsAMD64(number uint16) []byte {
	return []byte{
		0x41, 0xbc, 0xa0, 0x86, 1, 0, // mov r12d, 100000
		0x31, 0xff, // xor edi, edi
		0x31, 0xf6, // xor esi, esi
		0x31, 0xd2, // xor edx, edx
		0xb8, byte(number), byte(number >> 8), 0, 0, // mov eax, number
		0x0f, 0x05, // syscall
		0x41, 0xff, 0xcc, // dec r12d
		0x75, 0xee, // jnz to the second line
		0x31, 0xff, // xor edi, edi
		0xb8, 231, 0, 0, 0, // mov eax, exit_group
		0x0f, 0x05, // syscall
	}
}

func callsARM64(number uint32) []byte {
	return words(
		0xd290d413,           // mov x19, #0x86a0
		0xf2a00033,           // movk x19, #1, lsl #16
		0xd2800000,           // mov x0, #0
		0xd2800001,           // mov x1, #0
		0xd2800002,           // mov x2, #0
		0xd2800008|number<<5, // mov x8, #number
		0xd4000001,           // svc #0
		0xf1000673,           // subs x19, x19, #1
		0x54ffff41,           // b.ne to the third line
		0xd2800000,           // mov x0, #0
		0xd2800bc8,           // mov x8, #exit_group
		0xd4000001,           // svc #0
	)
}

func words(code ...uint32) []byte {
	var b []byte
	for _, w := range code {
		b = binary.LittleEndian.AppendUint32(b, w)
	}
	return b
}

// elfFile is a static executable of one segment: the headers, then the code,
// which starts at the first byte behind them.
func elfFile(machine elf.Machine, code []byte) []byte {
	const base, headers = 0x400000, 64 + 56
	total := uint64(headers + len(code))
	ident := [elf.EI_NIDENT]byte{0x7f, 'E', 'L', 'F',
		byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB), byte(elf.EV_CURRENT)}
	var b bytes.Buffer
	for _, part := range []any{
		elf.Header64{
			Ident: ident, Type: uint16(elf.ET_EXEC), Machine: uint16(machine),
			Version: uint32(elf.EV_CURRENT), Entry: base + headers,
			Phoff: 64, Ehsize: 64, Phentsize: 56, Phnum: 1,
		},
		elf.Prog64{
			Type: uint32(elf.PT_LOAD), Flags: uint32(elf.PF_R | elf.PF_X),
			Vaddr: base, Paddr: base, Filesz: total, Memsz: total, Align: 0x1000,
		},
		code,
	} {
		binary.Write(&b, binary.LittleEndian, part) // cannot fail: fixed sizes, to memory
	}
	return b.Bytes()
}

// programs holds the paths of the payloads once they are files.
type programs struct{ Exit, Write, Pause, Early, Late string }

// writePrograms makes the executables for goarch in dir.
func writePrograms(dir, goarch string) (programs, error) {
	p, ok := payloads[goarch]
	if !ok {
		return programs{}, fmt.Errorf("no programs to start on %s", goarch)
	}
	paths := programs{Exit: dir + "/exit", Write: dir + "/write", Pause: dir + "/pause", Early: dir + "/early", Late: dir + "/late"}
	for path, code := range map[string][]byte{
		paths.Exit: p.code.exit, paths.Write: p.code.write, paths.Pause: p.code.pause, paths.Early: p.code.early, paths.Late: p.code.late,
	} {
		if err := os.WriteFile(path, elfFile(p.machine, code), 0o755); err != nil {
			return programs{}, err
		}
	}
	return paths, nil
}
