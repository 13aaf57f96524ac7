package seccomp

import (
	"encoding/binary"
	"fmt"
	"slices"
	"testing"

	"golang.org/x/net/bpf"
)

// A data is struct seccomp_data.
type data struct {
	number, audit uint32
	args          [6]uint64
}

func (d data) String() string {
	return fmt.Sprintf("{number %#x, architecture %#x, arguments %#x}", d.number, d.audit, d.args)
}

// words are the 32-bit words of the structure, at offset 4*i.
func (d data) words() (w [16]uint32) {
	w[0], w[1] = d.number, d.audit
	for i, arg := range d.args {
		w[4+2*i], w[5+2*i] = uint32(arg), uint32(arg>>32)
	}
	return w
}

// interpret runs a program, and counts the instructions that it executes.
func interpret(t *testing.T, code []Insn, d data) (result Action, count int) {
	t.Helper()
	words := d.words()
	var acc uint32
	for pc := 0; pc < len(code); pc++ {
		count++
		in := code[pc]
		yes := false
		switch in.Code {
		case loadAbs:
			acc = words[in.K/4]
			continue
		case and:
			acc &= in.K
			continue
		case jump:
			pc += int(in.K)
			continue
		case ret:
			return Action(in.K), count
		case jumpEQ:
			yes = acc == in.K
		case jumpGT:
			yes = acc > in.K
		case jumpGE:
			yes = acc >= in.K
		default:
			t.Fatalf("instruction %d: code %#x", pc, in.Code)
		}
		if yes {
			pc += int(in.Jt)
		} else {
			pc += int(in.Jf)
		}
	}
	t.Fatal("the program has no end")
	return 0, 0
}

// machine returns the virtual machine of golang.org/x/net for the program. It
// reads in network order.
func machine(t *testing.T, code []Insn) func(data) Action {
	t.Helper()
	var list []bpf.Instruction
	for _, in := range code {
		list = append(list, bpf.RawInstruction{Op: in.Code, Jt: in.Jt, Jf: in.Jf, K: in.K}.Disassemble())
	}
	vm, err := bpf.NewVM(list)
	if err != nil {
		t.Fatal(err)
	}
	return func(d data) Action {
		var packet []byte
		for _, w := range d.words() {
			packet = binary.BigEndian.AppendUint32(packet, w)
		}
		n, err := vm.Run(packet)
		if err != nil {
			t.Fatal(err)
		}
		return Action(n)
	}
}

// naive decides about a call by looking at one rule after the other.
func naive(p *Policy, d data) Action {
	known := slices.ContainsFunc(p.Archs, func(a Arch) bool { return archs[a].audit == d.audit })
	switch arch := archOf(d); {
	case !known:
		return p.BadArch
	case arch == X8664 && d.number == ^uint32(0):
		return p.Default
	case arch == X8664 && d.number >= x32First && d.number <= x32Last:
		return p.BadArch
	case !slices.Contains(p.Archs, arch):
		return p.BadArch
	case arch == X86 && (d.number == 102 || d.number == 117):
		return naiveMultiplexed(p, d)
	default:
		names := namesOf(arch, d.number)
		for _, r := range p.Rules {
			named := slices.ContainsFunc(r.Names, func(name string) bool { return slices.Contains(names, name) })
			if named && fulfils(r.Args, arch, d) {
				return r.Action
			}
		}
		return p.Default
	}
}

func archOf(d data) Arch {
	for a := range archs {
		if archs[a].audit == d.audit {
			if Arch(a) == X8664 && d.number != ^uint32(0) && d.number >= x32Bit {
				return X32
			}
			return Arch(a)
		}
	}
	return -1
}

func namesOf(arch Arch, number uint32) (names []string) {
	for _, c := range calls {
		if c.numbers[arch] >= 0 && uint32(c.numbers[arch]) == number || arch == X32 && c.numbers[X8664] >= 0 && uint32(c.numbers[X8664])|x32Bit == number {
			names = append(names, c.name)
		}
	}
	return names
}

func fulfils(conds []Cond, arch Arch, d data) bool {
	for _, c := range conds {
		arg, value := d.args[c.Index], c.Value
		if arch == X86 || arch == ARM {
			arg &= 0xffffffff
			if value >= 0xffffffff80000000 {
				value &= 0xffffffff
			}
		}
		ok := map[Op]bool{
			NE: arg != value, LT: arg < value, LE: arg <= value, EQ: arg == value,
			GE: arg >= value, GT: arg > value, MaskedEQ: arg&c.Mask == value,
		}[c.Op]
		if !ok {
			return false
		}
	}
	return true
}

// naiveMultiplexed decides about socketcall and ipc of x86.
func naiveMultiplexed(p *Policy, d data) Action {
	m, sub := multiplexers[0], d.args[0]&0xffffffff
	if d.number == 117 {
		m, sub = multiplexers[1], d.args[0]&0xffff
	}
	maybe, some := Allow, false
	strictest := func(a Action) Action {
		if some {
			return stricter(maybe, a)
		}
		return a
	}
	for _, r := range p.Rules {
		for _, name := range r.Names {
			n, ok := m.sub(name)
			switch {
			case name == m.name && fulfils(r.Args, X86, d):
				return strictest(r.Action)
			case ok && n == sub && len(r.Args) == 0:
				return strictest(r.Action)
			case ok && n == sub:
				maybe, some = strictest(r.Action), true
			}
		}
	}
	return strictest(p.Default)
}
