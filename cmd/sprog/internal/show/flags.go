//go:build linux

package show

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// A Recipe is how to start a process like another one.
type Recipe struct {
	Flags []string // of sprog run, as words
	Notes []string // what no flag is for, or what cannot be read
}

// A cook writes a recipe: what the process has and a plain start would not give it.
type cook struct {
	Recipe
	p, own *Process
	all    bool // also what a plain start gives
}

// Flags are those that have the caller start a process like p. All of them do so whatever else the
// caller has.
func (p *Process) Flags(own *Process, all bool) Recipe {
	c := &cook{p: p, own: own, all: all}
	for _, part := range []func(*cook){
		(*cook).namespaces, (*cook).identity, (*cook).capabilities, (*cook).protections, (*cook).limits,
		(*cook).scheduling, (*cook).memory, (*cook).cgroups, (*cook).signals, (*cook).session, (*cook).view,
	} {
		part(c)
	}
	if unknown := slices.Sorted(maps.Keys(p.Unreadable)); !p.own && len(unknown) > 0 {
		c.note("not readable: %s", strings.Join(unknown, ", "))
	}
	return c.Recipe
}

func (c *cook) add(flag, value string) {
	if flag != "--dir" && flag != "--chroot" || printable(value) {
		c.Flags = append(c.Flags, flag+"="+value)
		return
	}
	c.note("%s: the path %s has characters that a terminal may obey", flag, Quote(value))
}

func (c *cook) set(flag string) { c.Flags = append(c.Flags, flag) }

func (c *cook) note(format string, args ...any) {
	c.Notes = append(c.Notes, fmt.Sprintf(format, args...))
}

// addIf adds a flag for a value that a plain start would have otherwise.
func addIf[T comparable](c *cook, flag string, has, plain *T, form func(T) string) {
	if has != nil && (c.all || plain == nil || *has != *plain) {
		c.add(flag, form(*has))
	}
}

func itself(s string) string { return s }

// namespaces are new ones of the kinds that differ.
func (c *cook) namespaces() {
	var list []string
	for _, n := range c.p.Namespaces {
		if c.p.differs(n.Kind) {
			list = append(list, n.Kind)
		}
	}
	if list == nil {
		return
	}
	c.add("--unshare", strings.Join(list, ","))
	if c.p.differs("user") {
		for _, m := range c.p.UIDMap {
			c.add("--map-user", m.String())
		}
		for _, m := range c.p.GIDMap {
			c.add("--map-group", m.String())
		}
		if c.p.Setgroups != nil && *c.p.Setgroups == "allow" {
			c.add("--setgroups", "allow")
		}
	}
	if n := c.p.Numbers; c.p.differs("pid") && len(n) > 0 && n[len(n)-1] == 1 {
		c.set("--no-init")
	}
	if c.p.differs("uts") {
		c.note("the names in its uts namespace cannot be read from outside: --hostname, --domainname")
	}
	if c.p.differs("net") {
		c.note("its net namespace has what others have set up there: --loopback is all that a flag does")
	}
}

func (m IDMap) String() string { return fmt.Sprintf("%d:%d:%d", m.Inside, m.Outside, m.Count) }

// inside is an id as the process itself has it.
func (c *cook) inside(id int, lines []IDMap) int {
	if !c.p.differs("user") {
		return id
	}
	for _, m := range lines {
		if n := int64(id) - int64(m.Outside); n >= 0 && n < int64(m.Count) {
			return int(int64(m.Inside) + n)
		}
	}
	return id
}

