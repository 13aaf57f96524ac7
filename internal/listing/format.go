// Package listing puts a program into words: a step as strace would print the call, what
// an error says that the step was about, and the names of the numbers that calls take.
package listing

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"

	"github.com/sprog-dev/sprog/internal/program"
)

// Format returns the step at index i as strace would print the call. An
// argument that is the result of another step is written as name returns it.
func Format(p *program.Program, i int, name func(step int) string) string {
	s := &p.Steps[i]
	if s.Call == 0 || s.Call >= program.NumCalls {
		return s.Call.String() + "()"
	}
	l := line{p: p, s: s, i: i, name: name}
	if s.Call.IsOperation() {
		return l.operation()
	}
	l.WriteString(s.Call.String() + "(")
	for n, print := range callTable[s.Call].args {
		if n > 0 && !l.optional(print, n) {
			l.WriteString(", ")
		}
		l.arg(print, n)
	}
	l.WriteByte(')')
	l.jumps()
	return l.String()
}

// Object returns what the step at index i acts on, as an error names it: a
// path without quotes, a number or a list; or "" if it has no such thing.
func Object(p *program.Program, i int) string {
	s := &p.Steps[i]
	if s.Call == 0 || s.Call >= program.NumCalls || s.Call.IsOperation() {
		return ""
	}
	n := callTable[s.Call].object
	if s.Call == program.Prctl && s.Args[0].Value == prCapAmbient && s.Args[1].Value != prCapAmbientClearAll {
		n = 2
	}
	if s.Call == program.Prctl && isSwitch(s.Args[0].Value) {
		n = 0
	}
	if n < 0 || s.Call == program.Prctl && s.Args[n].Kind == program.Result || s.Call == program.Keyctl && s.Args[n].Kind == program.Number {
		return ""
	}
	switch s.Call {
	case program.Write:
		return written(p, s)
	case program.SchedSetattr:
		return scheduled(p, s)
	case program.LandlockAddRule:
		return ruledBy(p, s)
	case program.Fsconfig, program.Fsmount, program.Mkdirat, program.Mknodat, program.MoveMount, program.MountSetattr, program.OpenTree, program.Readlinkat, program.Symlinkat:
		return mountedBy(p, s)
	}
	if s.Call == program.Openat && s.Args[0].Kind == program.Result {
		return below(p, s.Args[0], s.Args[1])
	}
	if s.Call == program.Mount {
		return mountPlace(p, i)
	}
	l := line{p: p, s: s, i: i, name: func(int) string { return "" }}
	l.arg(callTable[s.Call].args[n], n)
	if path, err := strconv.Unquote(l.String()); err == nil {
		return path
	}
	return strings.Trim(l.String(), "[]")
}

// written is the file that a write goes to, if it was opened by a step, and
// what is written to it.
func written(p *program.Program, s *program.Step) string {
	text := strconv.Quote(strings.TrimSpace(string(p.BytesAt(s.Args[1], s.Args[2].Value))))
	if to := s.Args[0]; to.Kind == program.Result {
		if open := origin(p, to); open.Call == program.Openat {
			return p.StrAt(open.Args[1]) + " " + text
		}
	}
	return text
}

// origin is the step that a result comes from, if by way of a move.
func origin(p *program.Program, result program.Arg) *program.Step {
	s := p.StepOf(result)
	if s.Call == program.Move && s.Args[0].Kind == program.Recorded {
		return p.StepOf(s.Args[0])
	}
	return s
}

// A line is one formatted call while it is being written.
type line struct {
	strings.Builder
	p    *program.Program
	s    *program.Step
	i    int
	name func(step int) string
}

// A call is how a system call is listed.
type call struct {
	args   []printer
	object int // the argument that an error about the call names, or -1
}

// A printer writes argument n of the call.
type printer func(l *line, n int)

func (l *line) arg(print printer, n int) {
	switch a := l.s.Args[n]; a.Kind {
	case program.Result:
		l.WriteString(l.result(int(a.Value)))
	case program.Steps:
		l.WriteString("steps")
	case program.Hole:
		l.WriteString(l.p.Holes[a.Value].String())
	default:
		print(l, n)
	}
}

