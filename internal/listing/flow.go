package listing

import (
	"strconv"
	"strings"

	"github.com/sprog-dev/sprog/internal/program"
)

// operation formats the machine's own operations, as assignments and jumps.
func (l *line) operation() string {
	if l.s.Call == program.Test {
		l.WriteString("if " + l.place(l.s.Args[0]) + " == " + l.compared() + " goto " + l.name(l.i+int(int64(l.value(2)))))
		l.jumps()
		return l.String()
	}
	return l.destination() + " = " + l.moved()
}

// compared is what a test compares with.
func (l *line) compared() string {
	a := l.s.Args[1]
	if a.Kind == program.Result {
		return l.result(int(a.Value))
	}
	switch word := l.place(l.s.Args[0]); {
	case strings.HasSuffix(word, "si_code"):
		return names{1: "CLD_EXITED", 5: "CLD_STOPPED", 6: "CLD_CONTINUED", 128: "SI_KERNEL"}.of(a.Value)
	case l.fedBy(l.s.Args[0]) == program.RtSigtimedwait:
		return SignalName(int(a.Value))
	}
	return strconv.FormatInt(int64(a.Value), 10)
}

// moved is what a move stores.
func (l *line) moved() string {
	a := l.s.Args
	word := l.place(a[0])
	if a[3].Value != 0 {
		word += " & ~0x" + strconv.FormatUint(a[3].Value, 16)
	}
	if a[2].Value != 0 {
		word += " | 0x" + strconv.FormatUint(a[2].Value, 16)
	}
	if a[1].Value != 0 {
		word += " + " + strconv.FormatInt(int64(a[1].Value), 10)
	}
	return word
}

func (l *line) destination() string {
	switch out := l.s.Out[0]; out.Kind {
	case program.ToArg:
		return l.name(int(out.Step)) + ".arg" + strconv.Itoa(int(out.Pos))
	case program.ToData:
		return "*" + l.place(program.Arg{Kind: program.Address, Value: uint64(out.Pos)})
	}
	return "_"
}

// result names the result of a step: by its number, or, if it is a move that
// does no more than to fill in arguments, by what it moves.
func (l *line) result(step int) string {
	if s := &l.p.Steps[step]; FillsIn(s) {
		from := line{p: l.p, s: s, i: step, name: l.name}
		return from.moved()
	}
	return l.name(step)
}

// FillsIn reports whether the step is a move whose only purpose is to fill in
// arguments of other steps. A listing shows it there.
func FillsIn(s *program.Step) bool {
	return s.Call == program.Move && s.Out[0].Kind == program.ToArg && s.Out[1].Kind != program.ToData
}

// jumps appends where the child goes on if not with the following step. That
// an error is ignored, or the step just done again, is left out.
func (l *line) jumps() {
	here, next, always := l.name(l.i), l.name(l.i+1), l.name(l.i+int(l.s.Next))
	if l.s.Next == 0 || always == here {
		always = next
	}
	jump := func(when, to string) {
		if to != here && to != always {
			l.WriteString(", " + when + " goto " + to)
		}
	}
	for _, c := range l.s.Catch {
		to := l.i + int(c.To)
		switch c.Errno {
		case 0:
		case program.AnyErrno:
			jump("on error", l.name(to))
		default:
			jump("on "+errnoName(uint64(c.Errno)), l.name(to))
		}
	}
	switch {
	case always == next:
	case l.s.Call == program.Test:
		l.WriteString(", else goto " + always)
	default:
		l.WriteString(", then goto " + always)
	}
}

// errnoName is the name of an errno that steps jump on.
func errnoName(v uint64) string {
	return names{2: "ENOENT", 9: "EBADF", 4: "EINTR", 10: "ECHILD", 11: "EAGAIN", 13: "EACCES", 20: "ENOTDIR", 22: "EINVAL", 26: "ETXTBSY"}.of(v)
}

// place names a place in the data, which has no address yet: by its label, by
// the step whose result it holds, or by its offset.
func (l *line) place(a program.Arg) string {
	switch a.Kind {
	case program.Recorded:
		return l.name(int(a.Value))
	case program.Address:
	default:
		return "0x" + strconv.FormatUint(a.Value, 16)
	}
	if name := labelAt(l.p, a); name != "" {
		return name
	}
	for i := range l.p.Steps {
		for _, out := range l.p.Steps[i].Out {
			if out.Kind == program.ToData && uint64(out.Pos) == a.Value {
				return l.name(i)
			}
		}
	}
	return "data+" + strconv.FormatUint(a.Value, 10)
}

// fedBy is the call whose result a place holds.
func (l *line) fedBy(a program.Arg) program.Call {
	for i := range l.p.Steps {
		for _, out := range l.p.Steps[i].Out {
			if out.Kind == program.ToData && uint64(out.Pos) == a.Value {
				return l.p.Steps[i].Call
			}
		}
	}
	return 0
}

// label prints the label of an argument, if it has one.
func (l *line) label(n int) bool {
	name := labelAt(l.p, l.s.Args[n])
	l.WriteString(name)
	return name != ""
}

func labelAt(p *program.Program, a program.Arg) string {
	for _, label := range p.Labels {
		if a.Kind == program.Address && label.At == a.Value {
			return label.Name
		}
	}
	return ""
}
