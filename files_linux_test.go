//go:build amd64 || arm64

package sprog

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/atstart"
)

func TestBadTables(t *testing.T) {
	gone := tempFile(t)
	gone.Close()
	var limit unix.Rlimit
	unix.Getrlimit(unix.RLIMIT_NOFILE, &limit)
	files := func(list ...File) func(*Cmd) { return by(&Attr{Files: list}) }
	const one = "needs one of File, Path, Data, Dup and Closed, and only one"
	wantRefused(t, []badStart{
		{"nothing", files(File{FD: 5}), syscall.EINVAL, "5 (Attr.Files[0]): " + one},
		{"two sources", files(File{FD: 5, Closed: true, Dup: new(1)}), syscall.EINVAL, "5 (Attr.Files[0]): " + one},
		{"negative", files(File{FD: -1, Closed: true}), syscall.EINVAL, "-1 (Attr.Files[0]): is no descriptor number"},
		{"huge", files(File{FD: 1 << 31, Closed: true}), syscall.EINVAL, "2147483648 (Attr.Files[0]): is no descriptor number"},
		{"beyond the limit", files(File{FD: int(limit.Cur), Data: []byte{}}), syscall.EMFILE,
			fmt.Sprintf("%d (Attr.Files[0]): too many open files (the number is not below RLIMIT_NOFILE, which is %d)", limit.Cur, limit.Cur)},
		{"flags", files(File{FD: 5, Closed: true, Flags: os.O_RDWR}), syscall.EINVAL, "5 (Attr.Files[0]): has Flags or Mode, which are for Path"},
		{"NUL", files(File{FD: 5, Path: "a\x00"}), syscall.EINVAL, "(Attr.Files[0]): contains a NUL byte"},
		{"closed file", files(File{FD: 5, File: gone}), os.ErrClosed, gone.Name() + " (Attr.Files[0]): file already closed"},
		{"twice", files(File{FD: 5, Closed: true}, File{FD: 4, Closed: true}, File{FD: 5, Closed: true}), syscall.EINVAL,
			"5 (Attr.Files[2]): is the number of Attr.Files[0] too"},
		{"stream", func(c *Cmd) { c.Stdin, c.Attr = os.Stdin, &Attr{Files: []File{{FD: 0, Data: []byte{}}}} }, syscall.EINVAL,
			"0 (Attr.Files[0]): is the number of Stdin too"},
		{"closed stream", func(c *Cmd) { c.Stdin, c.Attr = (*os.File)(nil), &Attr{Files: []File{{FD: 0, Data: []byte{}}}} }, syscall.EINVAL,
			"0 (Attr.Files[0]): is the number of Stdin too"},
		{"piped stream", func(c *Cmd) { c.Stdout, c.Attr = new(bytes.Buffer), &Attr{Inherit: []int{1}} }, syscall.EINVAL,
			"1 (Attr.Inherit[0]): is the number of Stdout too"},
		{"extra file", func(c *Cmd) { c.ExtraFiles, c.Attr = []*os.File{os.Stdin}, &Attr{Files: []File{{FD: 3, Closed: true}}} }, syscall.EINVAL,
			"3 (Attr.Files[0]): is the number of ExtraFiles[0] too"},
		{"duplicate of nothing", files(File{FD: 5, Dup: new(6)}), syscall.EINVAL, "6 (Attr.Files[0]): is not a descriptor of the child"},
		{"duplicate of a closed one", files(File{FD: 5, Dup: new(6)}, File{FD: 6, Closed: true}), syscall.EINVAL,
			"6 (Attr.Files[0]): is not a descriptor of the child"},
		{"duplicates of each other", files(File{FD: 5, Dup: new(6)}, File{FD: 6, Dup: new(5)}), syscall.EINVAL,
			"5 (Attr.Files[0]): is a duplicate of itself"},
		{"no such file", files(File{FD: 5, Path: "/no/such"}), syscall.ENOENT, "openat /no/such (Attr.Files[0]): no such file or directory (/no does not exist)"},
		{"inherited, not open", by(&Attr{Inherit: []int{5000}}), syscall.EBADF, "descriptor 5000 (Attr.Inherit[0]): bad file descriptor"},
		{"inherited, negative", by(&Attr{Inherit: []int{-1}}), syscall.EINVAL, "-1 (Attr.Inherit[0]): is no descriptor number"},
		{"program closed", by(&Attr{Program: gone}), os.ErrClosed, gone.Name() + " (Attr.Program): file already closed"},
		{"program that is none", by(&Attr{Program: openProgram(t, "/etc/passwd")}), syscall.EACCES, "execveat (Attr.Program): permission denied (nobody may execute /etc/passwd, which is -rw-r--r-- of user 0 and group 0: chmod +x gives the right)"},
		{"directory closed", by(&Attr{DirFile: gone}), os.ErrClosed, gone.Name() + " (Attr.DirFile): file already closed"},
		{"directory that is none", by(&Attr{DirFile: os.Stdin}), syscall.ENOTDIR, "fchdir (Attr.DirFile): not a directory (/dev/null is a device)"},
		{"directory and Dir", func(c *Cmd) { c.Dir, c.Attr = "/", &Attr{DirFile: os.Stdin} }, syscall.EINVAL, "(Attr.DirFile): cannot be combined with Dir"},
		{"directory and root", func(c *Cmd) {
			c.SysProcAttr, c.Attr = &syscall.SysProcAttr{Chroot: "/"}, &Attr{DirFile: os.Stdin}
		}, syscall.EINVAL, "(Attr.DirFile): cannot be combined with SysProcAttr.Chroot: the program would be outside of its root"},
		{"directory and mount namespace", func(c *Cmd) {
			c.SysProcAttr, c.Attr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}, &Attr{DirFile: os.Stdin}
		}, syscall.EINVAL, "(Attr.DirFile): cannot be combined with a new mount namespace: the program would be in another one"},
		{"directory and joined mount namespace", by(&Attr{DirFile: os.Stdin, Join: []Namespace{{PID: 1, Kinds: MountNamespace}}}), syscall.EINVAL,
			"(Attr.DirFile): cannot be combined with a joined mount namespace: the program would be in another one"},
	})
}

