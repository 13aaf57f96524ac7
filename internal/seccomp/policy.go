// Package seccomp compiles policies for system calls into classic BPF programs,
// as seccomp(2) takes them. It touches no kernel state and builds on every
// platform.
package seccomp

import (
	"errors"
	"fmt"
	"slices"
)

//go:generate go run gen.go

// A Policy says what becomes of each system call. The rules are looked at in
// their order, and the first that matches decides.
type Policy struct {
	Archs   []Arch
	Rules   []Rule
	Default Action // where no rule matches
	BadArch Action // for calls of other architectures
}

// A Rule is an action for calls that have one of the names and fulfil every
// condition.
type Rule struct {
	Names  []string
	Args   []Cond
	Action Action
}

// A Cond compares an argument of the call, as a number without sign.
type Cond struct {
	Index int // 0 to 5
	Op    Op
	Value uint64
	Mask  uint64 // for MaskedEQ
}

// An Op is how an argument is compared with the value.
type Op uint8

const (
	_        Op = iota
	NE          // argument != value
	LT          // argument < value
	LE          // argument <= value
	EQ          // argument == value
	GE          // argument >= value
	GT          // argument > value
	MaskedEQ    // argument & mask == value

	numOps
)

// An Action is what a filter returns; see seccomp(2).
type Action uint32

const (
	KillThread  Action = 0
	Trap        Action = 0x0003_0000
	Errno       Action = 0x0005_0000 // with the errno in the low 16 bits
	Notify      Action = 0x7fc0_0000
	Trace       Action = 0x7ff0_0000 // with a message for the tracer in the low 16 bits
	Log         Action = 0x7ffc_0000
	Allow       Action = 0x7fff_0000
	KillProcess Action = 0x8000_0000
)

// Kind is the action without its data.
func (a Action) Kind() Action { return a &^ 0xffff }

// stricter returns the action that the kernel would choose out of the results
// of two filters.
func stricter(a, b Action) Action {
	if int32(a.Kind()) <= int32(b.Kind()) { // kill process is the lowest of all
		return a
	}
	return b
}

// An UnknownName is the error about a name that no system call has.
type UnknownName string

func (u UnknownName) Error() string { return fmt.Sprintf("%q is no system call", string(u)) }

// Check reports what is wrong with a rule.
func (r *Rule) Check() error {
	if len(r.Names) == 0 {
		return errors.New("names no system call")
	}
	for _, name := range r.Names {
		if find(name) < 0 {
			return UnknownName(name)
		}
	}
	for _, c := range r.Args {
		if err := c.check(); err != nil {
			return err
		}
	}
	return nil
}

func (c *Cond) check() error {
	switch {
	case c.Index < 0 || c.Index > 5:
		return fmt.Errorf("a system call has no argument %d: they are 0 to 5", c.Index)
	case c.Op == 0 || c.Op >= numOps:
		return fmt.Errorf("the condition on argument %d has no operator", c.Index)
	case c.Op == MaskedEQ && c.Value&^c.Mask != 0:
		return fmt.Errorf("the condition on argument %d is never true: the value 0x%x has bits outside of the mask 0x%x", c.Index, c.Value, c.Mask)
	case c.Op != MaskedEQ && c.Mask != 0:
		return fmt.Errorf("the condition on argument %d has a mask, and an operator that uses none", c.Index)
	}
	return nil
}

// Has reports whether some call may have an action of that kind.
func (p *Policy) Has(kind Action) bool {
	return p.Default.Kind() == kind || slices.ContainsFunc(p.Rules, func(r Rule) bool { return r.Action.Kind() == kind })
}

// Outcomes returns what the policy may do with a call by name on an
// architecture, which is one action if it does not depend on arguments.
func (p *Policy) Outcomes(arch Arch, name string) []Action {
	if !slices.Contains(p.Archs, arch) {
		return []Action{p.BadArch}
	}
	var list []Action
	for i := range p.Rules {
		if r := &p.Rules[i]; slices.Contains(r.Names, name) {
			list = append(list, r.Action)
			if len(r.Args) == 0 {
				return list
			}
		}
	}
	return append(list, p.Default)
}
