package seccomp

import (
	"cmp"
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
	named := p.calls()
	var a assembler
	next := result(p.BadArch)
	for _, audit := range slices.Backward(p.audits()) {
		t := newTable(p, named, audit)
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
	index     map[string]int // of each decision with steps, by its text
	singles   []segment      // the decisions of numbers that rules name, in order
	bases     []segment      // and of all others
	blocks    map[int]target // the code of those decisions that have steps
}

// A segment is a range of numbers with the same decision, up to the next one.
type segment struct {
	from uint32
	d    int
}

func newTable(p *Policy, named [][]*call, audit uint32) *table {
	t := &table{index: map[string]int{}, blocks: map[int]target{}}
	other, bad := t.decide(nil, p.Default), t.decide(nil, p.BadArch)
	t.bases = []segment{{0, other}}
	var list []entry
	for _, arch := range p.Archs {
		if archs[arch].audit == audit {
			t.narrow = archs[arch].narrow
			list = p.entries(list, named, arch)
		}
	}
	slices.SortStableFunc(list, func(a, b entry) int { return cmp.Compare(a.number, b.number) })
	var steps []step
	for i, e := range list {
		steps = append(steps, e.step)
		if i+1 == len(list) || list[i+1].number != e.number {
			t.singles = append(t.singles, segment{e.number, t.decide(steps, p.Default)})
			steps = steps[:0]
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

// calls looks up the names of each rule.
func (p *Policy) calls() [][]*call {
	named := make([][]*call, len(p.Rules))
	for i := range p.Rules {
		for _, name := range p.Rules[i].Names {
			named[i] = append(named[i], &calls[find(name)])
		}
	}
	return named
}

// An entry is what a rule says of a number.
type entry struct {
	number uint32
	step   step
}

// entries lists what the rules say of each number, in their order. A call that
// makes others has a list of its own.
func (p *Policy) entries(list []entry, named [][]*call, arch Arch) []entry {
	own := func(number uint32) bool { return false }
	if arch == X86 {
		own = func(number uint32) bool { return number == multiplexers[0].number || number == multiplexers[1].number }
		for i := range multiplexers {
			m := &multiplexers[i]
			for _, s := range p.multiplexed(m) {
				list = append(list, entry{m.number, s})
			}
		}
	}
	for i := range p.Rules {
		for _, c := range named[i] {
			numbers, n := c.on(arch)
			for _, number := range numbers[:n] {
				if !own(number) {
					list = append(list, entry{number, step{p.Rules[i].Args, p.Rules[i].Action}})
				}
			}
		}
	}
	return list
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
			sub, ok := m.sub(name)
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
	return t.indexOf(d)
}

// indexOf returns the index of a decision, which may be new.
func (t *table) indexOf(d decision) int {
	if len(d.steps) == 0 {
		same := func(e decision) bool { return len(e.steps) == 0 && e.final == d.final }
		if i := slices.IndexFunc(t.decisions, same); i >= 0 {
			return i
		}
		t.decisions = append(t.decisions, d)
		return len(t.decisions) - 1
	}
	text := fmt.Sprint(d)
	i, ok := t.index[text]
	if !ok {
		i = len(t.decisions)
		t.decisions = append(t.decisions, d)
		t.index[text] = i
	}
	return i
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
	singles := t.singles
	for i, base := range t.bases {
		end := uint64(1) << 32
		if i+1 < len(t.bases) {
			end = uint64(t.bases[i+1].from)
		}
		add(base.from, base.d)
		for len(singles) > 0 && uint64(singles[0].from) < end {
			one := singles[0]
			singles = singles[1:]
			add(one.from, one.d)
			if uint64(one.from)+1 < end {
				add(one.from+1, base.d)
			}
		}
	}
	return list
}