// The numbers that the package keeps for itself are nobody's to inherit.
func TestSlotsAreNotInherited(t *testing.T) {
	if atstart.FirstSlot == atstart.EndSlot {
		t.Error("no numbers are kept")
	}
	for n := atstart.FirstSlot; n < atstart.EndSlot; n++ {
		err := (&Cmd{Path: "/bin/true", Attr: &Attr{Inherit: []int{n}}}).Run()
		if want := fmt.Sprintf("sprog: start /bin/true: %d (Attr.Inherit[0]): is a number that sprog keeps for itself", n); err == nil || err.Error() != want {
			t.Errorf("descriptor %d: %v; want %s", n, err, want)
		}
	}
}

// Every number up to the limit on open files can be had.
func TestHighestDescriptor(t *testing.T) {
	var limit unix.Rlimit
	unix.Getrlimit(unix.RLIMIT_NOFILE, &limit)
	n := int(limit.Cur) - 1
	for _, attr := range []*Attr{{}, {Init: &Init{}}} {
		attr.Files = []File{{FD: n, Data: []byte("high")}}
		c := Command("/bin/sh", "-c", fmt.Sprintf("cat /proc/self/fd/%d", n))
		c.Attr = attr
		if got := outputOf(t, c); got != "high" {
			t.Errorf("descriptor %d: %q; want high", n, got)
		}
	}
}

// What is given as data can be read again and again, by whoever the program
// is, and changed or executed by nobody.
func TestData(t *testing.T) {
	text := strings.Repeat("0123456789", 100000)
	c := Command("/bin/sh", "-c", `cat <&5 | md5sum; md5sum </proc/self/fd/5; cat <&5 | wc -c; (echo >&5) 2>/dev/null || echo sealed; [ -x /proc/self/fd/5 ] || echo no program`)
	last := "no program\n"
	if linux(6, 3).works() != nil { // MFD_NOEXEC_SEAL
		last = ""
	}
	c.Attr = &Attr{Files: []File{{FD: 5, Data: []byte(text)}}}
	if os.Geteuid() == 0 {
		c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	}
	sum := outputOf(t, &Cmd{Path: "/usr/bin/md5sum", Stdin: strings.NewReader(text)})
	if got, want := outputOf(t, c), sum+sum+"0\nsealed\n"+last; got != want {
		t.Errorf("got %q; want %q", got, want)
	}
}

