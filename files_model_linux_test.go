//go:build amd64 || arm64

package sprog

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math/rand"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

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
