package listing

import (
	"math/bits"
	"strconv"

	"github.com/sprog-dev/sprog/internal/program"
)

// The names of Landlock's rights, scopes and flags, in the order of their
// bits, as landlock(7) has them.
var (
	landlockFS = []flag{
		{1 << 0, "LANDLOCK_ACCESS_FS_EXECUTE"}, {1 << 1, "LANDLOCK_ACCESS_FS_WRITE_FILE"}, {1 << 2, "LANDLOCK_ACCESS_FS_READ_FILE"},
		{1 << 3, "LANDLOCK_ACCESS_FS_READ_DIR"}, {1 << 4, "LANDLOCK_ACCESS_FS_REMOVE_DIR"}, {1 << 5, "LANDLOCK_ACCESS_FS_REMOVE_FILE"},
		{1 << 6, "LANDLOCK_ACCESS_FS_MAKE_CHAR"}, {1 << 7, "LANDLOCK_ACCESS_FS_MAKE_DIR"}, {1 << 8, "LANDLOCK_ACCESS_FS_MAKE_REG"},
		{1 << 9, "LANDLOCK_ACCESS_FS_MAKE_SOCK"}, {1 << 10, "LANDLOCK_ACCESS_FS_MAKE_FIFO"}, {1 << 11, "LANDLOCK_ACCESS_FS_MAKE_BLOCK"},
		{1 << 12, "LANDLOCK_ACCESS_FS_MAKE_SYM"}, {1 << 13, "LANDLOCK_ACCESS_FS_REFER"}, {1 << 14, "LANDLOCK_ACCESS_FS_TRUNCATE"},
		{1 << 15, "LANDLOCK_ACCESS_FS_IOCTL_DEV"}, {1 << 16, "LANDLOCK_ACCESS_FS_RESOLVE_UNIX"},
	}
	landlockNet = []flag{
		{1 << 0, "LANDLOCK_ACCESS_NET_BIND_TCP"}, {1 << 1, "LANDLOCK_ACCESS_NET_CONNECT_TCP"}, {1 << 2, "LANDLOCK_ACCESS_NET_BIND_UDP"},
		{1 << 3, "LANDLOCK_ACCESS_NET_CONNECT_SEND_UDP"},
	}
	landlockScopes = []flag{{1 << 0, "LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET"}, {1 << 1, "LANDLOCK_SCOPE_SIGNAL"}}
	landlockFlags  = []flag{
		{1 << 0, "LANDLOCK_RESTRICT_SELF_LOG_SAME_EXEC_OFF"}, {1 << 1, "LANDLOCK_RESTRICT_SELF_LOG_NEW_EXEC_ON"}, {1 << 2, "LANDLOCK_RESTRICT_SELF_LOG_SUBDOMAINS_OFF"},
		{1 << 3, "LANDLOCK_RESTRICT_SELF_TSYNC"},
	}
)

// LandlockFS returns the names of rights to files, joined by "|".
func LandlockFS(v uint64) string { return flagNames(v, landlockFS) }

// LandlockNet returns the names of rights to ports.
func LandlockNet(v uint64) string { return flagNames(v, landlockNet) }

// LandlockScopes returns the names of scopes.
func LandlockScopes(v uint64) string { return flagNames(v, landlockScopes) }

// LandlockFlags returns the names of flags of landlock_restrict_self.
func LandlockFlags(v uint64) string { return flagNames(v, landlockFlags) }

func landlockRuleType(l *line, n int) {
	l.enum(n, names{program.LandlockRulePath: "LANDLOCK_RULE_PATH_BENEATH", program.LandlockRulePort: "LANDLOCK_RULE_NET_PORT"})
}

// manyRights prints a set of more than half of all rights by those that it
// has not, which is shorter.
func manyRights(v uint64, list []flag) string {
	all := uint64(1)<<len(list) - 1
	if v&^all == 0 && bits.OnesCount64(v) > len(list)/2 {
		if v == all {
			return "~0"
		}
		return "~(" + flagNames(all&^v, list) + ")"
	}
	return flagNames(v, list)
}

// landlockRuleset prints a struct landlock_ruleset_attr.
func landlockRuleset(l *line, n int) {
	if l.null(n) {
		return
	}
	l.WriteString("{handled_access_fs=" + manyRights(l.word(n, 0), landlockFS))
	if v := l.word(n, 1); v != 0 {
		l.WriteString(", handled_access_net=" + flagNames(v, landlockNet))
	}
	if v := l.word(n, 2); v != 0 {
		l.WriteString(", scoped=" + flagNames(v, landlockScopes))
	}
	l.WriteByte('}')
}

// landlockRule prints a struct landlock_path_beneath_attr, or a struct
// landlock_net_port_attr, by the type of the rule in the argument before.
func landlockRule(l *line, n int) {
	rights := l.word(n, 0)
	if l.value(n-1) == program.LandlockRulePort {
		l.WriteString("{allowed_access=" + flagNames(rights, landlockNet) + ", port=" + strconv.FormatUint(l.word(n, 1), 10) + "}")
		return
	}
	l.WriteString("{allowed_access=" + manyRights(rights, landlockFS) + ", parent_fd=" + l.descriptorAt(l.s.Args[n].Value+8) + "}")
}

// descriptorAt is what the word at an offset holds: the result of a step,
// maybe by way of another word, or a number that is there from the beginning.
func (l *line) descriptorAt(at uint64) string {
	for i := range l.p.Steps {
		s := &l.p.Steps[i]
		for _, out := range s.Out {
			if out.Kind != program.ToData || uint64(out.Pos) != at {
				continue
			}
			if s.Call == program.Move {
				return l.descriptorAt(s.Args[0].Value)
			}
			return l.name(i)
		}
	}
	probe := line{p: l.p, s: &program.Step{Args: [6]program.Arg{{Kind: program.Address, Value: at}}}}
	return strconv.Itoa(int(int32(probe.uint32(0, 0))))
}

// ruledBy is what a Landlock rule is about: a port, or the path that a step
// has opened for it.
func ruledBy(p *program.Program, s *program.Step) string {
	l := line{p: p, s: s}
	if s.Args[1].Value == program.LandlockRulePort {
		return "port " + strconv.FormatUint(l.word(2, 1), 10)
	}
	path := ""
	l.name = func(step int) string {
		path = p.StrAt(p.Steps[step].Args[1])
		return ""
	}
	if fd := l.descriptorAt(s.Args[2].Value + 8); path == "" {
		return "descriptor " + fd
	}
	return path
}

func landlockRestrictFlags(l *line, n int) { l.WriteString(LandlockFlags(l.value(n))) }
