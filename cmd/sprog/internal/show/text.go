//go:build linux

package show

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Quote is a text in which no terminal finds an order.
func Quote(s string) string {
	if printable(s) && s != "" {
		return s
	}
	return strconv.Quote(s)
}

func printable(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) })
}

// A Row is a line of the table; one without a value is a heading.
type Row struct {
	Name, Value string
	Missing     bool // the value is the reason why there is none
}

// A table is what people read.
type table struct {
	rows []Row
	p    *Process
}

func (t *table) head(name string) { t.rows = append(t.rows, Row{Name: name}) }

func (t *table) row(name, value string) {
	if value == "" {
		value = "none"
	}
	t.rows = append(t.rows, Row{Name: name, Value: value})
}

// known adds a value that may be missing.
func known[T any](t *table, name, key string, value *T, form func(T) string) {
	if value == nil {
		t.rows = append(t.rows, Row{name, t.p.Unreadable[key], true})
		return
	}
	t.row(name, form(*value))
}

// list adds a list that may be missing.
func (t *table) list(name, key string, list []string) {
	if list == nil && t.p.Unreadable[key] != "" {
		t.rows = append(t.rows, Row{name, t.p.Unreadable[key], true})
		return
	}
	t.row(name, strings.Join(list, " "))
}

// Table has the same as the JSON form, in lines.
func (p *Process) Table() []Row {
	t := &table{p: p}
	t.identity()
	t.protections()
	t.namespaces()
	t.limits()
	t.scheduling()
	t.rest()
	return t.rows
}

func (t *table) identity() {
	p := t.p
	t.head("process")
	t.row("number", joined(p.Numbers, strconv.Itoa, ", and in its own PID namespace ", p.PID))
	t.row("name", Quote(p.Name))
	quoted := make([]string, len(p.Args))
	for i, arg := range p.Args {
		quoted[i] = ShellWord(arg)
	}
	t.list("arguments", "args", quoted)
	known(t, "executable", "executable", p.Executable, Quote)
	t.row("state", p.State)
	t.row("parent", strconv.Itoa(p.Parent))
	t.row("threads", strconv.Itoa(p.Threads))
	t.head("identity")
	t.row("user", p.UID.text())
	t.row("group", p.GID.text())
	t.row("groups", joined(p.Groups, strconv.Itoa, " ", -1))
}

// joined are numbers but for those that are one.
func joined(list []int, form func(int) string, between string, but int) string {
	words := []string{}
	for i, n := range list {
		if i == 0 || n != but {
			words = append(words, form(n))
		}
	}
	if len(words) == 0 && but >= 0 {
		return form(but)
	}
	return strings.Join(words, between)
}

func (ids IDs) text() string {
	if ids.Real == ids.Effective && ids.Saved == ids.Effective && ids.FileSystem == ids.Effective {
		return strconv.Itoa(ids.Effective)
	}
	return fmt.Sprintf("%d real, %d effective, %d saved, %d file system", ids.Real, ids.Effective, ids.Saved, ids.FileSystem)
}

func (t *table) protections() {
	p := t.p
	t.head("rights")
	c := p.Capabilities
	for _, set := range []struct {
		name string
		set  CapSet
	}{{"bounding", c.Bounding}, {"permitted", c.Permitted}, {"effective", c.Effective}, {"inheritable", c.Inheritable}, {"ambient", c.Ambient}} {
		t.row(set.name, set.set.text())
	}
	t.list("secure bits", "securebits", p.Securebits)
	known(t, "no_new_privs", "no_new_privs", p.NoNewPrivs, yesNo)
	known(t, "dumpable", "dumpable", p.Dumpable, itself)
	filters := p.Seccomp.Mode
	if n := p.Seccomp.Filters; n != nil && *n > 0 {
		filters = strconv.Itoa(*n) + " filter" + plural(*n)
	}
	t.row("system calls", filters)
	known(t, "store bypass", "speculation.store_bypass", p.Speculation.StoreBypass, itself)
	known(t, "indirect branches", "speculation.indirect_branch", p.Speculation.IndirectBranch, itself)
	known(t, "label", "label", p.Label, quoteAny)
	known(t, "session keyring", "session_keyring", p.Keyring, Quote)
	known(t, "personality", "personality", p.Personality, func(n uint32) string { return fmt.Sprintf("%#x", n) })
}

func yesNo(is bool) string {
	if is {
		return "yes"
	}
	return "no"
}

func plural(n int) string {
	if n == 1 {
		return ""
	}
	return "s"
}

// quoteAny leaves an empty text empty.
func quoteAny(s string) string {
	if s == "" {
		return ""
	}
	return Quote(s)
}

