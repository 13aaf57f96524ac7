//go:build amd64 || arm64

package machine

import (
	"encoding/binary"
	"hash/fnv"
	"unsafe"

	"github.com/sprog-dev/sprog/internal/program"
	"github.com/sprog-dev/sprog/internal/stage2"
)

// A Launcher is a program as a file of its own: a static ELF file with the machine, and a
// prologue that makes the arguments and the variables of what the program executes from those
// that the file is executed with. All of it is data here, so that the file can be for another
// architecture.
type Launcher struct {
	Program *program.Program
	Arch    Arch
	Handler int // the step that is run after a failure
	Refusal int // the step that is run instead of the first where the file has rights that its caller lacks

	Args, Vars int         // how many of the program's arguments, and of its variables, are in the file
	Argv, Env  program.Arg // their addresses, in the program's data
	Appends    bool        // the launcher's own arguments follow, without its argument 0
	Names      program.Arg // addresses of names, with 0 behind them
	Keeps      bool        // of its own variables those of these names stay; otherwise all others
	Privileged bool        // it may have such rights
	Numbers    []OwnNumber
	Notes      []Note
}

// An OwnNumber is the last of ten blanks in the program's data, which a number takes the place of
// that the kernel tells in the auxiliary vector (getauxval(3)).
type OwnNumber struct {
	Last program.Arg
	Kind uint64
}

// Kinds of an [OwnNumber].
const (
	OwnUser  = 12 // AT_EUID
	OwnGroup = 14 // AT_EGID
)

// A Note is one of an ELF file: see elf(5).
type Note struct {
	Owner string
	Kind  uint32
	Text  string
}

// NoteOwner is the owner of a launcher's notes, and their kinds.
const (
	NoteOwner = "sprog"
	NoteLine  = 0x101 // the flags
	NotePlan  = 0x102 // the steps
)

// rules are what the prologue goes by. The assembly has the layout from go_asm.h.
type rules struct {
	argv, args uint64
	appends    uint64
	env, vars  uint64
	names      uint64
	keeps      uint64
	numbers    uint64 // addresses of pairs of an address and a kind, with 0 behind them
	slots      uint64 // the same of pairs of words: for the arguments and for the variables
	privileged uint64
	refusal    uint64
}

// Launcher's headers: the ELF header, and a program header for the state, the code, the
// program, the notes and the stack, which is not to be executed.
const (
	launcherSegments    = 5
	launcherHeadersSize = 64 + launcherSegments*56
	launcherStateEnd    = launcherHeadersSize + int(unsafe.Sizeof(state{}))
)

// File is the file. The same launcher has the same bytes.
func (l *Launcher) File() []byte {
	p, c := l.Program, &codes[l.Arch]
	if l.Arch != Native {
		otherFlags(p)
	}
	at := l.rulesData()
	image := append(make([]byte, launcherStateEnd), c.entry(0, 0, 0)...)
	image = append(append(image, c.prologue...), c.machine...)
	image = append(image, make([]byte, -len(image)&15)...)
	notesAt := len(image)
	image = append(image, l.notes()...)
	notesEnd := len(image)
	image = append(image, make([]byte, -len(image)&15)...)
	textEnd := len(image)

	place := layout{state: stage2.StatePage + uint64(launcherHeadersSize), insns: stage2.Base + stage2.SegmentGap + uint64(textEnd)}
	place.data = place.insn(len(p.Steps))
	l.fillRules(at, place)
	insns := place.link(p, nil)
	defer place.unlink(p)
	for i := range insns {
		if call := p.Steps[i].Call; !call.IsOperation() && (p.Fault == nil || p.Fault.Step != i) {
			insns[i].nr = callNumbers[call][l.Arch]
		}
	}
	st := place.begin(p, place.insn(l.Handler))
	copy(image[launcherHeadersSize:], asBytes(&st, 1))
	copy(image[launcherStateEnd:], c.entry(place.entry(p, 0), place.state, place.data+at.Value))
	image = append(image, asBytes(&insns[0], len(insns))...)
	image = append(image, p.Data...)
	l.putHeaders(image, notesAt, notesEnd, textEnd)
	l.putBuildID(image, notesAt)
	return image
}

// rulesData makes room for the rules and what belongs to them.
func (l *Launcher) rulesData() program.Arg {
	p := l.Program
	at := p.Words(make([]uint64, unsafe.Sizeof(rules{})/8)...)
	numbers := p.Words(make([]uint64, 2*len(l.Numbers)+2)...)
	for i, n := range l.Numbers {
		p.Point(numbers.Plus(16*i), n.Last)
		p.SetWord(numbers.Plus(16*i+8), n.Kind)
	}
	slots := p.Words(make([]uint64, 2*len(l.executes())+2)...)
	for _, word := range []struct {
		offset uintptr
		to     program.Arg
	}{
		{unsafe.Offsetof(rules{}.argv), l.Argv}, {unsafe.Offsetof(rules{}.env), l.Env}, {unsafe.Offsetof(rules{}.names), l.Names},
		{unsafe.Offsetof(rules{}.numbers), numbers}, {unsafe.Offsetof(rules{}.slots), slots},
	} {
		p.Point(at.Plus(int(word.offset)), word.to)
	}
	return at
}

// executes are the steps that execute the program.
func (l *Launcher) executes() (list []int) {
	for i := range l.Program.Steps {
		if l.Program.Steps[i].Call == program.Execve {
			list = append(list, i)
		}
	}
	return list
}

