package seccomp

import (
	"math/bits"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

var actions = []Action{
	KillThread, KillProcess, Trap, Errno | 1, Errno | 38, Errno, Trace | 7, Log, Notify, Allow,
}

var values = []uint64{
	0, 1, 2, 3, 7, 40, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff, 1 << 32, 1<<32 + 1, 1<<32 + 40,
	0x7e020000, 1 << 63, 1<<63 - 1, ^uint64(0), ^uint64(0) - 1, ^uint64(0) - 99, ^uint64(0x7fffffff), ^uint64(0x80000000),
}

func oneOf[T any](r *rand.Rand, list []T) T { return list[r.IntN(len(list))] }

func randomCond(r *rand.Rand) Cond {
	c := Cond{Index: r.IntN(6), Op: Op(1 + r.IntN(int(numOps)-1)), Value: oneOf(r, values)}
	if r.IntN(2) == 0 {
		c.Index = 0
	}
	if c.Op == MaskedEQ {
		c.Mask = oneOf(r, values)
		c.Value &= c.Mask
	}
	return c
}

// favourites are names that are worth more than their share.
var favourites = []string{"socket", "connect", "socketcall", "ipc", "semop", "shmat", "clone", "execve", "ptrace", "ioctl", "sync_file_range2", "newfstatat"}

func randomPolicy(r *rand.Rand) *Policy {
	p := &Policy{Default: oneOf(r, actions), BadArch: oneOf(r, actions)}
	for _, a := range r.Perm(int(numArchs))[:1+r.IntN(int(numArchs))] {
		p.Archs = append(p.Archs, Arch(a))
	}
	few := []Action{oneOf(r, actions), oneOf(r, actions), oneOf(r, actions)}
	for range r.IntN(30) {
		rule := Rule{Action: oneOf(r, few)}
		for range 1 + r.IntN(1+r.IntN(60)) {
			name := calls[r.IntN(len(calls))].name
			if r.IntN(4) == 0 {
				name = oneOf(r, favourites)
			}
			rule.Names = append(rule.Names, name)
		}
		for range r.IntN(4) * r.IntN(2) {
			rule.Args = append(rule.Args, randomCond(r))
		}
		p.Rules = append(p.Rules, rule)
	}
	return p
}

func randomData(r *rand.Rand, p *Policy) (d data) {
	arch := Arch(r.IntN(int(numArchs)))
	d.audit = archs[arch].audit
	if r.IntN(50) == 0 {
		d.audit = r.Uint32()
	}
	name := oneOf(r, favourites)
	if len(p.Rules) > 0 && r.IntN(4) > 0 {
		name = oneOf(r, oneOf(r, p.Rules).Names)
	}
	d.number = uint32(calls[find(name)].numbers[arch])
	switch r.IntN(12) {
	case 0:
		d.number++
	case 1:
		d.number--
	case 2:
		d.number ^= x32Bit
	case 3:
		d.number = r.Uint32()
	case 4:
		d.number = 500 + r.Uint32N(60) | r.Uint32N(2)*x32Bit
	}
	for i := range d.args {
		d.args[i] = oneOf(r, values) + uint64(r.IntN(3)) - 1
		if r.IntN(4) == 0 {
			d.args[i] = uint64(r.IntN(25))
		}
		if r.IntN(8) == 0 {
			d.args[i] |= uint64(r.Uint32()) << 32
		}
	}
	return d
}

// A program decides as the policy does, rule by rule, for random policies and
// random calls; and as two interpreters have it.
func TestProgramsDecideAsPoliciesDo(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 400 {
		p := randomPolicy(r)
		code, err := p.Compile()
		if err != nil {
			t.Fatal(err)
		}
		if err := CheckRaw(Encode(code)); err != nil && !strings.Contains(err.Error(), "USER_NOTIF") {
			t.Fatalf("CheckRaw: %v", err)
		}
		run := machine(t, code)
		for range 400 {
			d := randomData(r, p)
			got, _ := interpret(t, code, d)
			if want, other := naive(p, d), run(d); got != want || other != want {
				t.Fatalf("%v: %#x, and %#x by x/net; want %#x\n%+v", d, got, other, want, p)
			}
		}
	}
}

// Compiling the same policy twice gives the same program.
func TestProgramsAreTheSameEachTime(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 50 {
		p := randomPolicy(r)
		first, err := p.Compile()
		second, _ := p.Compile()
		if err != nil || !slices.Equal(first, second) {
			t.Fatalf("two programs for %+v: %v", p, err)
		}
	}
}

// every names n calls, spread over the table so that few are neighbours.
func every(n int) (names []string) {
	for i := range n {
		names = append(names, calls[(i*211)%len(calls)].name)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// The instructions that are executed for one call grow with the logarithm of
// the list: at most two for each halving, one to compare and one to go far.
func TestCostGrowsWithTheLogarithm(t *testing.T) {
	for _, n := range []int{1, 3, 10, 50, 100, 200, 400, len(calls)} {
		p := &Policy{Archs: []Arch{X8664, X32, X86}, Default: Errno | 1, BadArch: KillProcess, Rules: []Rule{{Names: every(n), Action: Allow}}}
		code, err := p.Compile()
		if err != nil {
			t.Fatal(err)
		}
		most := 0
		for _, arch := range p.Archs {
			for number := range uint32(1000) {
				if arch == X86 && (number == 102 || number == 117) {
					continue // socketcall and ipc: their first argument decides
				}
				for _, bit := range []uint32{0, x32Bit} {
					_, count := interpret(t, code, data{number: number | bit, audit: archs[arch].audit})
					most = max(most, count)
				}
			}
		}
		segments := 2*2*n + 6 // a name makes two bounds, on x86_64 and x32
		if bound := 7 + 2*bits.Len(uint(segments)); most > bound {
			t.Errorf("%d names: %d instructions for one call; want at most %d", n, most, bound)
		}
		t.Logf("%d names: %d instructions, at most %d executed", n, len(code), most)
	}
}

// What is allowed in a row of numbers is one range.
func TestRunsAreRanges(t *testing.T) {
	p := &Policy{Archs: []Arch{AArch64}, Default: KillProcess, BadArch: KillProcess}
	for _, c := range calls {
		if c.numbers[AArch64] >= 0 {
			p.Rules = append(p.Rules, Rule{Names: []string{c.name}, Action: Allow})
		}
	}
	code, err := p.Compile()
	if err != nil || len(code) > 15 {
		t.Errorf("%d instructions, %v; want at most 15", len(code), err)
	}
}

func TestTooLarge(t *testing.T) {
	p := &Policy{Archs: []Arch{X8664}, Default: Allow, BadArch: KillProcess}
	for i := range 400 {
		p.Rules = append(p.Rules, Rule{
			Names: []string{calls[i].name}, Action: Errno | 1,
			Args: []Cond{{Op: EQ, Value: uint64(i)}, {Index: 1, Op: GE, Value: uint64(i) << 32}, {Index: 2, Op: MaskedEQ, Mask: ^uint64(0), Value: 1}},
		})
	}
	_, err := p.Compile()
	if err == nil || !strings.HasSuffix(err.Error(), "instructions; the kernel takes 4096") {
		t.Errorf("Compile() = %v; want that it is too large", err)
	}
}

func TestBadRules(t *testing.T) {
	cond := func(c Cond) Rule { return Rule{Names: []string{"read"}, Args: []Cond{c}} }
	for _, test := range []struct {
		rule Rule
		want string
	}{
		{Rule{}, "names no system call"},
		{Rule{Names: []string{"read", "raed"}}, `"raed" is no system call`},
		{Rule{Names: []string{"READ"}}, `"READ" is no system call`},
		{cond(Cond{Index: 6, Op: EQ}), "a system call has no argument 6: they are 0 to 5"},
		{cond(Cond{Index: -1, Op: EQ}), "a system call has no argument -1: they are 0 to 5"},
		{cond(Cond{}), "the condition on argument 0 has no operator"},
		{cond(Cond{Op: numOps}), "the condition on argument 0 has no operator"},
		{cond(Cond{Op: MaskedEQ, Value: 5, Mask: 4}), "the condition on argument 0 is never true: the value 0x5 has bits outside of the mask 0x4"},
		{cond(Cond{Index: 1, Op: EQ, Mask: 4}), "the condition on argument 1 has a mask, and an operator that uses none"},
	} {
		p := Policy{Rules: []Rule{{Names: []string{"write"}}, test.rule}}
		if _, err := p.Compile(); err == nil || err.Error() != "rule 1: "+test.want {
			t.Errorf("Compile() = %v; want rule 1: %s", err, test.want)
		}
	}
}

func TestCheckRaw(t *testing.T) {
	good := Encode([]Insn{{Code: ret, K: uint32(Allow)}})
	for _, test := range []struct {
		b    []byte
		want string
	}{
		{nil, "is empty"},
		{good[:7], "is empty"},
		{append(slices.Clone(good), 0), "has 9 bytes, which is no multiple of 8"},
		{slices.Repeat(good, 4097), "has 4097 instructions; the kernel takes 4096"},
		{Encode([]Insn{{Code: ret}, {Code: loadAbs}}), "does not end in a return"},
		{Encode([]Insn{{Code: ret, K: uint32(Notify)}}), "returns SECCOMP_RET_USER_NOTIF in instruction 0, and would have no listener"},
	} {
		if err := CheckRaw(test.b); err == nil || err.Error() != test.want {
			t.Errorf("CheckRaw = %v; want %s", err, test.want)
		}
	}
	if err := CheckRaw(slices.Repeat(good, 4096)); err != nil {
		t.Errorf("CheckRaw = %v; want nil", err)
	}
}

func TestOutcomes(t *testing.T) {
	p := &Policy{Archs: []Arch{X8664}, Default: Allow, BadArch: KillProcess, Rules: []Rule{
		{Names: []string{"execve"}, Args: []Cond{{Op: EQ}}, Action: Log},
		{Names: []string{"read", "execve"}, Action: Trap},
		{Names: []string{"execve"}, Action: Notify},
	}}
	for _, test := range []struct {
		arch Arch
		name string
		want []Action
	}{
		{X8664, "execve", []Action{Log, Trap}},
		{X8664, "read", []Action{Trap}},
		{X8664, "write", []Action{Allow}},
		{X86, "write", []Action{KillProcess}},
	} {
		if got := p.Outcomes(test.arch, test.name); !slices.Equal(got, test.want) {
			t.Errorf("Outcomes(%v, %s) = %x; want %x", test.arch, test.name, got, test.want)
		}
	}
}
