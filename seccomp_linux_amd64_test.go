package sprog

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// An asm is machine code of a program that makes one system call and exits with
// its errno.
type asm struct {
	wide  bool // it is a 64-bit program
	int80 bool // it makes the call as 32-bit programs do
	nr    uint32
	args  [3]uint64 // rbx, rcx, rdx with int 0x80; rdi, rsi, rdx with syscall
}

// code assembles it.
func (a asm) code() (b []byte) {
	set := func(register byte, v uint64) {
		if a.wide {
			b = binary.LittleEndian.AppendUint64(append(b, 0x48, 0xb8+register), v)
			return
		}
		b = binary.LittleEndian.AppendUint32(append(b, 0xb8+register), uint32(v))
	}
	const rax, rcx, rdx, rbx, rsi, rdi = 0, 1, 2, 3, 6, 7
	set(rax, uint64(a.nr))
	if a.int80 {
		set(rbx, a.args[0])
		set(rcx, a.args[1])
		set(rdx, a.args[2])
		b = append(b, 0xcd, 0x80) // int 0x80
	} else {
		set(rdi, a.args[0])
		set(rsi, a.args[1])
		set(rdx, a.args[2])
		b = append(b, 0x0f, 0x05) // syscall
	}
	b = append(b, 0x89, 0xc3, 0xf7, 0xdb, 0x89, 0xdf) // mov ebx, eax; neg ebx; mov edi, ebx
	if a.wide {
		b = append(b, 0xb8, 60, 0, 0, 0, 0x0f, 0x05) // exit
	} else {
		b = append(b, 0xb8, 1, 0, 0, 0, 0xcd, 0x80)
	}
	return b
}

// program writes a static ELF file.
func (a asm) program(t *testing.T) string {
	t.Helper()
	const base = 0x400000
	le := binary.LittleEndian
	code := a.code()
	class, machine, header, entry := byte(1), uint16(3), 52, 32
	if a.wide {
		class, machine, header, entry = 2, 62, 64, 56
	}
	start := header + entry
	b := append([]byte("\x7fELF"), class, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0)
	word := func(v int) {
		if a.wide {
			b = le.AppendUint64(b, uint64(v))
		} else {
			b = le.AppendUint32(b, uint32(v))
		}
	}
	b = le.AppendUint16(le.AppendUint16(b, 2), machine)
	b = le.AppendUint32(b, 1)
	word(base + start)
	word(header)
	word(0)
	b = le.AppendUint32(b, 0)
	for _, v := range []int{header, entry, 1, 0, 0, 0} {
		b = le.AppendUint16(b, uint16(v))
	}
	const load, readExec = 1, 5
	b = le.AppendUint32(b, load)
	if a.wide {
		b = le.AppendUint32(b, readExec)
	}
	for _, v := range []int{0, base, base, start + len(code), start + len(code)} {
		word(v)
	}
	if !a.wide {
		b = le.AppendUint32(b, readExec)
	}
	word(0x1000)
	file := filepath.Join(t.TempDir(), "program")
	if err := os.WriteFile(file, append(b, code...), 0o755); err != nil {
		t.Fatal(err)
	}
	return file
}

// run runs it under a filter, and returns the errno or the signal.
func (a asm) run(t *testing.T, s *Seccomp) string {
	t.Helper()
	c := &Cmd{Path: a.program(t)}
	if s != nil {
		c.Attr = &Attr{NoNewPrivs: true, Seccomp: s}
	}
	err := c.Run()
	if c.ProcessState == nil {
		t.Fatal(err)
	}
	if status := c.ProcessState.Sys().(syscall.WaitStatus); status.Signaled() {
		return status.Signal().String()
	}
	return fmt.Sprintf("E%d", c.ProcessState.ExitCode())
}

const (
	socketcall386 = 102
	socket386     = 359
	mkdir386      = 39
	x32           = 0x40000000
)

