//go:build amd64 || arm64

package sprog

import (
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/program"
)

// restricts reports whether anything is left to apply. A log flag alone restricts
// nothing.
func (s LandlockSet) restricts() bool { return s.Files != 0 || s.Ports != 0 || s.Scopes != 0 }

func (r *request) checkLandlock() *StartError {
	l := r.attr.Landlock
	if l == nil {
		return nil
	}
	const name = "Attr.Landlock"
	known := landlockOf(LandlockNewestABI)
	switch {
	case l.ABI < 0 || l.ABI > LandlockNewestABI:
		return invalidf(name+".ABI", strconv.Itoa(l.ABI), "is no version that this package knows: 1 to "+strconv.Itoa(LandlockNewestABI))
	case l.Files == nil && l.Ports == nil && l.Scopes == 0:
		return invalidf(name, "", "restricts nothing: it needs Files, Ports or Scopes")
	case l.Scopes&^known.Scopes != 0:
		return invalidf(name+".Scopes", hex(l.Scopes&^known.Scopes), "is no scope")
	case l.Log&^known.Log != 0:
		return invalidf(name+".Log", hex(l.Log&^known.Log), "is no flag of the log")
	case l.Ports != nil && l.wanted().Ports == 0:
		return invalidf(name+".ABI", strconv.Itoa(l.ABI), "has no rights to ports: 4 is the first that has")
	}
	if err := l.checkFiles(known.Files); err != nil {
		return err
	}
	if err := l.checkPorts(known.Ports); err != nil {
		return err
	}
	return nil
}

func hex[T ~uint32 | ~uint64](v T) string { return "0x" + strconv.FormatUint(uint64(v), 16) }

func (l *Landlock) checkFiles(known LandlockAccess) *StartError {
	if l.Files == nil {
		return nil
	}
	if bad := l.Files.Handled &^ known; bad != 0 {
		return invalidf("Attr.Landlock.Files.Handled", hex(bad), "is no right to files")
	}
	handled := l.wanted().Files
	for i, rule := range l.Files.Rules {
		name, object := index("Attr.Landlock.Files.Rules", i), rule.object()
		bad := rule.Rights &^ known
		switch {
		case rule.Path == "" && rule.File == nil:
			return invalidf(name, "", "has neither Path nor File")
		case rule.Path != "" && rule.File != nil:
			return invalidf(name, object, "has both Path and File")
		case strings.IndexByte(rule.Path, 0) >= 0:
			return invalidf(name, strconv.Quote(rule.Path), "contains a NUL byte")
		case bad != 0:
			return invalidf(name, object, hex(bad)+" is no right to files")
		case rule.Rights&handled == 0:
			return invalidf(name, object, "gives no right that is handled")
		}
	}
	return nil
}

func (rule *LandlockPath) object() string {
	if rule.File != nil {
		return rule.File.Name()
	}
	return rule.Path
}

func (l *Landlock) checkPorts(known LandlockPortAccess) *StartError {
	if l.Ports == nil {
		return nil
	}
	if bad := l.Ports.Handled &^ known; bad != 0 {
		return invalidf("Attr.Landlock.Ports.Handled", hex(bad), "is no right to ports")
	}
	handled := l.wanted().Ports
	for i, rule := range l.Ports.Rules {
		name, port := index("Attr.Landlock.Ports.Rules", i), "port "+strconv.Itoa(int(rule.Port))
		switch bad := rule.Rights &^ known; {
		case bad != 0:
			return invalidf(name, port, hex(bad)+" is no right to ports")
		case rule.Rights&handled == 0:
			return invalidf(name, port, "gives no right that is handled")
		}
	}
	return nil
}

// resolveLandlock compares what is asked for with what the kernel has, and
// has the child find the files that rules are about.
func (s *starter) resolveLandlock() *StartError {
	l := s.ask.attr.Landlock
	if l == nil {
		return nil
	}
	res, err := l.resolve(s.landlockABI())
	if err != nil {
		err.Path = s.ask.path
		return err
	}
	s.given.locked = res.Applied
	if s.to.birth != nil {
		s.afterwards(func(started bool) {
			if started {
				s.to.birth.Landlock = &res
			}
		})
	}
	return s.useLandlockFiles()
}

func (s *starter) useLandlockFiles() *StartError {
	if s.given.locked.Files == 0 {
		return nil
	}
	for i, rule := range s.ask.attr.Landlock.Files.Rules {
		if rule.File == nil {
			continue
		}
		name := index("Attr.Landlock.Files.Rules", i)
		fd, err := shownFd(rule.File)
		if err != nil {
			return &StartError{Path: s.ask.path, Object: rule.object(), Field: name, Err: err}
		}
		s.given.use(fd, name, program.HostDirectory)
	}
	return nil
}

