package program

import "testing"

func TestResult(t *testing.T) {
	var p Program
	word := p.Words(0, 1).Plus(8)
	p.Add("", Getpid)
	p.Add("", Kill, p.Result(), Num(9))
	p.Steps[0].Into(word)
	if want := [2]Ref{{ToArg, 1, 0}, {ToData, 0, 8}}; p.Steps[0].Out != want {
		t.Errorf("Out = %+v; want %+v", p.Steps[0].Out, want)
	}
	if want := (Arg{Result, 0}); p.Steps[1].Args[0] != want {
		t.Errorf("argument %+v; want %+v", p.Steps[1].Args[0], want)
	}
	mustPanic(t, "a third place", func() { p.Steps[0].Into(word) })
}

func TestLoad(t *testing.T) {
	var p Program
	pointer := p.Words(0)
	p.Add("", ExitGroup, p.Load("", pointer, 16))
	if s := p.Steps[0]; s.Call != Move || s.Args != [6]Arg{pointer, Num(16)} || s.Out[0] != (Ref{ToArg, 1, 0}) {
		t.Errorf("step 0 is %+v", s)
	}
	if s := p.Steps[1]; s.Call != Move || s.Args != [6]Arg{{Result, 0}} || s.Out[0] != (Ref{ToArg, 2, 0}) {
		t.Errorf("step 1 is %+v", s)
	}
}

// Jumps lead to where their targets are, before or behind.
func TestJumps(t *testing.T) {
	var p Program
	back, ahead, end := p.Here(), p.Ahead(), p.Ahead()
	p.Add("", Close, Num(1)).On(9, &ahead).On(AnyErrno, &back).Then(&end)
	p.GotoIf("", p.Words(0), Num(3), &ahead).Then(&back)
	ahead.Place()
	p.GotoIf("", p.Words(0), Num(3), &back)
	p.Add("", Close, Num(1)).Ignore(9).Retry(4)
	end.Place()
	for i, want := range []struct {
		catch [2]Catch
		next  int32
		test  Arg
	}{
		{[2]Catch{{9, 2}, {AnyErrno, 0}}, 4, Arg{}},
		{next: -1, test: Num(1)},
		{test: Num(-2)},
		{catch: [2]Catch{{9, 1}, {4, 0}}},
	} {
		if s := &p.Steps[i]; s.Catch != want.catch || s.Next != want.next || s.Args[2] != want.test {
			t.Errorf("step %d is %+v; want %+v", i, s, want)
		}
	}
	mustPanic(t, "a third errno", func() { p.last().Ignore(5) })
	mustPanic(t, "a jump from an earlier step", func() { p.Steps[0].Then(&back) })
	mustPanic(t, "a second place", func() { end.Place() })
	itself := p.Here()
	p.Add("", Getpid)
	mustPanic(t, "a step that follows itself", func() { p.last().Then(&itself) })
}

func TestLoop(t *testing.T) {
	var p Program
	word := p.Words(0)
	again := p.Here()
	p.Add("", Getpid)
	p.Add("", Getppid)
	p.Loop(word, Num(5), &again)
	s := p.Steps[2]
	if s.Call != Test || s.Args != [6]Arg{word, Num(5), Num(1)} || s.Next != -2 || !s.Quiet {
		t.Errorf("Loop adds %+v", s)
	}
}