// A path is opened by the program's user, below its root, in its directory and
// with its umask.
func TestPathsAreThePrograms(t *testing.T) {
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	c := Command("/bin/cat", "/proc/self/fd/7")
	c.Dir = dir
	c.Attr = &Attr{
		Umask: mask(0o027),
		Files: []File{{FD: 9, Path: "made", Flags: os.O_WRONLY | os.O_CREATE, Mode: 0o666}, {FD: 7, Path: "/proc/self/fd/8"}, {FD: 8, Data: []byte("later")}},
	}
	if got := outputOf(t, c); got != "later" {
		t.Errorf("output = %q; want later", got)
	}
	if info, err := os.Stat(filepath.Join(dir, "made")); err != nil || info.Mode() != 0o640 {
		t.Errorf("made: %v, %v; want mode 0640", info, err)
	}
}

func TestPathsInARoot(t *testing.T) {
	requires(t, asRoot)
	root := newRoot(t)
	if err := os.WriteFile(root+"/secret", []byte("of root"), 0o600); err != nil {
		t.Fatal(err)
	}
	c := inRoot(t, root, "", "/none")
	c.Attr = &Attr{Files: []File{{FD: 5, Path: "/etc/passwd"}}}
	if err := c.Run(); err == nil || err.Error() != "sprog: start /none: openat /etc/passwd (Attr.Files[0]): no such file or directory (/etc does not exist in "+root+")" {
		t.Errorf("outside of the root: %v", err)
	}
	c = inRoot(t, root, "", "/none")
	c.SysProcAttr.Credential = &syscall.Credential{Uid: 65534, Gid: 65534}
	c.Attr = &Attr{Files: []File{{FD: 5, Path: "/secret"}}}
	if err := c.Run(); err == nil || err.Error() != "sprog: start /none: openat /secret (Attr.Files[0]): permission denied (user 65534 may not read /secret, which is -rw------- of user 0 and group 0)" {
		t.Errorf("another's file: %v", err)
	}
}

// A terminal that is opened by its path does not become the controlling one by
// that, nor is it kept from it.
func TestPathOfATerminal(t *testing.T) {
	requires(t, terminals)
	_, tty := newTerminal(t)
	path, err := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", tty.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	for ctty, want := range map[bool]string{false: "0", true: "tty"} {
		c := Command("/bin/sh", "-c", `set -- $(cat /proc/self/stat); echo $7`)
		c.Attr = &Attr{Files: []File{{FD: 5, Path: path, Flags: os.O_RDWR}}}
		c.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: ctty, Ctty: 5}
		got := strings.TrimSpace(outputOf(t, c))
		if got != "0" {
			got = "tty"
		}
		if got != want {
			t.Errorf("Setctty %v: terminal %s; want %s", ctty, got, want)
		}
	}
}

// Stderr can share the pipe that stdout gets, and so can any other number.
func TestDupOfAPipe(t *testing.T) {
	var out bytes.Buffer
	c := Command("/bin/sh", "-c", "echo a; echo b >&2; echo c >&7")
	c.Stdout, c.Attr = &out, &Attr{Files: []File{{FD: 7, Dup: new(2)}, {FD: 2, Dup: new(1)}}}
	if err := c.Run(); err != nil || out.String() != "a\nb\nc\n" {
		t.Errorf("output = %q, %v; want a, b, c", out.String(), err)
	}
}

// The program of a descriptor is executed though its path is gone, under any
// name, with nothing of it left open.
func TestProgramByDescriptor(t *testing.T) {
	for _, attr := range []*Attr{{}, {Init: &Init{}}} {
		path := filepath.Join(t.TempDir(), "sh")
		content, err := os.ReadFile("/bin/sh")
		if err != nil {
			t.Fatal(err)
		}
		writeProgram(t, path, content)
		attr.Program = openProgram(t, path)
		os.Remove(path)
		c := &Cmd{Args: []string{"any name", "-c", `echo "$0"; ls /proc/$$/fd`}, Attr: attr}
		if got, want := outputOf(t, c), "any name\n0\n1\n2\n"; got != want {
			t.Errorf("output = %q; want %q", got, want)
		}
	}
}

