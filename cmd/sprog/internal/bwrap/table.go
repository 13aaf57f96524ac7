package bwrap

import (
	"slices"
	"strings"
)

// A declared option: how many arguments it takes, and what it does.
type declared struct {
	takes int
	apply func(*parser) error
	// says is what bwrap calls the option in the message that an argument is lacking, if that is
	// not its name; one has it count them.
	says string
	one  bool
}

// lacking is the message that arguments are lacking.
func (d *declared) lacking(option string) string {
	if d.says != "" {
		option = d.says
	}
	switch {
	case d.takes == 3:
		return option + " takes three arguments"
	case d.takes == 2:
		return option + " takes two arguments"
	case d.one:
		return option + " takes one argument"
	default:
		return option + " takes an argument"
	}
}

func set(f func(*Options)) *declared {
	return &declared{apply: func(p *parser) error { f(p.o); return nil }}
}

// descriptor is an option that names a descriptor, the last time that it is given.
func descriptor(to func(*Options) *int) *declared {
	return &declared{takes: 1, apply: func(p *parser) (err error) {
		p.once()
		*to(p.o), err = p.fd(p.values[0])
		return err
	}}
}

// text is an option that says something, the last time that it is given.
func text(to func(*Options) *string) *declared {
	return &declared{takes: 1, apply: func(p *parser) error {
		p.once()
		*to(p.o) = p.values[0]
		return nil
	}}
}

func id(what string, to func(*Options) *int) *declared {
	return &declared{takes: 1, apply: func(p *parser) error {
		p.once()
		n, ok := number(p.values[0])
		if !ok {
			return mistake("Invalid " + what + ": " + p.values[0])
		}
		*to(p.o) = n
		return nil
	}}
}

func bind(kind Kind, try bool) *declared {
	return &declared{takes: 2, apply: func(p *parser) error {
		return p.add(Op{Kind: kind, Source: p.values[0], Dest: p.values[1], FD: -1, Perms: -1, Try: try})
	}}
}

// withFD is an option with a descriptor and a destination.
func withFD(kind Kind, says string, perms int) *declared {
	return &declared{takes: 2, says: says, apply: func(p *parser) error {
		fd, err := p.fd(p.values[0])
		if err != nil {
			return err
		}
		op := Op{Kind: kind, FD: fd, Dest: p.values[1], Perms: -1}
		if perms >= 0 {
			op.Perms = p.takePerms(perms)
		}
		return p.add(op)
	}}
}

// at is an option with a destination alone.
func at(kind Kind, perms int) *declared {
	return &declared{takes: 1, one: kind == RemountReadOnly, apply: func(p *parser) error {
		op := Op{Kind: kind, Dest: p.values[0], FD: -1, Perms: -1}
		if perms >= 0 {
			op.Perms = p.takePerms(perms)
		}
		if kind == Tmpfs {
			op.Size, p.size = p.size, 0
		}
		return p.add(op)
	}}
}

// overlay is an option that puts collected layers together.
func overlay(kind Kind, takes, least int) *declared {
	return &declared{takes: takes, apply: func(p *parser) error {
		if len(p.lower) < least {
			return mistake(p.option + " requires at least " + [...]string{1: "one", 2: "two"}[least] + " --overlay-src")
		}
		op := Op{Kind: kind, Lower: p.lower, Dest: p.values[takes-1], FD: -1, Perms: -1}
		if takes == 3 {
			op.Source, op.Work = p.values[0], p.values[1]
		}
		p.lower = nil
		return p.add(op)
	}}
}

func capEdit(add bool) *declared {
	return &declared{takes: 1, apply: func(p *parser) error {
		name := p.values[0]
		if !strings.EqualFold(name, "all") && !p.KnownCap(name) {
			return mistake("unknown cap: " + name)
		}
		p.o.CapEdits = append(p.o.CapEdits, CapEdit{add, name})
		return nil
	}}
}

// setenv has a variable be the last of its name.
func (p *parser) setenv(name, value string) {
	p.unsetenv(name)
	p.o.Env = append(p.o.Env, name+"="+value)
}

func (p *parser) unsetenv(name string) {
	p.o.Env = slices.DeleteFunc(p.o.Env, func(e string) bool { return strings.HasPrefix(e, name+"=") })
}
