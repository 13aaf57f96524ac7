//go:build amd64 || arm64

package machine

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/program"
	"github.com/sprog-dev/sprog/internal/stage2"
)

// The copy of the code ends where the code does: it holds no end mark, and the
// mark follows it in the text.
func TestCode(t *testing.T) {
	text := code()
	mark := binary.LittleEndian.AppendUint32(nil, codeEnd)
	if len(text) < 50 || len(text) > 1000 {
		t.Errorf("the code has %d bytes; want some hundred", len(text))
	}
	if bytes.Contains(text, append(mark, mark...)) {
		t.Error("the copy contains the end mark")
	}
	if after := text[len(text) : len(text)+8]; !bytes.Equal(after, append(mark, mark...)) {
		t.Errorf("% x follows the code; want the end mark", after)
	}
}

// newSecond makes a second stage whose image can be looked at.
func newSecond(t *testing.T, p *program.Program) *Second {
	t.Helper()
	s := &Second{Program: p, Report: 3}
	if err := s.Open(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	if err := s.Seal(); err != nil {
		t.Fatal(err)
	}
	return s
}

func image(t *testing.T, s *Second) *bytes.Reader {
	t.Helper()
	b, err := os.ReadFile("/proc/self/fd/" + strconv.Itoa(s.Image()))
	if err != nil {
		t.Fatal(err)
	}
	return bytes.NewReader(b)
}

func TestImageIsELF(t *testing.T) {
	p := new(program.Program)
	p.Add("", program.ExitGroup, num(0))
	s := newSecond(t, p)
	raw := image(t, s)
	f, err := elf.NewFile(raw)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	machines := map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64}
	if f.Class != elf.ELFCLASS64 || f.Type != elf.ET_EXEC || f.Machine != machines[runtime.GOARCH] {
		t.Errorf("header %+v", f.FileHeader)
	}
	const readWrite = elf.PF_R | elf.PF_W
	if len(f.Progs) != 3 || f.Progs[0].Flags != readWrite || f.Progs[1].Flags != elf.PF_R|elf.PF_X || f.Progs[2].Flags != readWrite {
		t.Fatalf("segments %+v; want one to read and execute between two to read and write", f.Progs)
	}
	own, text, data := f.Progs[0], f.Progs[1], f.Progs[2]
	if f.Entry < text.Vaddr || f.Entry >= text.Vaddr+text.Memsz {
		t.Errorf("entry %#x is outside of the text, %#x to %#x", f.Entry, text.Vaddr, text.Vaddr+text.Memsz)
	}
	if data.Off+data.Filesz != uint64(raw.Size()) || data.Off != text.Filesz {
		t.Errorf("segments %+v %+v do not make up the file of %d bytes", text, data, raw.Size())
	}
	const largestPage = 64 << 10
	for _, s := range f.Progs {
		if s.Vaddr%largestPage != s.Off%largestPage {
			t.Errorf("segment %+v cannot be mapped with pages of 64 KiB", s)
		}
	}
	if own.Vaddr != stage2.StatePage || own.Filesz > 4096 {
		t.Errorf("segment %+v; want one of at most 4096 bytes at %#x", own, stage2.StatePage)
	}
	if own.Vaddr/largestPage == text.Vaddr/largestPage || text.Vaddr/largestPage == data.Vaddr/largestPage {
		t.Error("the segments share a page")
	}
	content, _ := io.ReadAll(text.Open())
	if !bytes.Contains(content, code()) {
		t.Error("the machine's code is not in the text")
	}
}

func TestImageIsSealed(t *testing.T) {
	p := new(program.Program)
	p.Add("", program.ExitGroup, num(0))
	s := newSecond(t, p)
	if n, err := unix.Pwrite(s.Image(), []byte{0}, 0); err != unix.EPERM {
		t.Errorf("pwrite to the image = %d, %v; want EPERM", n, err)
	}
	if err := unix.Ftruncate(s.Image(), 0); err != unix.EPERM {
		t.Errorf("ftruncate of the image = %v; want EPERM", err)
	}
}

