//go:build amd64 || arm64

package compile

import (
	"slices"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/kernel"
	"github.com/sprog-dev/sprog/internal/program"
	"github.com/sprog-dev/sprog/internal/spec"
	"github.com/sprog-dev/sprog/internal/stage2"
)

// A start may be split a second time. The child is born, with all that takes long and does not
// depend on what it will execute: namespaces, the view, credentials. Then it waits for a message from
// its parent. That is the rest of the program, linked for the place that the child has put it at,
// with the files of the program.

// MostFiles is the end of the numbers that the files of such a start may have. What the child itself
// has open is at others.
const MostFiles = 32

const msgFlags = int(unsafe.Offsetof(unix.Msghdr{}.Flags))

// splitRest ends the program of a child that waits for the rest, or goes on.
func (b *builder) splitRest() {
	if b.ask.Waits {
		b.wait()
		return
	}
	b.rest()
}

// wait is the end of what a child does that waits for the rest. It is not dumpable meanwhile: its memory
// would be a way for others of its user into the program that is to come.
func (b *builder) wait() {
	t, p := &b.fds, b.p
	at := t.at(b.given.RestFD)
	b.addStage(program.Prctl, Num(unix.PR_SET_DUMPABLE), Num(0))
	if b.given.MeetsEarly() { // or the end of the thread that has made it would be its own
		b.addStage(program.Prctl, Num(unix.PR_SET_PDEATHSIG), Num(0))
	}
	b.freeNumbers()
	b.addStage(program.Mmap, Num(stage2.RestAt), Num(stage2.MostOfRest), Num(unix.PROT_READ|unix.PROT_WRITE),
		Num(unix.MAP_PRIVATE|unix.MAP_ANONYMOUS|unix.MAP_FIXED), Num(-1), Num(0))
	b.addStage(program.Write, Num(b.made.Report), p.Str(stage2.Waits), Num(1))

	// struct iovec, struct msghdr
	control := p.Buffer(unix.CmsgSpace(4 * MostFiles))
	iov := p.Words(stage2.RestAt, stage2.MostOfRest)
	message := p.Words(0, 0, 0, 1, 0, uint64(unix.CmsgSpace(4*MostFiles)), 0)
	p.Point(message.Plus(16), iov)
	p.Point(message.Plus(32), control)
	size, whole, gone := p.Words(0), p.Ahead(), p.Ahead()
	b.addStage(program.Recvmsg, Num(at), message, Num(0)).Retry(uint32(unix.EINTR)).Into(size)
	// Whoever has lowered its limit on descriptors meanwhile has had files be left out: MSG_CTRUNC.
	p.GotoIf(b.given.StageField, message.Plus(msgFlags), Num(0), &whole)
	b.addStage(program.ExitGroup, Num(125))
	whole.Place()
	p.GotoIf(b.given.StageField, size, Num(0), &gone).Leaves = true
	gone.Place()
	b.addStage(program.ExitGroup, Num(125))

	b.made.Waiting = Waiting{
		held: slices.Clone(t.held), open: slices.Clone(t.open), socket: at,
		ruleset: b.ruleset, children: b.children, stateLast: b.stateLast, report: b.made.Report,
	}
}

// freeNumbers closes what earlier steps have left at the numbers that the files are to have.
func (b *builder) freeNumbers() {
	t := &b.fds
	low := slices.Clone(t.open.between(0, MostFiles))
	if len(low) == 0 {
		return
	}
	if b.given.Lacks.Has(kernel.NoCloseRange) {
		for _, n := range low {
			b.addStage(program.Close, Num(n))
		}
	} else {
		b.addStage(program.CloseRange, Num(0), Num(MostFiles-1), Num(0))
	}
	for _, n := range low {
		t.setOpen(n, false)
	}
}

// CompileRest compiles the rest of a start for a child that waits for it. Of the programs of the plan only
// the second is made.
func CompileRest(g *Input, w *Waiting, m *Memory) Plan {
	b := m.begin(g)
	b.made.Second, b.made.Report = &m.second, w.report
	b.p = &m.second
	b.p.Reset()
	b.guardsCore = false // the second stage never is
	b.ruleset, b.children, b.stateLast = w.ruleset, w.children, w.stateLast
	t := &b.fds
	t.held, t.open = append(t.held[:0], w.held...), append(t.open[:0], w.open...)
	b.addStage(program.Close, Num(w.socket))
	b.receive(w.socket)
	if b.given.Relimits {
		b.rlimits()
	}
	b.rest()
	b.made.last = b.p
	return b.made
}

// receive finds the files that have come with the rest, at the lowest numbers, and puts them where they are
// to be. These are never lower, so that from the last on none is overwritten.
func (b *builder) receive(socket int) {
	t, files := &b.fds, b.given.Files
	t.holes, t.source = t.holes[:0], t.source[:0]
	for i := range files {
		at := NotOpen
		if files[i].Held() {
			at = t.lowestFree()
			t.setOpen(at, true)
		}
		t.holes, t.source = append(t.holes, NotOpen), append(t.source, at)
	}
	for i := len(files) - 1; i >= 0; i-- {
		if from := t.source[i]; from != NotOpen && from != files[i].N {
			b.add(files[i].Field, program.Dup3, Num(from), Num(files[i].N), Num(0))
			t.setOpen(files[i].N, true)
			t.source[i] = files[i].N
		}
	}
	t.setOpen(socket, false)
}

// MayWait reports whether a file may come with the rest.
func MayWait(f *spec.ChildFile) bool { return f.N < MostFiles && f.Source != spec.Inherited }