// A script is executed from a descriptor that stays open.
func TestScriptByDescriptor(t *testing.T) {
	path := filepath.Join(t.TempDir(), "script")
	writeProgram(t, path, []byte("#!/bin/sh\necho \"$0 $1\"\n"))
	script := openProgram(t, path)
	c := &Cmd{Path: "the script", Args: []string{"x", "arg"}, Attr: &Attr{Program: script}}
	err := c.Run()
	const want = "sprog: start the script: execveat (Attr.Program): no such file or directory" +
		" (it is a script, which its interpreter opens as /dev/fd/N after that is closed: give the child the same file by Attr.Files)"
	got := regexp.MustCompile(`fd/\d+`).ReplaceAllString(fmt.Sprint(err), "fd/N")
	if !errors.Is(err, syscall.ENOENT) || got != want {
		t.Errorf("error %v; want %s", err, want)
	}
	for _, attr := range []*Attr{{}, {Init: &Init{}}} {
		attr.Program, attr.Files = script, []File{{FD: 12, File: script}}
		c = &Cmd{Args: []string{"x", "arg"}, Attr: attr}
		if got := outputOf(t, c); got != "/dev/fd/12 arg\n" {
			t.Errorf("output = %q; want /dev/fd/12 arg", got)
		}
	}
}

func TestMissingInterpreterByDescriptor(t *testing.T) {
	dir := brokenPrograms(t)
	err := (&Cmd{Attr: &Attr{Program: openProgram(t, dir+"/dynamic")}}).Run()
	want := "sprog: start " + dir + "/dynamic: execveat (Attr.Program): no such file or directory" +
		" (the dynamic loader /no/such/ld, which the ELF file " + dir + "/dynamic names, does not exist)"
	if err == nil || err.Error() != want {
		t.Errorf("error %v; want %s", err, want)
	}
}

// The directory of a descriptor is entered though its path is gone.
func TestDirByDescriptor(t *testing.T) {
	t.Setenv("PWD", "/etc")
	path := t.TempDir() + "/sub"
	if err := os.Mkdir(path, 0o777); err != nil {
		t.Fatal(err)
	}
	dir := openProgram(t, path)
	os.Rename(path, path+"2")
	for _, attr := range []*Attr{{}, {Init: &Init{}}} {
		attr.DirFile = dir
		c := Command("/bin/sh", "-c", `readlink /proc/$$/cwd; tr '\0' '\n' </proc/$$/environ | grep ^PWD; ls /proc/$$/fd`)
		c.Attr = attr
		if got, want := outputOf(t, c), path+"2\n0\n1\n2\n"; got != want {
			t.Errorf("output = %q; want %q", got, want)
		}
	}
}

// A directory of the caller's is outside of a mount namespace that is joined,
// be it found only among those of a process.
func TestDirByDescriptorElsewhere(t *testing.T) {
	requires(t, asRoot)
	other := &Cmd{Path: "/bin/cat", SysProcAttr: &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}}
	in, err := other.StdinPipe()
	if err == nil {
		err = other.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	defer other.Wait()
	defer in.Close()
	attr := &Attr{DirFile: openProgram(t, "/"), Join: []Namespace{{PID: other.Process.Pid}}}
	err = (&Cmd{Path: "/bin/true", Attr: attr}).Run()
	const want = "sprog: start /bin/true: (Attr.DirFile): cannot be combined with a joined mount namespace: the program would be in another one"
	if err == nil || err.Error() != want {
		t.Errorf("error %v; want %s", err, want)
	}
	attr.DirFile = nil
	if err := (&Cmd{Path: "/bin/true", Attr: attr}).Run(); err != nil {
		t.Errorf("without DirFile: %v", err)
	}
}

// A seenFile is what a process sees of one descriptor.
type seenFile struct {
	Content string // what can be read from its position on
	Flags   int    // of F_GETFL, without O_LARGEFILE
}

// table FD: write what the process sees of all its descriptors but the given
// one to that. Those that are marked close-on-exec it has opened itself: none
// survives an execve.
var _ = helper("table", func(args []string) int {
	out, _ := strconv.Atoi(args[0])
	seen := map[int]seenFile{}
	for name := range links("/proc/self/fd/") {
		n, _ := strconv.Atoi(name)
		if flags, err := unix.FcntlInt(uintptr(n), unix.F_GETFD, 0); n != out && err == nil && flags&unix.FD_CLOEXEC == 0 {
			seen[n] = lookAt(n)
		}
	}
	if json.NewEncoder(os.NewFile(uintptr(out), "out")).Encode(seen) != nil {
		return 1
	}
	return 0
})

func lookAt(n int) seenFile {
	flags, _ := unix.FcntlInt(uintptr(n), unix.F_GETFL, 0)
	const largefile = 0x8000 | 0x20000 // O_LARGEFILE as the kernel has it on either architecture
	seen := seenFile{Flags: flags &^ largefile}
	var st unix.Stat_t
	if unix.Fstat(n, &st) == nil && st.Mode&unix.S_IFMT == unix.S_IFREG {
		at, _ := unix.Seek(n, 0, io.SeekCurrent)
		buf := make([]byte, 100)
		got, _ := unix.Pread(n, buf, at)
		seen.Content = string(buf[:max(got, 0)])
	}
	return seen
}

