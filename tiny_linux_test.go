//go:build amd64 || arm64

package sprog

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/explain"
)

// A tiny is a program that begins with its first instruction: a static ELF file
// of a few system calls. Whatever runs Go or C code first gives the parent time
// to look.
type tiny []tinyCall

// A tinyCall is a system call with arguments of 32 bits. The zero value is an
// instruction that no processor has.
type tinyCall struct {
	nr   uint32
	args [4]uint32
}

// Parts of such programs.
var (
	crash      = tinyCall{}
	newSession = tinyCall{nr: unix.SYS_SETSID}
	ownGroup   = tinyCall{nr: unix.SYS_SETPGID}
	stopGroup  = tinyCall{nr: unix.SYS_KILL, args: [4]uint32{0, uint32(unix.SIGSTOP)}}
	plainFork  = tinyCall{nr: unix.SYS_CLONE, args: [4]uint32{uint32(unix.SIGCHLD)}}
)

func exitWith(code uint32) tinyCall {
	return tinyCall{nr: unix.SYS_EXIT_GROUP, args: [4]uint32{code}}
}

// tinyFile makes an executable file of the calls and returns its path.
func tinyFile(t testing.TB, calls ...tinyCall) string {
	dir := t.TempDir()
	if err := os.Chmod(filepath.Dir(dir), 0o755); err != nil { // for programs of other users
		t.Fatal(err)
	}
	path := filepath.Join(dir, "tiny")
	if err := os.WriteFile(path, tiny(calls).file(), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

func (p tiny) file() []byte {
	const base, header = 0x400000, 120
	code := p.code()
	size := uint64(header + len(code))
	file := []byte(elfFile(binary.LittleEndian, explain.EtExec, explain.OwnMachine().Machine, elfHeader{kind: 1, address: base, size: size}, string(code)))
	binary.LittleEndian.PutUint64(file[24:], base+header)
	binary.LittleEndian.PutUint64(file[112:], 0x1000)
	return file
}

func (p tiny) code() (b []byte) {
	for _, c := range p {
		if runtime.GOARCH == "arm64" {
			b = c.arm64(b)
		} else {
			b = c.amd64(b)
		}
	}
	return b
}

func (c tinyCall) amd64(b []byte) []byte {
	if c == crash {
		return append(b, 0x0f, 0x0b) // ud2
	}
	le := binary.LittleEndian
	b = le.AppendUint32(append(b, 0xb8), c.nr)            // mov eax
	b = le.AppendUint32(append(b, 0xbf), c.args[0])       // mov edi
	b = le.AppendUint32(append(b, 0xbe), c.args[1])       // mov esi
	b = le.AppendUint32(append(b, 0xba), c.args[2])       // mov edx
	b = le.AppendUint32(append(b, 0x41, 0xba), c.args[3]) // mov r10d
	return append(b, 0x0f, 0x05)                          // syscall
}

func (c tinyCall) arm64(b []byte) []byte {
	le := binary.LittleEndian
	if c == crash {
		return le.AppendUint32(b, 0) // udf
	}
	move := func(reg, value uint32) {
		b = le.AppendUint32(b, 0xd2800000|value&0xffff<<5|reg) // movz
		b = le.AppendUint32(b, 0xf2a00000|value>>16<<5|reg)    // movk, lsl 16
	}
	move(8, c.nr)
	for i, a := range c.args {
		move(uint32(i), a)
	}
	return le.AppendUint32(b, 0xd4000001) // svc
}
