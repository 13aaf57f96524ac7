package program

import (
	"strings"
	"testing"
)

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

// A result that is used more often than a step has room for destinations is
// fetched by a move, which a listing shows as the result.
func TestResultOften(t *testing.T) {
	var p Program
	p.Add("", Openat, Num(-100), p.Str("/file"), Num(1), Num(0))
	fd := p.Result()
	for range 3 {
		p.Add("", Write, fd, p.Str("text"), Num(4))
	}
	p.Add("", Dup3, fd, fd, fd)
	var got []string
	for i := range p.Steps {
		if s := &p.Steps[i]; s.Call != Move {
			got = append(got, p.Format(i, reference))
		} else if !s.Quiet || !s.FillsIn() || s.Args[0] != (Arg{Recorded, 0}) || s.Out[0].Step <= int32(i) {
			t.Errorf("step %d is %+v", i, s)
		}
	}
	const want = `openat(AT_FDCWD, "/file", O_WRONLY)
write($1, "text", 4)
write($1, "text", 4)
write($1, "text", 4)
dup3($1, $1, $1)`
	if list := strings.Join(got, "\n"); list != want {
		t.Errorf("got\n%s\nwant\n%s", list, want)
	}
	if got := p.Object(4); p.Steps[4].Call != Write || got != `/file "text"` {
		t.Errorf("the object of step 4 is %q", got)
	}
	if moves := p.Len() - 5; moves != 4 {
		t.Errorf("%d moves; want 4", moves)
	}
}

func TestWithOpen(t *testing.T) {
	var p Program
	p.Add("Dir", Openat, Num(-100), p.Str("/file"), Num(1), Num(0))
	p.WithOpen(func(fd Arg) {
		p.Add("", Write, fd, p.Str("text"), Num(4))
		p.Add("", Write, fd, p.Str("more"), Num(4))
	})
	s := &p.Steps[p.Len()-1]
	if got := p.Format(p.Len()-1, reference); got != "close($1)" || !s.Quiet || s.Field != "Dir" {
		t.Errorf("the last step is %s, %+v", got, s)
	}
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

// A jump whose target never gets a place is found by the verifier.
func TestJumpToNowhere(t *testing.T) {
	s := sketched(Harmless)
	nowhere := s.p.Ahead()
	s.add(Getpid).Then(&nowhere)
	s.add(Close, Num(3))
	s.exec()
	problems := s.Verify()
	if len(problems) != 1 || !strings.Contains(problems[0].Text, "target") {
		t.Errorf("problems %v", problems)
	}
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
