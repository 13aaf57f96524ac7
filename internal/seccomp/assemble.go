package seccomp

import "encoding/binary"

// An Insn is an instruction of classic BPF: struct sock_filter.
type Insn struct {
	Code   uint16
	Jt, Jf uint8
	K      uint32
}

// MostInsns is how many instructions the kernel takes: BPF_MAXINSNS.
const MostInsns = 4096

// InsnSize is the size of an encoded instruction.
const InsnSize = 8

// The instructions that are used, of linux/bpf_common.h.
const (
	loadAbs = 0x20 // BPF_LD | BPF_W | BPF_ABS
	and     = 0x54 // BPF_ALU | BPF_AND | BPF_K
	jump    = 0x05 // BPF_JMP | BPF_JA
	jumpEQ  = 0x15
	jumpGT  = 0x25
	jumpGE  = 0x35
	ret     = 0x06 // BPF_RET | BPF_K
)

// Encode returns the instructions as the kernel reads them on this machine.
func Encode(code []Insn) []byte {
	b := make([]byte, 0, InsnSize*len(code))
	for _, in := range code {
		b = binary.NativeEndian.AppendUint16(b, in.Code)
		b = append(b, in.Jt, in.Jf)
		b = binary.NativeEndian.AppendUint32(b, in.K)
	}
	return b
}

// An assembler writes a program from its end to its beginning, so that every
// target of a jump is there before the jump: classic BPF jumps forward only.
type assembler struct {
	code []Insn // in reverse
	rets map[Action]int
}

// A target is where a program goes on: at an instruction, or with a result.
type target struct {
	at     int // index in code, or -1
	result Action
}

func result(a Action) target { return target{-1, a} }

func (a *assembler) last() target { return target{at: len(a.code) - 1} }

func (a *assembler) emit(code uint16, k uint32) {
	a.code = append(a.code, Insn{Code: code, K: k})
}

func (a *assembler) load(offset uint32) { a.emit(loadAbs, offset) }

// distance is how many instructions one that comes next would skip to get to
// the index.
func (a *assembler) distance(at int) int { return len(a.code) - at - 1 }

// near returns an index for the target that a conditional jump can reach, even
// if a few instructions come between: such a jump has eight bits. A result that
// is far away is written once more, which costs no time; to anywhere else leads
// an unconditional jump, which has 32 bits.
func (a *assembler) near(t target) int {
	const reach = 255 - 3
	if t.at < 0 {
		if at, ok := a.rets[t.result]; ok && a.distance(at) <= reach {
			return at
		}
		if a.rets == nil {
			a.rets = map[Action]int{}
		}
		a.emit(ret, uint32(t.result))
		a.rets[t.result] = len(a.code) - 1
		return len(a.code) - 1
	}
	if a.distance(t.at) > reach {
		a.emit(jump, uint32(a.distance(t.at)))
		return len(a.code) - 1
	}
	return t.at
}

// enter has the program go on with the target, from the instruction that comes
// next.
func (a *assembler) enter(t target) {
	switch {
	case t.at < 0:
		a.emit(ret, uint32(t.result))
	case t.at != len(a.code)-1:
		a.emit(jump, uint32(a.distance(t.at)))
	}
}

// branch compares the accumulator with k.
func (a *assembler) branch(op uint16, k uint32, yes, no target) target {
	if yes == no {
		return yes
	}
	t, f := a.near(yes), a.near(no)
	a.code = append(a.code, Insn{op, uint8(a.distance(t)), uint8(a.distance(f)), k})
	return a.last()
}

// tree finds the segment that the accumulator is in.
func (a *assembler) tree(list []segment, t *table) target {
	switch n := len(list); {
	case n == 1:
		return a.decision(list[0].d, t)
	case n == 3 && list[0].d == list[2].d && list[1].from+1 == list[2].from:
		no := a.decision(list[0].d, t)
		return a.branch(jumpEQ, list[1].from, a.decision(list[1].d, t), no)
	default:
		above := a.tree(list[n/2:], t)
		return a.branch(jumpGE, list[n/2].from, above, a.tree(list[:n/2], t))
	}
}

// decision is what follows when the number is known. The code of one that looks
// at arguments serves all numbers that it is for.
func (a *assembler) decision(i int, t *table) target {
	d := &t.decisions[i]
	if len(d.steps) == 0 {
		return result(d.final)
	}
	if block, ok := t.blocks[i]; ok {
		return block
	}
	next := result(d.final)
	for j := len(d.steps) - 1; j >= 0; j-- {
		s, to := &d.steps[j], result(d.steps[j].action)
		for k := len(s.conds) - 1; k >= 0; k-- {
			to = a.condition(&s.conds[k], t.narrow, to, next)
		}
		next = to
	}
	t.blocks[i] = next
	return next
}

// test loads a word, and compares it under a mask.
func (a *assembler) test(offset, mask uint32, op uint16, k uint32, yes, no target) target {
	if yes == no {
		return yes
	}
	a.branch(op, k, yes, no)
	if mask != ^uint32(0) {
		a.emit(and, mask)
	}
	a.load(offset)
	return a.last()
}

// condition compares an argument: its high half and, where that does not
// decide, its low half.
func (a *assembler) condition(c *Cond, narrow bool, yes, no target) target {
	const all = ^uint32(0)
	low := uint32(offArgs + 8*c.Index)
	high := low + 4
	vh, vl := uint32(c.Value>>32), uint32(c.Value)
	switch c.Op {
	case NE, LT, LE: // the opposite of another
		opposite := *c
		opposite.Op = map[Op]Op{NE: EQ, LT: GE, LE: GT}[c.Op]
		return a.condition(&opposite, narrow, no, yes)
	case EQ:
		to := a.test(low, all, jumpEQ, vl, yes, no)
		if narrow {
			return to
		}
		return a.test(high, all, jumpEQ, vh, to, no)
	case MaskedEQ:
		to := yes
		if mask := uint32(c.Mask); mask != 0 {
			to = a.test(low, mask, jumpEQ, vl, to, no)
		}
		if mask := uint32(c.Mask >> 32); mask != 0 {
			to = a.test(high, mask, jumpEQ, vh, to, no)
		}
		return to
	}
	op := uint16(jumpGT)
	if c.Op == GE {
		op = jumpGE
	}
	to := a.test(low, all, op, vl, yes, no)
	if narrow {
		return to
	}
	return a.test(high, all, jumpGT, vh, yes, a.branch(jumpEQ, vh, to, no))
}