// The image runs by itself, as any program does, with data of many pages.
func TestImageRuns(t *testing.T) {
	text := bytes.Repeat([]byte("text "), 20000)
	p := new(program.Program)
	at := p.Bytes(text)
	p.Add("", program.Write, num(1), at, num(len(text)))
	p.Add("", program.ExitGroup, p.Result())
	s := newSecond(t, p)

	f := os.NewFile(uintptr(must(unix.FcntlInt(uintptr(s.Image()), unix.F_DUPFD_CLOEXEC, 0))), "image")
	defer f.Close()
	c := exec.Command("/proc/self/fd/3")
	c.ExtraFiles = []*os.File{f}
	out, err := c.Output()
	if !bytes.Equal(out, text) {
		t.Errorf("the image wrote %d bytes; want %d", len(out), len(text))
	}
	if want := len(text) & 0xff; c.ProcessState.ExitCode() != want {
		t.Errorf("%v; want exit status %d, what the write came to", err, want)
	}
}

func must(n int, err error) int {
	if err != nil {
		panic(err)
	}
	return n
}

// runSecond launches the second stage, which has its report pipe as 3 and its
// state as 4.
func runSecond(t *testing.T, p *program.Program, child int) (Result, *Second) {
	t.Helper()
	return launchSecond(t, &Second{Program: p, Report: 3, Forks: true, Child: child})
}

