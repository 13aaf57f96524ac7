//go:build amd64 || arm64

package compile

import (
	"slices"
	"strings"

	"github.com/sprog-dev/sprog/internal/program"
	"github.com/sprog-dev/sprog/internal/spec"
)

// A program is compiled without the descriptors, the strings and the namespaces of one start, and
// bound to them afterwards. So it can be compiled once and started often, each time as a
// copy, and a plan is the listing of one that has no descriptors yet.

// Copy is the plan in other memory, to be bound to another start.
func (m *Plan) Copy(to *Memory) Plan {
	c := *m
	c.First = &to.first
	c.First.CopyFrom(m.First)
	if m.Second != nil {
		c.Second = &to.second
		c.Second.CopyFrom(m.Second)
	}
	if c.last = c.First; m.last == m.Second {
		c.last = c.Second
	}
	c.Held = append(to.fds.held[:0], m.Held...)
	c.moves.from = slices.Grow(to.from[:0], len(m.Held))
	return c
}

// BindStrings fills in what is executed, and the working directory.
func (m *Plan) BindStrings(path, dir string, argv, env []string) {
	p := m.last
	if m.dir.Kind == program.Hole {
		p.Fill(m.dir, p.Str(dir))
	}
	if m.path.Kind == program.Hole {
		p.Fill(m.path, p.Str(path))
	}
	if m.again.Kind == program.Hole {
		p.Fill(m.again, p.Str(path))
	}
	args, vars := p.Strs(argv), p.Strs(env)
	p.Fill(m.argv, args)
	p.Fill(m.env, vars)
	for _, other := range m.others {
		p.Fill(other[0], args)
		p.Fill(other[1], vars)
	}
	m.bindPWD(vars, env)
}

// Strings are where the arguments and the variables are.
func (m *Plan) Strings() (argv, env program.Arg) {
	return m.last.ValueOf(m.argv), m.last.ValueOf(m.env)
}

// bindPWD has PWD be the text that the child puts its working directory into.
func (m *Plan) bindPWD(vars program.Arg, env []string) {
	if m.pwd == (program.Arg{}) {
		return
	}
	for i, kv := range env {
		if strings.HasPrefix(kv, "PWD=") {
			m.last.SetWord(vars.Plus(8*i), m.pwd.Value) // which is made an address as what was there
		}
	}
}

// BindView fills in this process's working directory.
func (m *Plan) BindView(dir string) {
	if m.cwd.Kind == program.Hole {
		m.last.Fill(m.cwd, m.last.Str(dir))
	}
}

// BindJoins fills in the namespaces that the first stage joins.
func (m *Plan) BindJoins(list []spec.Joined) {
	for i, hole := range m.joined {
		m.First.Fill(hole, Num(list[i].Fd))
	}
}
