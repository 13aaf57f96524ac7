package seccomp

import (
	"fmt"
	"maps"
	"slices"
)

// Offsets in struct seccomp_data. Both kinds of machine have the low half of an
// argument first.
const (
	offNumber = 0
	offArch   = 4
	offArgs   = 16
)

// Compile returns the program of the policy. It looks at the architecture, then
// finds the number of the call in a balanced tree, so that its run time grows
// with the logarithm of the list, and only then looks at arguments.
func (p *Policy) Compile() ([]Insn, error) {
	for i := range p.Rules {
		if err := p.Rules[i].Check(); err != nil {
			return nil, fmt.Errorf("rule %d: %w", i, err)
		}
	}
	var a assembler
	next := result(p.BadArch)
	for _, audit := range slices.Backward(p.audits()) {
		t := newTable(p, audit)
		a.enter(a.tree(t.segments(), t))
		a.load(offNumber)
		next = a.branch(jumpEQ, audit, a.last(), next)
	}
	a.enter(next)
	a.load(offArch)
	if len(a.code) > MostInsns {
		return nil, fmt.Errorf("the program would have %d instructions; the kernel takes %d", len(a.code), MostInsns)
	}
	slices.Reverse(a.code)
	return a.code, nil
}

// audits are the AUDIT_ARCH values of the policy's architectures. That of
// x86_64 stands for x32 as well.
func (p *Policy) audits() (list []uint32) {
	for _, arch := range p.Archs {
		if v := archs[arch].audit; !slices.Contains(list, v) {
			list = append(list, v)
		}
	}
	return list
}

// A decision is what becomes of a call, once its number is known.
type decision struct {
	steps []step // in order
	final Action // if none of them applies
}

// A step is an action for calls that fulfil all conditions.
type step struct {
	conds  []Cond
	action Action
}

// A table says which decision each number of one AUDIT_ARCH value gets.
type table struct {
	narrow    bool
	decisions []decision
	index     map[string]int // of each decision, by its text
	singles   map[uint32]int // the decisions of numbers that rules name
	bases     []segment      // and of all others
	blocks    map[int]target // the code of those decisions that have steps
}

// A segment is a range of numbers with the same decision, up to the next one.
type segment struct {
	from uint32
	d    int
}

func newTable(p *Policy, audit uint32) *table {
	t := &table{index: map[string]int{}, singles: map[uint32]int{}, blocks: map[int]target{}}
	other, bad := t.decide(nil, p.Default), t.decide(nil, p.BadArch)
	t.bases = []segment{{0, other}}
	for _, arch := range p.Archs {
		if archs[arch].audit != audit {
			continue
		}
		t.narrow = archs[arch].narrow
		for n, steps := range p.byNumber(arch) {
			t.singles[n] = t.decide(steps, p.Default)
		}
	}
	if audit == archs[X8664].audit {
		t.guardX32(p, other, bad)
	}
	return t
}

// guardX32 keeps x32 and x86_64 apart, which have one AUDIT_ARCH value: what is
// denied under one number must not be had under the other. The number -1 stands
// for a call that a tracer has skipped.
func (t *table) guardX32(p *Policy, other, bad int) {
	low, high := other, other
	if !slices.Contains(p.Archs, X8664) {
		low = bad
	}
	if !slices.Contains(p.Archs, X32) {
		high = bad
	}
	t.bases = []segment{{0, low}, {x32First, bad}, {x32Last + 1, low}, {x32Bit, high}, {^uint32(0), other}}
}

// byNumber lists what the rules say of each number, in their order.
func (p *Policy) byNumber(arch Arch) map[uint32][]step {
	lists := map[uint32][]step{}
	for i := range p.Rules {
		r := &p.Rules[i]
		for _, name := range r.Names {
			for _, n := range arch.numbersOf(name) {
				lists[n] = append(lists[n], step{r.Args, r.Action})
			}
		}
	}
	if arch == X86 {
		for i := range multiplexers {
			m := &multiplexers[i]
			for _, n := range arch.numbersOf(m.name) {
				if steps := p.multiplexed(m); len(steps) > 0 {
					lists[n] = steps
				}
			}
		}
	}
	return lists
}