func (t *table) namespaces() {
	t.head("namespaces")
	for _, n := range t.p.Namespaces {
		known(t, n.Kind, "namespaces."+n.Kind, n.ID, func(id uint64) string {
			text := strconv.FormatUint(id, 10)
			if t.p.differs(n.Kind) {
				text += ", another one than here"
			}
			return text
		})
	}
	maps := func(lines []IDMap) (list []string) {
		for _, m := range lines {
			list = append(list, m.String())
		}
		return list
	}
	t.list("user ids", "uid_map", maps(t.p.UIDMap))
	t.list("group ids", "gid_map", maps(t.p.GIDMap))
	known(t, "setgroups", "setgroups", t.p.Setgroups, itself)
}

func (t *table) limits() {
	t.head("limits")
	for _, l := range t.p.Limits {
		value := l.Soft.String()
		if l.Hard != l.Soft {
			value += ", at most " + l.Hard.String()
		}
		t.row(l.Name, value)
	}
}

func (t *table) scheduling() {
	s := t.p.Scheduling
	t.head("scheduling")
	known(t, "policy", "scheduling.policy", s.Policy, func(name string) string {
		if s.Priority != 0 {
			name += ":" + strconv.Itoa(s.Priority)
		}
		if s.Runtime != 0 {
			name += fmt.Sprintf(" runtime %dns deadline %dns period %dns", s.Runtime, s.Deadline, s.Period)
		}
		if s.ResetOnFork {
			name += ", reset on fork"
		}
		return name
	})
	known(t, "nice", "scheduling.nice", s.Nice, strconv.Itoa)
	known(t, "CPUs", "scheduling.cpus", s.CPUs, itself)
	known(t, "memory nodes", "scheduling.memory_nodes", s.MemoryNodes, itself)
	if s.UtilMin != nil {
		t.row("utilisation", fmt.Sprintf("%d to %d", *s.UtilMin, *s.UtilMax))
	}
	known(t, "I/O priority", "scheduling.io_priority", s.IOPriority, itself)
	known(t, "oom_score_adj", "scheduling.oom_score_adj", s.OOMScoreAdj, strconv.Itoa)
	known(t, "oom_score", "scheduling.oom_score", s.OOMScore, strconv.Itoa)
	known(t, "timer slack", "scheduling.timer_slack", s.TimerSlack, nanoseconds)
	known(t, "huge pages", "scheduling.transparent_huge_pages", s.HugePages, yesNo)
	known(t, "merged pages", "scheduling.memory_merge", s.MemoryMerge, yesNo)
	known(t, "core file has", "scheduling.coredump_filter", s.Coredump, func(n uint32) string { return fmt.Sprintf("%#x", n) })
}

func (t *table) rest() {
	p := t.p
	t.head("cgroups")
	for _, g := range p.Cgroups {
		name := g.Controllers
		if name == "" {
			name = "v2"
		}
		where := Quote(g.Path)
		if g.Directory != nil {
			where += " (" + Quote(*g.Directory) + ")"
		}
		t.row(Quote(name), where)
	}
	t.head("signals")
	t.row("ignored", strings.Join(p.Signals.Ignored, " "))
	t.row("blocked", strings.Join(p.Signals.Blocked, " "))
	t.list("caught", "signals.caught", p.Signals.Caught)
	t.head("files")
	known(t, "root", "view.root", p.View.Root, Quote)
	known(t, "directory", "view.dir", p.View.Dir, Quote)
	known(t, "umask", "view.umask", p.View.Umask, itself)
	t.mounts("mounted only there", p.View.More)
	t.mounts("mounted only here", p.View.Less)
	t.head("terminal")
	t.row("session", strconv.Itoa(p.Session.Session))
	t.row("process group", strconv.Itoa(p.Session.Group))
	known(t, "terminal", "session", p.Session.Terminal, itself)
	if p.Session.Foreground > 0 {
		t.row("in the foreground", strconv.Itoa(p.Session.Foreground))
	}
}

func (t *table) mounts(name string, list []Mount) {
	for _, m := range list {
		text := Quote(m.Point) + ": " + Quote(m.Type)
		if m.Root != "/" {
			text += " of " + Quote(m.Root)
		}
		t.row(name, text+" ("+m.Flags+")")
		name = "\""
	}
}

// ShellWord is a word as a shell reads it; one that a terminal would obey is in Go's quotes, which
// it does not read.
func ShellWord(s string) string {
	const plain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/._-+,:@%="
	switch {
	case s != "" && strings.Trim(s, plain) == "":
		return s
	case printable(s):
		return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
	}
	return strconv.Quote(s)
}