func (c *cook) identity() {
	p, own := c.p, c.own
	of := func(ids IDs, lines []IDMap) IDs {
		return IDs{Real: c.inside(ids.Real, lines), Effective: c.inside(ids.Effective, lines), Saved: c.inside(ids.Saved, lines)}
	}
	uid, gid := of(p.UID, p.UIDMap), of(p.GID, p.GIDMap)
	plainUID, plainGID := of(own.UID, p.UIDMap), of(own.GID, p.GIDMap)
	changes := c.all || uid != plainUID || gid != plainGID
	switch {
	case !changes:
	case uid.Real == uid.Effective && gid.Real == gid.Effective:
		c.add("--user", strconv.Itoa(uid.Real))
		c.add("--group", strconv.Itoa(gid.Real))
	default:
		c.add("--ruid", strconv.Itoa(uid.Real))
		c.add("--euid", strconv.Itoa(uid.Effective))
		c.add("--rgid", strconv.Itoa(gid.Real))
		c.add("--egid", strconv.Itoa(gid.Effective))
	}
	if uid.Saved != uid.Effective || gid.Saved != gid.Effective {
		c.note("its saved ids are others than the effective ones, which execve makes alike")
	}
	c.groups(changes, gid.Effective)
}

// groups are kept by a plain start. One that changes ids leaves the effective group alone.
func (c *cook) groups(changes bool, gid int) {
	plain := slices.Clone(c.own.Groups)
	if changes {
		plain = []int{gid}
	}
	has := slices.Clone(c.p.Groups)
	for i := range has {
		has[i] = c.inside(has[i], c.p.GIDMap)
	}
	slices.Sort(plain)
	slices.Sort(has)
	switch denied := c.p.differs("user") && (c.p.Setgroups == nil || *c.p.Setgroups != "allow"); {
	case slices.Equal(plain, has) && !c.all:
	case denied && !slices.Equal(c.p.Groups, c.own.Groups):
		c.note("its groups are those of who made its user namespace, where none can be set")
	case !denied:
		words := make([]string, len(has))
		for i, id := range has {
			words[i] = strconv.Itoa(id)
		}
		c.add("--groups", strings.Join(words, ","))
	}
}

// capabilities are those that execve leaves (capabilities(7)): the flags set what it goes by.
func (c *cook) capabilities() {
	has, plain := c.p.Capabilities, c.plainCaps()
	for _, set := range []struct {
		flag       string
		has, plain CapSet
	}{
		{"--bounding-set", has.Bounding, plain.Bounding}, {"--inh-caps", has.Inheritable, plain.Inheritable},
		{"--ambient-caps", has.Ambient, plain.Ambient},
	} {
		if c.all || set.has != set.plain {
			c.add(set.flag, set.has.since(set.plain, c.all))
		}
	}
	euid, ruid := c.inside(c.p.UID.Effective, c.p.UIDMap), c.inside(c.p.UID.Real, c.p.UIDMap)
	permitted, effective := has.Ambient, has.Ambient
	if (euid == 0 || ruid == 0) && !slices.Contains(c.p.Securebits, "noroot") {
		permitted = has.Inheritable | has.Bounding
		if euid == 0 {
			effective = permitted
		}
	}
	for _, set := range []struct {
		name       string
		has, after CapSet
	}{{"permitted", has.Permitted, permitted}, {"effective", has.Effective, effective}} {
		if less := set.after &^ set.has; less != 0 {
			c.note("it has given up of its %s capabilities since: %s", set.name, strings.Join(less.Names(), ", "))
		}
		if more := set.has &^ set.after; more != 0 {
			c.note("its %s capabilities came from its file: %s", set.name, strings.Join(more.Names(), ", "))
		}
	}
}

// plainCaps are those of a start with the namespaces and ids that are written already.
func (c *cook) plainCaps() (plain Capabilities) {
	if c.p.differs("user") {
		return Capabilities{Bounding: allCaps()}
	}
	plain = c.own.Capabilities
	wasRoot := c.own.UID.Real == 0 || c.own.UID.Effective == 0
	if wasRoot && c.p.UID.Real != 0 && c.p.UID.Effective != 0 {
		plain.Ambient = 0
	}
	return plain
}

