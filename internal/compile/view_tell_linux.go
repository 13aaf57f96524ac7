//go:build amd64 || arm64

package compile

import (
	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/program"
	"github.com/sprog-dev/sprog/internal/stage2"
)

// A ViewReport says where the child leaves what its parent is to know of the view: in
// the memory that they share, or in the page that a second stage shows.
type ViewReport struct {
	There bool        // there is a view
	Text  program.Arg // TextSize bytes, after a failure
	Size  program.Arg // a word: how much of the program there is
	Bits  program.Arg // words, 32 bits of each
	Told  []ViewBit   // what the bits mean
	Fails []ViewFail  // steps that are there to fail
}

// A ViewBit is something that may become of a mount.
type ViewBit struct {
	Mount int
	What  ViewEvent
}

// A ViewEvent is what has become of a mount.
type ViewEvent uint8

const (
	LeftOut  ViewEvent = iota // its source does not exist
	FellBack                  // the kernel has refused it, and the fallback is there
)

// A ViewFail is a step that comes to nothing by itself: something was not what it has to be.
type ViewFail struct {
	Step int
	Why  ViewFlaw
}

// A ViewFlaw is what was wrong.
type ViewFlaw uint8

const (
	NotNull    ViewFlaw = iota // the caller's /dev/null is another file
	OtherFile                  // a path does not lead to the file that it led to
	IsLink                     // a target is a symbolic link, which is not followed
	Covered                    // something is on top of the new root
	AtRoot                     // a link of the view's own leads to the root directory
	Outside                    // the working directory is outside of the root
	OtherThere                 // something that is no link with the same text is at the place of a link
	Truncated                  // given content was not written as a whole
)

// TextSize is how much is read after a failure: two messages of the kernel's, and the
// beginning of the program. The ids of namespaces, which have the same room, are of no use then.
const (
	TextSize    = 2048
	MessageSize = 256
	ProgramSize = TextSize - 2*MessageSize
	ViewSizeAt  = stage2.ViewSize - 8 // where in the room of a second stage Size is
)

// beginTelling finds room for what is told.
func (v *viewer) beginTelling() {
	p, r := v.p, &v.made.View
	*r = ViewReport{There: true}
	v.context, v.noContext = p.Variable(none), p.Variable(none)
	if v.made.Second == nil {
		r.Bits, r.Text = p.Buffer(8*(len(v.ask.Attr.Mounts)/32+1)), p.Buffer(TextSize)
		r.Size = p.Words(0)
	} else {
		r.Bits, r.Text = Num(stage2.ViewAt), Num(stage2.SharedAt)
		r.Size = Num(stage2.ViewAt + ViewSizeAt)
	}
	v.contextWord, v.viewed = v.context, p.Words(0)
	v.stat, v.kind, v.zero = p.Buffer(StatxSize), p.Words(0), p.Variable(0)
	v.how = p.Words(pathOnlyCloexec, 0, resolveInRoot)
	v.beneath = p.Words(pathOnlyCloexec, 0, unix.RESOLVE_BENEATH|unix.RESOLVE_NO_MAGICLINKS)
	p.Label(v.stat, "stat")
}

// tell notes what has become of a mount.
func (v *viewer) tell(t *taken, what ViewEvent) {
	r := &v.made.View
	bit := len(r.Told)
	r.Told = append(r.Told, ViewBit{t.index, what})
	word := r.Bits.Plus(8 * (bit / 32))
	v.p.Copy(t.field, word, word).Args[2] = Num(uint32(1) << (bit % 32))
}

// fails adds a step that cannot succeed. What was wrong is told in its place.
func (v *viewer) fails(field, path string, why ViewFlaw) {
	v.made.View.Fails = append(v.made.View.Fails, ViewFail{v.p.Len(), why})
	v.add(field, program.OpenTree, Num(unix.AT_FDCWD), v.p.Str(path), Num(uint32(1<<31))).Quiet = true
}

// afterFailure adds the steps that are run when one has failed, at the end of the program: what
// the kernel says of a file system that was being made, or, at the end, the beginning of the program that
// was to be executed. Its interpreter is to be found in the program's root, which its parent may not see.
func (b *builder) afterFailure() {
	r := &b.made.View
	if !r.There || b.ask.InPlace {
		return
	}
	p, program_ := b.p, b.p.Ahead()
	p.Handler = p.Len()
	quietly := func(s *program.Step) {
		s.Ignore(program.AnyErrno).Quiet = true
	}
	p.GotoIf("", b.contextWord, Num(none), &program_).Quiet = true
	context := p.Value("", b.contextWord)
	p.StepOf(context).Quiet = true
	for i := range 2 {
		quietly(b.add("", program.Read, context, r.Text.Plus(i*MessageSize), Num(MessageSize)))
	}
	program_.Place()
	if b.ask.Attr.Program != nil || candidates(b.ask) != nil {
		return
	}
	// Before the view is there, the descriptor table may still be the parent's.
	open, end := p.Ahead(), p.Ahead()
	p.GotoIf("", b.viewed, Num(1), &open).Then(&end).Quiet = true
	open.Place()
	b.made.again = p.Hole("path")
	quietly(b.add("", program.Openat, Num(unix.AT_FDCWD), b.made.again, Num(unix.O_RDONLY|unix.O_CLOEXEC|unix.O_NONBLOCK), Num(0)))
	quietly(b.add("", program.Read, p.Result(), r.Text.Plus(2*MessageSize), Num(ProgramSize)).Into(r.Size))
	end.Place()
}