// A rule holds on x86, too, for 32-bit programs and for 64-bit programs that
// call the kernel as these do.
func TestSeccompOn386(t *testing.T) {
	requires(t, &requirement{what: "programs of 32 bits", works: func() error {
		c := &Cmd{Path: asm{int80: true, nr: 20}.program(t)}
		if err := c.Start(); err != nil {
			return err
		}
		c.Wait()
		return nil
	}})
	both := func(a asm) []asm { b := a; b.wide = true; return []asm{a, b} }
	onlyFirst := func(s *Seccomp, archs ...string) *Seccomp { s.Archs = archs; return s }
	one := func(v uint64) *Seccomp {
		s := deny(99, "mkdir")
		s.Rules[0].Args = []SeccompArg{{Index: 1, Op: SeccompEQ, Value: v}}
		return s
	}
	for _, test := range []struct {
		what string
		call asm
		s    *Seccomp
		want string
	}{
		{"no filter", asm{nr: mkdir386}, nil, "E14"},
		{"mkdir", asm{nr: mkdir386}, deny(99, "mkdir"), "E99"},
		{"another call", asm{nr: mkdir386}, deny(99, "rmdir"), "E14"},
		{"a call that only x86 has", asm{nr: 7}, deny(99, "waitpid"), "E99"},
		{"native only", asm{nr: mkdir386}, onlyFirst(deny(99, "rmdir"), "x86_64"), "bad system call"},
		{"socket", asm{nr: socket386}, deny(99, "socket"), "E99"},
		{"socket by socketcall", asm{nr: socketcall386, args: [3]uint64{1}}, deny(99, "socket"), "E99"},
		{"bind by socketcall", asm{nr: socketcall386, args: [3]uint64{2}}, deny(99, "socket"), "E14"},
		{"semop by ipc", asm{nr: 117, args: [3]uint64{1}}, deny(99, "semop"), "E99"},
		{"semop by ipc of another version", asm{nr: 117, args: [3]uint64{1<<16 | 1}}, deny(99, "semop"), "E99"},
		{"an argument", asm{nr: mkdir386, args: [3]uint64{0, 7}}, one(7), "E99"},
		{"another argument", asm{nr: mkdir386, args: [3]uint64{0, 8}}, one(7), "E14"},
		{"a negative argument", asm{nr: mkdir386, args: [3]uint64{0, 0xfffffff9}}, one(^uint64(6)), "E99"},
	} {
		for _, a := range both(test.call) {
			a.int80 = true
			if got := a.run(t, test.s); got != test.want {
				t.Errorf("%s (64-bit program: %v): %s; want %s", test.what, a.wide, got, test.want)
			}
		}
	}
	// What a 64-bit program puts above the 32 bits changes nothing.
	a := asm{wide: true, int80: true, nr: mkdir386, args: [3]uint64{0, 1<<40 | 7}}
	if got := a.run(t, one(7)); got != "E99" {
		t.Errorf("bits above an argument: %s; want E99", got)
	}
	a = asm{wide: true, int80: true, nr: socketcall386, args: [3]uint64{1<<40 | 1}}
	if got := a.run(t, deny(99, "socket")); got != "E99" {
		t.Errorf("bits above socketcall's argument: %s; want E99", got)
	}
}

// x32 is another architecture, whether the kernel has it or not.
func TestSeccompOnX32(t *testing.T) {
	listed := deny(99, "mkdir", "readv")
	listed.Archs = []string{"x86_64", "x32"}
	enosys := deny(99, "mkdir")
	enosys.BadArch = SeccompErrno
	for _, test := range []struct {
		what string
		nr   uint32
		s    *Seccomp
		want string
	}{
		{"its mkdir", x32 | syscall.SYS_MKDIR, deny(99, "mkdir"), "bad system call"},
		{"its rmdir", x32 | syscall.SYS_RMDIR, deny(99, "mkdir"), "bad system call"},
		{"its ptrace without the bit", 521, deny(99, "mkdir"), "bad system call"},
		{"with an errno", x32 | syscall.SYS_RMDIR, enosys, "E38"},
		{"mkdir, listed", x32 | syscall.SYS_MKDIR, listed, "E99"},
		{"readv, listed", x32 | 515, listed, "E99"},
		{"readv of x86_64, listed", x32 | syscall.SYS_READV, listed, "E99"},
		{"native mkdir", syscall.SYS_MKDIR, listed, "E99"},
		{"native rmdir", syscall.SYS_RMDIR, listed, "E14"},
	} {
		if got := (asm{wide: true, nr: test.nr}).run(t, test.s); got != test.want {
			t.Errorf("%s: %s; want %s", test.what, got, test.want)
		}
	}
}