func (c *cook) protections() {
	p, own := c.p, c.own
	if p.Securebits != nil && (c.all || !slices.Equal(p.Securebits, own.Securebits)) {
		c.add("--securebits", strings.Join(p.Securebits, ","))
	}
	has := func(q *Process) bool { return q.NoNewPrivs != nil && *q.NoNewPrivs }
	if has(p) && (c.all || !has(own)) {
		c.set("--no-new-privs")
	}
	addIf(c, "--personality", p.Personality, own.Personality, func(n uint32) string { return fmt.Sprintf("%#x", n) })
	filters := func(q *Process) int {
		if q.Seccomp.Filters != nil {
			return *q.Seccomp.Filters
		}
		return len(strings.TrimPrefix(q.Seccomp.Mode, "none"))
	}
	if filters(p) > 0 && (c.all || filters(p) != filters(own)) {
		c.note("the kernel does not show the rules of its filters of system calls")
	}
	if p.Label != nil && *p.Label != "" && (own.Label == nil || *own.Label != *p.Label) {
		c.note("its label is %s: --apparmor-profile or --selinux-label", Quote(*p.Label))
	}
}

func (c *cook) limits() {
	plain := map[string]Limit{}
	for _, l := range c.own.Limits {
		plain[l.Name] = l
	}
	for _, l := range c.p.Limits {
		if value := l.Soft.String(); c.all || plain[l.Name] != l {
			if l.Hard != l.Soft {
				value += ":" + l.Hard.String()
			}
			c.add("--rlimit", l.Name+"="+value)
		}
	}
}

// cgroups are joined as they are.
func (c *cook) cgroups() {
	for _, g := range c.p.Cgroups {
		same := slices.ContainsFunc(c.own.Cgroups, func(o Cgroup) bool { return o.Controllers == g.Controllers && o.Path == g.Path })
		switch {
		case same && (!c.all || g.Path == "/" || g.Directory == nil):
		case g.Directory == nil:
			c.note("its cgroup %s is not mounted here", Quote(g.Path))
		case g.Controllers == "":
			c.add("--cgroup", *g.Directory)
		default:
			c.add("--cgroup-v1", *g.Directory)
		}
	}
}

func (c *cook) signals() {
	has, plain := c.p.Signals, c.own.Signals
	switch reset := plain.ignored &^ has.ignored; {
	case c.all:
		c.add("--default-signal", "all")
		plain.ignored = 0
	case reset != 0:
		c.add("--default-signal", strings.Join(signalNames(reset), ","))
	}
	if more := has.ignored &^ plain.ignored; more != 0 {
		c.add("--ignore-signal", strings.Join(signalNames(more), ","))
	}
	if c.all || has.blocked != plain.blocked {
		c.add("--signal-mask", strings.Join(has.Blocked, ","))
	}
}

// session is a new one, or a new group, where the process leads it.
func (c *cook) session() {
	s := c.p.Session
	switch c.p.PID {
	case s.Session:
		c.set("--setsid")
	case s.Group:
		c.set("--setpgid")
	}
	if s.Terminal != nil && *s.Terminal != "" && s.Session == c.p.PID {
		c.note("its session has the terminal %s: --ctty takes one for standard input", *s.Terminal)
	}
}

func (c *cook) view() {
	v, own := c.p.View, c.own.View
	addIf(c, "--umask", v.Umask, own.Umask, itself)
	if n := len(v.More) + len(v.Less); n > 0 {
		c.note("%d mounts are others than here: sprog show lists them, and sprog help filesystem has the flags", n)
	}
	root := "/"
	if v.Root != nil && own.Root != nil && *v.Root != *own.Root {
		root = *v.Root
		c.add("--chroot", root)
	}
	switch dir := v.Dir; {
	case dir == nil || own.Dir == nil || *dir == *own.Dir && root == "/" && !c.all:
	case root != "/":
		if below, in := strings.CutPrefix(*dir, root); in && (below == "" || below[0] == '/') {
			c.add("--dir", "/"+strings.TrimPrefix(below, "/"))
		}
	case v.dirSame:
		c.add("--dir", *dir)
	default:
		c.note("its working directory %s is another one here, or none", Quote(*dir))
	}
}