// fillRules fills in the rest, which depends on where instructions are.
func (l *Launcher) fillRules(at program.Arg, place layout) {
	p := l.Program
	set := func(offset uintptr, v uint64) { p.SetWord(at.Plus(int(offset)), v) }
	flag := func(offset uintptr, is bool) {
		if is {
			set(offset, 1)
		}
	}
	set(unsafe.Offsetof(rules{}.args), uint64(l.Args))
	set(unsafe.Offsetof(rules{}.vars), uint64(l.Vars))
	flag(unsafe.Offsetof(rules{}.appends), l.Appends)
	flag(unsafe.Offsetof(rules{}.keeps), l.Keeps)
	flag(unsafe.Offsetof(rules{}.privileged), l.Privileged)
	set(unsafe.Offsetof(rules{}.refusal), place.insn(l.Refusal))
	slots := program.Arg{Kind: program.Address, Value: binary.NativeEndian.Uint64(p.Data[at.Value+uint64(unsafe.Offsetof(rules{}.slots)):])}
	for i, step := range l.executes() {
		arg := place.insn(step) + uint64(unsafe.Offsetof(insn{}.arg))
		p.SetWord(slots.Plus(16*i), arg+8)
		p.SetWord(slots.Plus(16*i+8), arg+16)
	}
}

// notes are the notes as they stand in the file. The first is the build id, which file(1)
// and debuggers tell files apart by.
func (l *Launcher) notes() (b []byte) {
	const buildID = 3 // NT_GNU_BUILD_ID
	for _, n := range append([]Note{{"GNU", buildID, string(make([]byte, buildIDSize))}}, l.Notes...) {
		for _, v := range []int{len(n.Owner) + 1, len(n.Text), int(n.Kind)} {
			b = binary.LittleEndian.AppendUint32(b, uint32(v))
		}
		for _, s := range []string{n.Owner + "\x00", n.Text} {
			b = append(b, s...)
			b = append(b, make([]byte, -len(s)&3)...)
		}
	}
	return b
}

// putBuildID makes the build id of all that is in the file.
func (l *Launcher) putBuildID(image []byte, notesAt int) {
	const id = 12 + 4 // behind the note's header and its owner
	sum := fnv.New128a()
	sum.Write(image)
	sum.Sum(image[notesAt+id : notesAt+id])
}

// buildIDSize is that of a hash by FNV-1a: it tells files apart, and proves nothing of them. One of package crypto would be
// in every program that imports this library, with a generator of random numbers.
const buildIDSize = 16

// putHeaders writes the ELF header and the program headers.
func (l *Launcher) putHeaders(image []byte, notesAt, notesEnd, textEnd int) {
	const (
		ptLoad, ptNote, ptStack              = 1, 4, 0x6474e551
		readOnly, readExec, readWrite        = 4, 5, 6
		codeStart, programStart       uint64 = stage2.Base, stage2.Base + stage2.SegmentGap
	)
	le := binary.LittleEndian
	h := elfHeader(image[:0], codes[l.Arch].elfMachine, codeStart+uint64(launcherStateEnd), launcherSegments)
	segment := func(kind, flags uint32, offset, addr, size, align uint64) {
		h = le.AppendUint32(le.AppendUint32(h, kind), flags)
		for _, v := range []uint64{offset, addr, addr, size, size, align} {
			h = le.AppendUint64(h, v)
		}
	}
	end := uint64(textEnd)
	segment(ptLoad, readWrite, 0, stage2.StatePage, uint64(launcherStateEnd), stage2.SegmentGap)
	segment(ptLoad, readExec, 0, codeStart, end, stage2.SegmentGap)
	segment(ptLoad, readWrite, end, programStart+end, uint64(len(image))-end, stage2.SegmentGap)
	segment(ptNote, readOnly, uint64(notesAt), codeStart+uint64(notesAt), uint64(notesEnd-notesAt), 4)
	segment(ptStack, readWrite, 0, 0, 0, 16)
}

// otherFlags has the program open files as the other architecture has it: some flags of
// open(2) change places between the two.
func otherFlags(p *program.Program) {
	for i := range p.Steps {
		switch s := &p.Steps[i]; s.Call {
		case program.Openat:
			s.Args[2].Value = otherOpen(s.Args[2].Value)
		case program.Openat2:
			if how := s.Args[2]; how.Kind == program.Address {
				// Steps share one: that was changed already if it has what this architecture lacks.
				defer p.SetWord(how, otherOpen(binary.NativeEndian.Uint64(p.Data[how.Value:])))
			}
		}
	}
}

// otherOpen exchanges O_DIRECTORY with O_DIRECT, and O_NOFOLLOW with O_LARGEFILE.
func otherOpen(flags uint64) uint64 {
	const (
		amd64Direct, amd64Large, amd64Directory, amd64NoFollow = 0x4000, 0x8000, 0x10000, 0x20000
		all                                                    = amd64Direct | amd64Large | amd64Directory | amd64NoFollow
	)

	moved := flags &^ all
	for _, pair := range [...][2]uint64{{amd64Direct, amd64Directory}, {amd64Large, amd64NoFollow}} {
		if flags&pair[0] != 0 {
			moved |= pair[1]
		}
		if flags&pair[1] != 0 {
			moved |= pair[0]
		}
	}
	return moved
}