func launchSecond(t *testing.T, s *Second) (Result, *Second) {
	t.Helper()
	if err := s.Open(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	if err := s.Seal(); err != nil {
		t.Fatal(err)
	}
	first, mask := newProgram()
	restoreMask(first, mask)
	first.Add("", program.Dup3, num(s.Image()), num(100), num(0))
	first.Add("", program.Dup3, num(s.State()), num(101), num(0))
	first.Add("", program.Dup3, num(s.Pipe()), num(3), num(0))
	first.Add("", program.Dup3, num(101), num(4), num(0))
	first.Add("", program.CloseRange, num(5), num(99), num(0))
	first.Add("", program.Execve, first.Str("/proc/self/fd/100"), first.Strs([]string{"stage"}), first.Strs(nil))
	l := launchOf(first, mask)
	l.CopyFiles = true
	res := l.Do()
	if !res.OK {
		t.Fatalf("the first stage: %+v", res)
	}
	return s.Outcome(res), s
}

func TestOutcomes(t *testing.T) {
	// A second stage that fails says where.
	p := new(program.Program)
	p.Add("", program.Getpid)
	stop(p)
	if res, _ := runSecond(t, p, 0); res.OK || res.Place != InSecond || res.Step != 1 || res.Errno != unix.EBADF {
		t.Errorf("result %+v; want step 1 of the second stage to fail", res)
	}
	noChild(t)

	// One that dies says nothing.
	p = new(program.Program)
	p.Add("", program.Getpid)
	p.Fault = &program.Fault{Step: 0, Die: true}
	if res, _ := runSecond(t, p, 0); res.OK || res.Place != SecondItself || res.Signal != unix.SIGSEGV {
		t.Errorf("result %+v; want a second stage that died", res)
	}
	noChild(t)

	// Unless it has mapped its state: then it shows where.
	p = new(program.Program)
	p.Add("", program.Mmap, num(stage2.StatePage), num(4096), num(3), num(0x11), num(4), num(0))
	p.Add("", program.Getpid)
	p.Add("", program.Getppid)
	p.Fault = &program.Fault{Step: 2, Die: true}
	if res, _ := runSecond(t, p, p.Len()); res.OK || res.Place != InSecond || res.Step != 2 || res.Signal != unix.SIGSEGV {
		t.Errorf("result %+v; want a second stage that died at step 2", res)
	}
	noChild(t)

	// And what failed, where it cannot say so.
	p = new(program.Program)
	p.Add("", program.Mmap, num(stage2.StatePage), num(4096), num(3), num(0x11), num(4), num(0))
	p.Add("", program.Close, num(3))
	stop(p)
	if res, _ := runSecond(t, p, p.Len()); res.OK || res.Place != InSecond || res.Step != 2 || res.Errno != unix.EBADF || res.Signal != 0 {
		t.Errorf("result %+v; want step 2 of the second stage to fail", res)
	}
	noChild(t)

	// One that writes a byte has done it, whatever comes then.
	for _, fault := range []*program.Fault{nil, {Step: 1}} {
		p = new(program.Program)
		p.Add("", program.Write, num(3), p.Str("x"), num(1))
		p.Add("", program.ExitGroup, num(0))
		p.Fault = fault
		res, _ := runSecond(t, p, 0)
		if !res.OK {
			t.Errorf("result %+v; want success", res)
			continue
		}
		unix.Close(res.PidFD)
		unix.Wait4(res.Pid, nil, 0, nil)
		noChild(t)
	}
}

// One that goes on may have told more by the time it is asked: that stays to
// be read.
func TestOutcomeOfOneThatGoesOn(t *testing.T) {
	p := new(program.Program)
	p.Add("", program.Write, num(3), p.Str(stage2.Executed+"more"), num(5))
	p.Add("", program.ExitGroup, num(0))
	res, s := launchSecond(t, &Second{Program: p, Report: 3, Forks: true, GoesOn: true})
	if !res.OK {
		t.Fatalf("result %+v; want success", res)
	}
	unix.Close(res.PidFD)
	unix.Wait4(res.Pid, nil, 0, nil)
	reports := os.NewFile(uintptr(s.TakeReports()), "reports")
	defer reports.Close()
	if b, err := io.ReadAll(reports); string(b) != "more" || err != nil {
		t.Errorf("the reports are %q, %v; want more", b, err)
	}
	noChild(t)

	p = new(program.Program)
	p.Add("", program.Getpid)
	stop(p)
	if res, _ := launchSecond(t, &Second{Program: p, Report: 3, Forks: true, GoesOn: true}); res.OK || res.Step != 1 || res.Errno != unix.EBADF {
		t.Errorf("result %+v; want step 1 of the second stage to fail", res)
	}
	noChild(t)
}

// The report of all steps leads to the one at which the child died.
func TestLastStep(t *testing.T) {
	next := uint64(insnSize)
	back := uint64(0) - next
	done := func(ret uint64) insn { return insn{next: next, ret: ret} }
	for name, test := range map[string]struct {
		insns []insn
		want  int
		errno syscall.Errno
	}{
		"the first":        {[]insn{{next: next, ret: notRun}, {next: next, ret: notRun}}, 0, 0},
		"the second":       {[]insn{done(0), {next: next, ret: notRun}}, 1, 0},
		"behind a jump":    {[]insn{{op: opTest, next: next, arg: [6]uint64{0, 7, 2 * next}, ret: 7}, {ret: notRun}, {ret: notRun}}, 2, 0},
		"behind a catch":   {[]insn{{next: next, errno0: 5, to0: 2 * next, ret: ^uint64(4)}, {ret: notRun}, {ret: notRun}}, 2, 0},
		"a loop":           {[]insn{done(1), {next: back, ret: 0}, {ret: notRun}}, 1, 0},
		"a failure":        {[]insn{done(1), done(^uint64(0)), {ret: notRun}}, 1, unix.EPERM},
		"nothing was left": {[]insn{done(1), done(1)}, 1, 0},
	} {
		s := new(Second)
		if got, errno := s.lastStep(asBytes(&test.insns[0], len(test.insns))); got != test.want || errno != test.errno {
			t.Errorf("%s: step %d, errno %v; want %d, %v", name, got, errno, test.want, test.errno)
		}
	}
}
