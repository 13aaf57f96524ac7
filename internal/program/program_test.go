package program

import (
	"slices"
	"strings"
	"testing"
)

func TestAdd(t *testing.T) {
	var p Program
	s := p.Add("Dir", Chdir, Num(7))
	if p.Len() != 1 || s != &p.Steps[0] || s.Call != Chdir || s.Field != "Dir" || s.Args[0] != (Arg{Number, 7}) || s.Next != 0 {
		t.Errorf("step %+v", s)
	}
	if !p.Has(Chdir) || p.Has(Chroot) {
		t.Error("Has does not see what is there")
	}
}

func TestNumIsSignExtended(t *testing.T) {
	for _, test := range []struct {
		arg  Arg
		want uint64
	}{{Num(-1), ^uint64(0)}, {Num(int32(-100)), ^uint64(99)}, {Num(uint32(1<<32 - 1)), 1<<32 - 1}, {Num(uintptr(3)), 3}} {
		if test.arg != (Arg{Number, test.want}) {
			t.Errorf("Num = %+v; want %#x", test.arg, test.want)
		}
	}
}

func mustPanic(t *testing.T, what string, f func()) {
	t.Helper()
	defer func() {
		if recover() == nil {
			t.Errorf("%s does not panic", what)
		}
	}()
	f()
}

func TestData(t *testing.T) {
	var p Program
	s := p.Str("odd")
	w := p.Words(1, ^uint64(0))
	u := p.Uint32s(2, 3, 4)
	b := p.Bytes([]byte("bytes"))
	z := p.Buffer(3)
	for name, a := range map[string]Arg{"words": w, "uint32s": u, "bytes": b, "buffer": z} {
		if a.Kind != Address || a.Value%8 != 0 {
			t.Errorf("%s are at %+v; want an address that is a multiple of 8", name, a)
		}
	}
	if p.StrAt(s) != "odd" || string(p.BytesAt(b, 5)) != "bytes" || string(p.BytesAt(z, 100)) != "\x00\x00\x00" {
		t.Errorf("the data is %q", p.Data)
	}
	if got := p.BytesAt(w, 16); got[0] == got[7] || got[8] != 0xff {
		t.Errorf("words are % x", got)
	}
}

func TestStrs(t *testing.T) {
	long := make([]string, 10000)
	for i := range long {
		long[i] = strings.Repeat("x", i%50)
	}
	for _, list := range [][]string{nil, {""}, {"a", "", "bc"}, long, {strings.Repeat("y", 1<<20)}} {
		var p Program
		p.Str("x")
		a := p.Strs(list)
		if got := p.StrsAt(a); !slices.Equal(got, list) {
			t.Errorf("StrsAt gives %d strings; want the %d that went in", len(got), len(list))
		}
		if len(p.Relocs) != len(list) {
			t.Errorf("%d words to relocate; want %d", len(p.Relocs), len(list))
		}
	}
}

// An argument that points nowhere, or a string without an end, is no panic.
func TestDataOutOfBounds(t *testing.T) {
	p := Program{Data: []byte("no end")}
	for _, a := range []Arg{{Address, 6}, {Address, 1 << 40}, {Number, 0}, {Address, ^uint64(0)}} {
		if p.StrAt(a) != "" || len(p.BytesAt(a, 1)) != 0 || p.StrsAt(a) != nil {
			t.Errorf("%+v finds something", a)
		}
	}
	if got := p.StrAt(Arg{Address, 3}); got != "end" {
		t.Errorf("StrAt = %q; want %q", got, "end")
	}
}

// A program that is used again is empty, and does not keep hold of large data.
func TestReset(t *testing.T) {
	var p Program
	p.Add("Dir", Chdir, p.Str("/x"))
	p.Label(p.Words(1), "word")
	p.Strs([]string{"a"})
	p.Fault = &Fault{}
	p.Reset()
	if p.Len() != 0 || len(p.Data) != 0 || len(p.Relocs) != 0 || len(p.Labels) != 0 || p.Fault != nil {
		t.Errorf("after Reset: %+v", p)
	}
	if cap(p.Steps) == 0 || cap(p.Data) == 0 {
		t.Error("Reset gives up the memory")
	}
	if s := p.Steps[:1][0]; s != (Step{}) {
		t.Errorf("a step is left: %+v", s)
	}
	p.Buffer(1 << 20)
	p.Reset()
	if cap(p.Data) != 0 {
		t.Errorf("Reset keeps %d bytes", cap(p.Data))
	}
}

// What is known of calls by their names, and of operations and numbers that are
// no call: nothing.
func TestCallNamed(t *testing.T) {
	for c := Call(0); c < NumCalls; c++ {
		want := c
		if c < firstCall {
			want = 0
		}
		if got := CallNamed(c.String()); got != want {
			t.Errorf("CallNamed(%q) = %d; want %d", c.String(), got, want)
		}
	}
	for _, c := range []Call{0, NumCalls} {
		if c.String() != "?" {
			t.Errorf("%d is called %q; want no name", c, c)
		}
	}
	for _, test := range []struct {
		call     Call
		since    [2]int
		known    bool
		filtered bool
	}{
		{Clone3, [2]int{5, 3}, true, true}, {Statx, [2]int{4, 11}, true, false}, {Chroot, [2]int{}, false, true},
		{Close, [2]int{}, false, false}, {Move, [2]int{}, false, false}, {NumCalls, [2]int{}, false, false},
	} {
		since, known := test.call.Since()
		if since != test.since || known != test.known || test.call.OftenFiltered() != test.filtered {
			t.Errorf("%v: Since = %v, %v, OftenFiltered = %v; want %+v", test.call, since, known, test.call.OftenFiltered(), test)
		}
	}
}