// multiplexed lists what the rules say of a call that makes others. A rule for
// one of those others holds here, too. Where such a rule has conditions, on
// arguments that are out of sight here, the strictest of what it and the rules
// after it may decide holds.
func (p *Policy) multiplexed(m *multiplexer) (steps []step) {
	pending := map[uint64]Action{}
	settle := func(sub uint64, conds []Cond, last Action) {
		if maybe, ok := pending[sub]; ok {
			last = stricter(maybe, last)
		}
		steps = append(steps, step{append([]Cond{m.on(sub)}, conds...), last})
	}
	settleAll := func(conds []Cond, last Action) {
		for _, sub := range slices.Sorted(maps.Keys(pending)) {
			settle(sub, conds, last)
		}
	}
	for i := range p.Rules {
		r := &p.Rules[i]
		for _, name := range r.Names {
			sub, ok := m.subs[name]
			switch {
			case name == m.name:
				settleAll(r.Args, r.Action)
				steps = append(steps, step{r.Args, r.Action})
			case ok && len(r.Args) == 0:
				settle(sub, nil, r.Action)
			case ok:
				maybe, seen := pending[sub]
				if !seen {
					maybe = r.Action
				}
				pending[sub] = stricter(maybe, r.Action)
			}
		}
	}
	settleAll(nil, p.Default)
	return steps
}

// decide returns the index of a decision. Steps that cannot be reached, or
// change nothing, are left out.
func (t *table) decide(steps []step, final Action) int {
	d := decision{final: final}
	for _, s := range steps {
		conds, possible := t.simplify(s.conds)
		if !possible {
			continue
		}
		if len(conds) == 0 {
			d.final = s.action
			break
		}
		d.steps = append(d.steps, step{conds, s.action})
	}
	for len(d.steps) > 0 && d.steps[len(d.steps)-1].action == d.final {
		d.steps = d.steps[:len(d.steps)-1]
	}
	text := d.text()
	i, ok := t.index[text]
	if !ok {
		i = len(t.decisions)
		t.decisions = append(t.decisions, d)
		t.index[text] = i
	}
	return i
}

// text tells decisions apart.
func (d *decision) text() string {
	if len(d.steps) == 0 {
		return string([]byte{byte(d.final), byte(d.final >> 8), byte(d.final >> 16), byte(d.final >> 24)})
	}
	return fmt.Sprint(*d)
}

// simplify drops conditions that are always true, and reports whether all can
// be. An architecture with arguments of 32 bits ignores what is above them, and
// so does the comparison: a negative value counts as one of 32 bits, and any
// other beyond them equals no argument.
func (t *table) simplify(conds []Cond) (list []Cond, possible bool) {
	for _, c := range conds {
		if c.Op == MaskedEQ && t.narrow {
			if int64(c.Value)>>31 == -1 { // the mask covers it
				c.Value = uint64(uint32(c.Value))
			}
			c.Mask = uint64(uint32(c.Mask))
		} else if t.narrow && int64(c.Value)>>31 == -1 {
			c.Value = uint64(uint32(c.Value))
		}
		if t.narrow && c.Value>>32 != 0 {
			switch c.Op {
			case EQ, MaskedEQ, GE, GT:
				return nil, false
			}
			continue
		}
		if c.Op == MaskedEQ && c.Mask == 0 {
			continue
		}
		list = append(list, c)
	}
	return list, true
}

// segments cuts the numbers into as few ranges as there can be.
func (t *table) segments() (list []segment) {
	add := func(from uint32, d int) {
		if n := len(list); n > 0 && list[n-1].from == from {
			list = list[:n-1]
		}
		if n := len(list); n == 0 || list[n-1].d != d {
			list = append(list, segment{from, d})
		}
	}
	numbers := slices.Sorted(maps.Keys(t.singles))
	for i, base := range t.bases {
		end := uint64(1) << 32
		if i+1 < len(t.bases) {
			end = uint64(t.bases[i+1].from)
		}
		add(base.from, base.d)
		for len(numbers) > 0 && uint64(numbers[0]) < end {
			n := numbers[0]
			numbers = numbers[1:]
			add(n, t.singles[n])
			if uint64(n)+1 < end {
				add(n+1, base.d)
			}
		}
	}
	return list
}