// A tableModel is a random table of descriptors: what is asked for, and what
// the child ought to see.
type tableModel struct {
	*rand.Rand
	t     *testing.T
	cmd   *Cmd
	own   []*os.File // the parent's, some at low numbers, some at high
	want  map[int]seenFile
	taken map[int]bool
	// shared are the numbers that there is a duplicate of.
	shared map[int]bool
}

// ownFile is a file of the parent's with a content of its own, at number n or
// somewhere.
func ownFile(t *testing.T, n int, content string, flags int) *os.File {
	t.Helper()
	path := tempFile(t).Name()
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(path, flags, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	if n < 0 || n == int(f.Fd()) {
		return f
	}
	if err := unix.Dup3(int(f.Fd()), n, unix.O_CLOEXEC); err != nil {
		t.Fatal(err)
	}
	g := os.NewFile(uintptr(n), path)
	t.Cleanup(func() { g.Close() })
	return g
}

var modelFlags = []int{os.O_RDONLY, os.O_RDWR, os.O_RDWR | os.O_APPEND, os.O_WRONLY | os.O_APPEND}

func seenAs(content string, flags int) seenFile {
	if flags&3 == os.O_WRONLY {
		content = ""
	}
	return seenFile{Content: content, Flags: flags}
}

// Number draws a number that is not taken: mostly a low one, so that the
// numbers of the parent's files are hit too.
func (m *tableModel) number() int {
	for {
		n := m.Intn(60)
		if m.Intn(6) == 0 {
			n = m.Intn(900)
		}
		if !m.taken[n] {
			m.taken[n] = true
			return n
		}
	}
}

func (m *tableModel) add(f File, seen seenFile) {
	m.cmd.Attr.Files = append(m.cmd.Attr.Files, f)
	m.want[f.FD] = seen
}

// draw draws one entry.
func (m *tableModel) draw(i int) {
	kind := m.Intn(10)
	n := -1
	if kind < 8 {
		n = m.number()
	}
	text, flags := fmt.Sprint("text ", i), modelFlags[m.Intn(len(modelFlags))]
	switch {
	case kind < 5:
		f := m.own[m.Intn(len(m.own))]
		m.add(File{FD: n, File: f}, lookAt(int(f.Fd())))
	case kind == 5:
		m.add(File{FD: n, Path: ownFile(m.t, -1, text, 0).Name(), Flags: flags | unix.O_CLOEXEC}, seenAs(text, flags))
	case kind == 6:
		m.add(File{FD: n, Data: []byte(text)}, seenFile{Content: text, Flags: os.O_RDWR})
	case kind == 7:
		if n > 2 { // the runtime of a Go program would open those
			m.cmd.Attr.Files = append(m.cmd.Attr.Files, File{FD: n, Closed: true})
		}
	default:
		f := m.own[m.Intn(len(m.own))]
		if n = int(f.Fd()); !m.taken[n] {
			m.taken[n] = true
			m.cmd.Attr.Inherit = append(m.cmd.Attr.Inherit, n)
			m.want[n] = lookAt(n)
		}
	}
}

// drawDup draws a duplicate of what has been drawn so far.
func (m *tableModel) drawDup() {
	n := m.number()
	if m.shared[n] {
		return // there is a duplicate of the null device that it was
	}
	delete(m.want, n)
	to := slices.Sorted(maps.Keys(m.want))[m.Intn(len(m.want))]
	m.shared[to] = true
	m.add(File{FD: n, Dup: &to}, m.want[to])
}

func newTableModel(t *testing.T, seed int64, own []*os.File) *tableModel {
	m := &tableModel{Rand: rand.New(rand.NewSource(seed)), t: t, own: own, want: map[int]seenFile{}, taken: map[int]bool{}, shared: map[int]bool{}}
	m.cmd = helperCommand("table", "999")
	m.cmd.Attr = &Attr{}
	for n := range 3 { // a stream that nothing is said about is the null device
		m.want[n] = seenFile{Flags: min(n, 1)}
	}
	for i := range m.Intn(32) {
		m.draw(i)
	}
	for range m.Intn(8) {
		m.drawDup()
	}
	m.Shuffle(len(m.cmd.Attr.Files), func(i, j int) {
		list := m.cmd.Attr.Files
		list[i], list[j] = list[j], list[i]
	})
	if m.Intn(4) == 0 {
		m.cmd.Attr.Init = &Init{}
	}
	if m.Intn(4) == 0 {
		program, err := os.Open(testBinary())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { program.Close() })
		m.cmd.Attr.Program = program
	}
	return m
}