// optional reports whether the argument prints nothing, not even a comma.
func (l *line) optional(print printer, n int) bool {
	mark := l.Len()
	probe := line{p: l.p, s: l.s, i: l.i, name: l.name}
	probe.arg(print, n)
	return probe.Len() == 0 && mark > 0
}

func (l *line) value(n int) uint64 { return l.s.Args[n].Value }

// word returns the i-th 64-bit word of the data that argument n points to.
func (l *line) word(n, i int) uint64 {
	b := l.p.BytesAt(l.s.Args[n], uint64(8*i+8))
	if len(b) < 8*i+8 {
		return 0
	}
	return binary.NativeEndian.Uint64(b[8*i:])
}

func (l *line) uint32(n, i int) uint32 {
	b := l.p.BytesAt(l.s.Args[n], uint64(4*i+4))
	if len(b) < 4*i+4 {
		return 0
	}
	return binary.NativeEndian.Uint32(b[4*i:])
}

func (l *line) null(n int) bool {
	if l.s.Args[n].Kind == program.Number && l.value(n) == 0 {
		l.WriteString("NULL")
		return true
	}
	return false
}

func number(l *line, n int)   { l.WriteString(strconv.FormatInt(int64(l.value(n)), 10)) }
func octal(l *line, n int)    { l.WriteString(fmt.Sprintf("0%02o", l.value(n))) }
func unsigned(l *line, n int) { l.WriteString(hexIfHuge(l.value(n))) }

// id prints a user or group. The highest is no user but stands for none.
func id(l *line, n int) {
	if v := uint32(l.value(n)); v != ^uint32(0) {
		l.WriteString(strconv.FormatUint(uint64(v), 10))
		return
	}
	l.WriteString("-1")
}

func hexIfHuge(v uint64) string {
	if v >= 1<<31 {
		return "0x" + strconv.FormatUint(v, 16)
	}
	return strconv.FormatUint(v, 10)
}

func address(l *line, n int) {
	if !l.null(n) {
		l.WriteString(l.place(l.s.Args[n]))
	}
}

func str(l *line, n int) {
	if !l.null(n) {
		l.WriteString(strconv.Quote(l.p.StrAt(l.s.Args[n])))
	}
}

// text prints a buffer whose length is the next argument.
func text(l *line, n int) {
	if l.label(n) {
		return
	}
	l.WriteString(strconv.Quote(string(l.p.BytesAt(l.s.Args[n], l.value(n+1)))))
}

func argv(l *line, n int) {
	list := l.p.StrsAt(l.s.Args[n])
	const most = 32
	l.WriteByte('[')
	for i, s := range list[:min(len(list), most)] {
		if i > 0 {
			l.WriteString(", ")
		}
		l.WriteString(strconv.Quote(s))
	}
	if len(list) > most {
		l.WriteString(", ...")
	}
	l.WriteByte(']')
}

func envp(l *line, n int) {
	count := len(l.p.StrsAt(l.s.Args[n]))
	plural := "s"
	if count == 1 {
		plural = ""
	}
	l.WriteString("[/* " + strconv.Itoa(count) + " var" + plural + " */]")
}

func groups(l *line, n int) {
	l.WriteByte('[')
	for i := range len(l.p.BytesAt(l.s.Args[n], 4*l.value(0))) / 4 {
		if i > 0 {
			l.WriteString(", ")
		}
		l.WriteString(strconv.FormatUint(uint64(l.uint32(n, i)), 10))
	}
	l.WriteByte(']')
}

func sigset(l *line, n int) {
	if l.null(n) || l.label(n) {
		return
	}
	set := l.word(n, 0)
	if set == ^uint64(0) {
		l.WriteString("~[]")
		return
	}
	l.WriteByte('[')
	sep := ""
	for sig := range 64 {
		if set>>sig&1 != 0 {
			l.WriteString(sep + strings.TrimPrefix(SignalName(sig+1), "SIG"))
			sep = " "
		}
	}
	l.WriteByte(']')
}