// landlockFiles makes the rules for files of the caller's, and closes these: a
// directory among them would lead out of a new root.
func (b *builder) landlockFiles() {
	if b.given.locked.Files == 0 {
		return
	}
	for i, rule := range b.ask.attr.Landlock.Files.Rules {
		if rule.File == nil {
			continue
		}
		b.landlockRuleset()
		name := index("Attr.Landlock.Files.Rules", i)
		fd, _ := shownFd(rule.File)
		if rights := rule.Rights & b.given.locked.Files; rights != 0 {
			b.landlockBeneath(name, rights, b.p.Words(uint64(rights), uint64(b.table.at(fd))))
		}
		b.drop(fd, name)
	}
}

// landlock makes the other rules. It stands before the last steps, because
// making them takes descriptors, which the limit on open files may not leave.
func (b *builder) landlock() {
	if !b.given.locked.restricts() {
		return
	}
	b.landlockRuleset()
	set, l := b.given.locked, b.ask.attr.Landlock
	if set.Files != 0 {
		for i := range l.Files.Rules {
			b.landlockPath(index("Attr.Landlock.Files.Rules", i), &l.Files.Rules[i])
		}
	}
	if set.Ports != 0 {
		for i, rule := range l.Ports.Rules {
			if rights := rule.Rights & set.Ports; rights != 0 {
				b.landlockRule(index("Attr.Landlock.Ports.Rules", i), program.LandlockRulePort, b.p.Words(uint64(rights), uint64(rule.Port)))
			}
		}
	}
}

// landlockRuleset makes the ruleset, if it is not there yet.
func (b *builder) landlockRuleset() {
	if b.ruleset != notOpen {
		return
	}
	set := b.given.locked
	attr := b.p.Words(uint64(set.Files), uint64(set.Ports), uint64(set.Scopes))
	b.add("Attr.Landlock", program.LandlockCreateRuleset, attr, num(24), num(0))
	b.parkRuleset()
}

// parkRuleset puts the ruleset that was just made at a number that is none of
// the child's, where it stays until the execve closes it.
func (b *builder) parkRuleset() {
	t := &b.table
	got := t.lowestFree()
	b.ruleset = t.spare()
	b.add("Attr.Landlock", program.Dup3, b.p.Result(), num(b.ruleset), num(unix.O_CLOEXEC)).Ignore(uint32(unix.EINVAL)) // it is there already
	t.setOpen(got, true)
}

func (b *builder) landlockRule(field string, kind int, attr program.Arg) *program.Step {
	return b.add(field, program.LandlockAddRule, num(b.ruleset), num(kind), attr, num(0))
}

// fileRights are the rights that a file can be given which is no directory.
const fileRights = LandlockExecute | LandlockWriteFile | LandlockReadFile | LandlockTruncate | LandlockIoctlDev | LandlockResolveUnix

// landlockPath adds the rule for a path.
func (b *builder) landlockPath(field string, rule *LandlockPath) {
	rights := rule.Rights & b.given.locked.Files
	if rights == 0 || rule.File != nil {
		return
	}
	p := b.p
	attr, missing := p.Words(uint64(rights), 0), p.Ahead()
	open := b.add(field, program.Openat, num(unix.AT_FDCWD), p.Str(rule.Path), num(unix.O_PATH|unix.O_CLOEXEC), num(0))
	if rule.Optional {
		open.On(uint32(unix.ENOENT), &missing).On(uint32(unix.ENOTDIR), &missing)
	}
	open.Into(parentFD(attr))
	p.WithOpen(func(program.Arg) { b.landlockBeneath(field, rights, attr) })
	missing.Place()
}

// parentFD is the word with the descriptor in a struct
// landlock_path_beneath_attr.
func parentFD(attr program.Arg) program.Arg { return attr.Plus(8) }

// landlockBeneath adds a rule for a descriptor. The kernel answers EINVAL to
// rights about directories where it is of none; then the others are given.
func (b *builder) landlockBeneath(field string, rights LandlockAccess, attr program.Arg) {
	step := b.landlockRule(field, program.LandlockRulePath, attr)
	rest := rights & fileRights
	if rest == 0 || rest == rights {
		return
	}
	done := b.p.Ahead()
	step.Ignore(uint32(unix.EINVAL)).Then(&done)
	reduced := b.p.Words(uint64(rest), 0)
	b.p.Copy(field, parentFD(attr), parentFD(reduced))
	b.landlockRule(field, program.LandlockRulePath, reduced)
	done.Place()
}

// landlockSelf restricts the process, after which no file can be opened that
// no rule is about.
func (b *builder) landlockSelf() {
	if b.given.locked.restricts() {
		b.add("Attr.Landlock", program.LandlockRestrictSelf, num(b.ruleset), num(b.given.locked.Log))
	}
}