// see starts the command and returns the table that the child sees.
func (m *tableModel) see() (map[int]seenFile, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	m.cmd.Attr.Files = append(m.cmd.Attr.Files, File{FD: 999, File: w})
	err = m.cmd.Start()
	w.Close()
	if err != nil {
		return nil, err
	}
	seen := map[int]seenFile{}
	err = json.NewDecoder(bufio.NewReader(r)).Decode(&seen)
	if waitErr := m.cmd.Wait(); err == nil {
		err = waitErr
	}
	return seen, err
}

func describeFiles(a *Attr) string {
	var b strings.Builder
	for _, f := range a.Files {
		fmt.Fprintf(&b, "\n\t%d:", f.FD)
		switch {
		case f.File != nil:
			fmt.Fprintf(&b, " the parent's %d", f.File.Fd())
		case f.Path != "":
			fmt.Fprintf(&b, " %s %#o", f.Path, f.Flags)
		case f.Data != nil:
			fmt.Fprintf(&b, " %q", f.Data)
		case f.Dup != nil:
			fmt.Fprintf(&b, " the child's %d", *f.Dup)
		default:
			b.WriteString(" closed")
		}
	}
	fmt.Fprintf(&b, "\n\tinherit %v, Init %v, Program %v", a.Inherit, a.Init != nil, a.Program != nil)
	return b.String()
}

// modelOwn opens the parent's files of the random tables: at the lowest
// numbers that are free, at numbers beyond the slots, and at high ones.
func modelOwn(t *testing.T) (own []*os.File) {
	for i, n := range []int{40, 41, 45, 55, 200, 850} {
		own = append(own, ownFile(t, n, fmt.Sprint("high ", n), modelFlags[i%len(modelFlags)]))
	}
	for i := range 12 {
		own = append(own, ownFile(t, -1, fmt.Sprint("own ", i), modelFlags[i%len(modelFlags)]))
	}
	return own
}

// Random tables of descriptors are what a model says, seen from inside the
// child.
func TestRandomTables(t *testing.T) { wantNone(t, randomTables(t, 60)) }

func wantNone(t *testing.T, mistakes []string) {
	for _, m := range mistakes {
		t.Error(m)
	}
}

func TestRandomTablesOfAnOldKernel(t *testing.T) {
	if ownProcess(t, nil) {
		doWithout(t, []string{"clone3", "close_range", "execveat"})
		wantNone(t, randomTables(t, 60))
	}
}

// A process that has closed its standard streams has other files there.
func TestRandomTablesWithoutStreams(t *testing.T) {
	if !ownProcess(t, nil) {
		return
	}
	var saved [3]int
	var mistakes []string
	t.Cleanup(func() { // when the files that took their places are closed
		for n, fd := range saved {
			unix.Dup3(fd, n, 0)
			unix.Close(fd)
		}
		wantNone(t, mistakes)
	})
	for n := range saved {
		saved[n], _ = unix.FcntlInt(uintptr(n), unix.F_DUPFD_CLOEXEC, 100)
		unix.Close(n)
	}
	mistakes = randomTables(t, 60)
}

// randomTables starts some tables and lists what is wrong with them.
func randomTables(t *testing.T, tables int) (mistakes []string) {
	own := modelOwn(t)
	leakFiles(t, 5)
	for seed := range int64(tables) {
		m := newTableModel(t, seed, own)
		if wrong := m.mistake(); wrong != "" {
			mistakes = append(mistakes, fmt.Sprintf("table %d: %s%s", seed, wrong, describeFiles(m.cmd.Attr)))
		}
	}
	return mistakes
}

// mistake starts the command and says what is wrong, or nothing.
func (m *tableModel) mistake() string {
	seen, err := m.see()
	if err != nil {
		return err.Error()
	}
	for n := range 1000 {
		got, open := seen[n]
		want, wanted := m.want[n]
		if open != wanted || got != want {
			return fmt.Sprintf("descriptor %d is %+v (open: %v); want %+v (open: %v)", n, got, open, want, wanted)
		}
	}
	return ""
}