func rlimit(l *line, n int) {
	if l.null(n) {
		return
	}
	l.WriteString("{rlim_cur=" + limit(l.word(n, 0)) + ", rlim_max=" + limit(l.word(n, 1)) + "}")
}

func limit(v uint64) string {
	if v == ^uint64(0) {
		return "RLIM64_INFINITY"
	}
	return strconv.FormatUint(v, 10)
}

// sigaction prints an action that has no handler: the child never sets one.
func sigaction(l *line, n int) {
	if !l.null(n) && !l.label(n) {
		l.WriteString("{sa_handler=" + names{0: "SIG_DFL", 1: "SIG_IGN"}.of(l.word(n, 0)) + ", sa_mask=[], sa_flags=0}")
	}
}

// capHeader prints what the process is that capget and capset are about.
func capHeader(l *line, n int) {
	l.WriteString("{version=_LINUX_CAPABILITY_VERSION_3, pid=" + strconv.Itoa(int(l.uint32(n, 1))) + "}")
}

// capData prints the sets that a capset step sets: those that the capget step
// before it has read, with bits cleared and set by the steps between.
func capData(l *line, n int) {
	own := ""
	var cleared, added [3]uint64
	for i := range l.p.Steps[:l.i] {
		s := &l.p.Steps[i]
		if s.Call == program.Capget {
			own = l.name(i)
		}
		word := (int64(s.Out[0].Pos) - int64(l.value(n))) / 4
		if s.Call == program.Move && s.Out[0].Kind == program.ToData && word >= 0 && word < 6 {
			added[word%3] |= s.Args[2].Value << (word / 3 * 32)
			cleared[word%3] |= s.Args[3].Value << (word / 3 * 32)
		}
	}
	for i, set := range []string{"{effective=", ", permitted=", ", inheritable="} {
		l.WriteString(set + editedCaps(own, cleared[i], added[i]))
	}
	l.WriteByte('}')
}

// editedCaps is a capability set that has come out of another.
func editedCaps(own string, cleared, added uint64) string {
	all := cleared == ^uint64(0)
	cleared &^= added
	switch {
	case all && added == 0:
		return "0"
	case all:
		return capBits(added)
	case cleared != 0 && added != 0:
		return own + "&~(" + capBits(cleared) + ")|" + capBits(added)
	case cleared != 0:
		return own + "&~(" + capBits(cleared) + ")"
	case added != 0:
		return own + "|" + capBits(added)
	}
	return own
}

func capBits(set uint64) string {
	var list []string
	for c := range uint64(64) {
		if set>>c&1 != 0 {
			list = append(list, "1<<"+CapName(c))
		}
	}
	return strings.Join(list, "|")
}

// filter prints a struct sock_fprog: the number of instructions.
func filter(l *line, n int) {
	l.WriteString("{len=" + strconv.FormatUint(l.word(n, 0), 10) + "}")
}

func ioctlArg(l *line, n int) {
	a := l.s.Args[n]
	switch {
	case a.Kind != program.Address:
		number(l, n)
	case l.value(n-1) == siocsifflags:
		l.WriteString("{ifr_name=" + strconv.Quote(l.p.StrAt(a)) + ", ifr_flags=" + flagNames(l.word(n, 2), interfaceFlags) + "}")
	case l.uint32(n, 0) != 0:
		l.WriteString("[" + strconv.Itoa(int(l.uint32(n, 0))) + "]")
	default:
		l.WriteString("[" + l.place(a) + "]")
	}
}

// fcntlArg prints the flags of F_SETFD and F_SETFL.
func fcntlArg(l *line, n int) {
	switch l.value(1) {
	case fSetfd:
		fdFlags(l, n)
	case fSetfl:
		fileFlags(l, n)
	default:
		number(l, n)
	}
}

func optionalMode(l *line, n int) {
	const oCreat = 0o100
	if l.value(n-1)&oCreat != 0 {
		octal(l, n)
	}
}
