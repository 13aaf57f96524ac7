//go:build amd64 || arm64

package compile

import (
	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/program"
	"github.com/sprog-dev/sprog/internal/spec"
)

// landlockFiles makes the rules for files of the caller's, and closes these: a
// directory among them would lead out of a new root.
func (b *builder) landlockFiles() {
	if b.given.Locked.Files == 0 {
		return
	}
	n := 0
	for i, rule := range b.ask.Attr.Landlock.Files.Rules {
		if rule.File == nil {
			continue
		}
		b.landlockRuleset()
		name := spec.Index("Attr.Landlock.Files.Rules", i)
		fd := b.given.RuleFDs[n]
		n++
		if rights := rule.Rights & b.given.Locked.Files; rights != 0 {
			b.landlockBeneath(name, rights, b.p.Words(uint64(rights), uint64(b.fds.at(fd))))
		}
		b.drop(fd, name)
	}
}

// landlock makes the other rules. It stands before the last steps, because
// making them takes descriptors, which the limit on open files may not leave.
func (b *builder) landlock() {
	if !b.given.Locked.Restricts() {
		return
	}
	b.landlockRuleset()
	set, l := b.given.Locked, b.ask.Attr.Landlock
	if set.Files != 0 {
		for i := range l.Files.Rules {
			b.landlockPath(spec.Index("Attr.Landlock.Files.Rules", i), &l.Files.Rules[i])
		}
	}
	if set.Ports != 0 {
		for i, rule := range l.Ports.Rules {
			if rights := rule.Rights & set.Ports; rights != 0 {
				b.landlockRule(spec.Index("Attr.Landlock.Ports.Rules", i), program.LandlockRulePort, b.p.Words(uint64(rights), uint64(rule.Port)))
			}
		}
	}
}

// landlockRuleset makes the ruleset, if it is not there yet.
func (b *builder) landlockRuleset() {
	if b.ruleset != NotOpen {
		return
	}
	set := b.given.Locked
	attr := b.p.Words(uint64(set.Files), uint64(set.Ports), uint64(set.Scopes))
	b.add("Attr.Landlock", program.LandlockCreateRuleset, attr, Num(24), Num(0))
	b.parkRuleset()
}

// parkRuleset puts the ruleset that was just made at a number that is none of
// the child's, where it stays until the execve closes it.
func (b *builder) parkRuleset() {
	t := &b.fds
	got := t.lowestFree()
	b.ruleset = t.spare()
	b.add("Attr.Landlock", program.Dup3, b.p.Result(), Num(b.ruleset), Num(unix.O_CLOEXEC)).Ignore(uint32(unix.EINVAL)) // it is there already
	t.setOpen(got, true)
}

func (b *builder) landlockRule(field string, kind int, attr program.Arg) *program.Step {
	return b.add(field, program.LandlockAddRule, Num(b.ruleset), Num(kind), attr, Num(0))
}

// fileRights are the rights that a file can be given which is no directory.
const fileRights = spec.LandlockExecute | spec.LandlockWriteFile | spec.LandlockReadFile | spec.LandlockTruncate | spec.LandlockIoctlDev | spec.LandlockResolveUnix

// landlockPath adds the rule for a path.
func (b *builder) landlockPath(field string, rule *spec.LandlockPath) {
	rights := rule.Rights & b.given.Locked.Files
	if rights == 0 || rule.File != nil {
		return
	}
	p := b.p
	attr, missing := p.Words(uint64(rights), 0), p.Ahead()
	open := b.add(field, program.Openat, Num(unix.AT_FDCWD), p.Str(rule.Path), Num(unix.O_PATH|unix.O_CLOEXEC), Num(0))
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
func (b *builder) landlockBeneath(field string, rights spec.LandlockAccess, attr program.Arg) {
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
	if b.given.Locked.Restricts() {
		b.add("Attr.Landlock", program.LandlockRestrictSelf, Num(b.ruleset), Num(b.given.Locked.Log))
	}
}
