//go:build amd64 || arm64

package compile

import (
	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/program"
	"github.com/sprog-dev/sprog/internal/stage2"
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
	if b.ask.Attr.Program != nil || candidates(b.ask) != nil || b.ask.Waits {
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
