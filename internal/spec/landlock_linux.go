//go:build amd64 || arm64

package spec

import (
	"math/bits"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/kernel"
	"github.com/sprog-dev/sprog/internal/terms"
)

// Restricts reports whether anything is left to apply. A log flag alone restricts
// nothing.
func (s LandlockSet) Restricts() bool { return s.Files != 0 || s.Ports != 0 || s.Scopes != 0 }

func (r *Start) checkLandlock() *Error {
	l := r.Attr.Landlock
	if l == nil {
		return nil
	}
	const name = "Attr.Landlock"
	known := landlockOf(LandlockNewestABI)
	switch {
	case l.ABI < 0 || l.ABI > LandlockNewestABI:
		return Invalid(name+".ABI", strconv.Itoa(l.ABI), terms.Sprintf("is no version that sprog knows: 1 to %s", LandlockNewestABI))
	case l.Files == nil && l.Ports == nil && l.Scopes == 0:
		return Invalid(name, "", "restricts nothing: it needs {Files|Attr.Landlock.Files}, {Ports|Attr.Landlock.Ports} or {Scopes|Attr.Landlock.Scopes}")
	case l.Scopes&^known.Scopes != 0:
		return Invalid(name+".Scopes", hex(l.Scopes&^known.Scopes), "is no scope")
	case l.Log&^known.Log != 0:
		return Invalid(name+".Log", hex(l.Log&^known.Log), "is no flag of the log")
	case l.Ports != nil && l.wanted().Ports == 0:
		return Invalid(name+".ABI", strconv.Itoa(l.ABI), "has no rights to ports: 4 is the first that has")
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

func (l *Landlock) checkFiles(known LandlockAccess) *Error {
	if l.Files == nil {
		return nil
	}
	if bad := l.Files.Handled &^ known; bad != 0 {
		return Invalid("Attr.Landlock.Files.Handled", hex(bad), "is no right to files")
	}
	handled := l.wanted().Files
	for i, rule := range l.Files.Rules {
		name, object := Index("Attr.Landlock.Files.Rules", i), rule.Object()
		bad := rule.Rights &^ known
		switch {
		case rule.Path == "" && rule.File == nil:
			return Invalid(name, "", "has neither {Path|Attr.Landlock.Files.Rules.Path} nor {File|Attr.Landlock.Files.Rules.File}")
		case rule.Path != "" && rule.File != nil:
			return Invalid(name, object, "has both {Path|Attr.Landlock.Files.Rules.Path} and {File|Attr.Landlock.Files.Rules.File}")
		case strings.IndexByte(rule.Path, 0) >= 0:
			return Invalid(name, strconv.Quote(rule.Path), "contains a NUL byte")
		case bad != 0:
			return Invalid(name, object, terms.Plain(hex(bad))+" is no right to files")
		case rule.Rights&handled == 0:
			return Invalid(name, object, "gives no right that is handled")
		}
	}
	return nil
}

// Object names what the rule is about.
func (rule *LandlockPath) Object() string {
	if rule.File != nil {
		return rule.File.Name()
	}
	return rule.Path
}

func (l *Landlock) checkPorts(known LandlockPortAccess) *Error {
	if l.Ports == nil {
		return nil
	}
	if bad := l.Ports.Handled &^ known; bad != 0 {
		return Invalid("Attr.Landlock.Ports.Handled", hex(bad), "is no right to ports")
	}
	handled := l.wanted().Ports
	for i, rule := range l.Ports.Rules {
		name, port := Index("Attr.Landlock.Ports.Rules", i), "port "+strconv.Itoa(int(rule.Port))
		switch bad := rule.Rights &^ known; {
		case bad != 0:
			return Invalid(name, port, terms.Plain(hex(bad))+" is no right to ports")
		case rule.Rights&handled == 0:
			return Invalid(name, port, "gives no right that is handled")
		}
	}
	return nil
}

// landlockVersions tells for each ABI the kernel that it came with, and what
// it added.
var landlockVersions = [...]struct {
	kernel string
	added  LandlockSet
}{
	1:  {"5.13", LandlockSet{Files: LandlockRefer - 1}},
	2:  {"5.19", LandlockSet{Files: LandlockRefer}},
	3:  {"6.2", LandlockSet{Files: LandlockTruncate}},
	4:  {"6.7", LandlockSet{Ports: LandlockBindTCP | LandlockConnectTCP}},
	5:  {"6.10", LandlockSet{Files: LandlockIoctlDev}},
	6:  {"6.12", LandlockSet{Scopes: LandlockScopeAbstractUnixSocket | LandlockScopeSignal}},
	7:  {"6.15", LandlockSet{Log: LandlockLogSameExecOff | LandlockLogNewExecOn | LandlockLogSubdomainsOff}},
	8:  {"7.0", LandlockSet{}}, // restricting all threads: a child has one
	9:  {"7.1", LandlockSet{Files: LandlockResolveUnix}},
	10: {"7.2", LandlockSet{Ports: LandlockBindUDP | LandlockConnectSendUDP}},
}

// landlockOf is all that an ABI has.
func landlockOf(abi int) (set LandlockSet) {
	for _, v := range landlockVersions[:min(abi, LandlockNewestABI)+1] {
		set.Files |= v.added.Files
		set.Ports |= v.added.Ports
		set.Scopes |= v.added.Scopes
		set.Log |= v.added.Log
	}
	return set
}

// both is what two sets have in common.
func (s LandlockSet) both(o LandlockSet) LandlockSet {
	return LandlockSet{s.Files & o.Files, s.Ports & o.Ports, s.Scopes & o.Scopes, s.Log & o.Log}
}

// Without is what the other set lacks.
func (s LandlockSet) Without(o LandlockSet) LandlockSet {
	return LandlockSet{s.Files &^ o.Files, s.Ports &^ o.Ports, s.Scopes &^ o.Scopes, s.Log &^ o.Log}
}

// wanted is all that is asked for.
func (l *Landlock) wanted() LandlockSet {
	abi := l.ABI
	if abi == 0 {
		abi = LandlockNewestABI
	}
	all := landlockOf(abi)
	set := LandlockSet{Scopes: l.Scopes, Log: l.Log}
	if l.Files != nil {
		set.Files = l.Files.Handled
		if set.Files == 0 {
			set.Files = all.Files
		}
	}
	if l.Ports != nil {
		set.Ports = l.Ports.Handled
		if set.Ports == 0 {
			set.Ports = all.Ports
		}
	}
	return set
}

// Resolve tells what of the wanted is applied by a kernel. Without best effort
// that is all, or an error about the first right that is missing.
func (l *Landlock) Resolve(k kernel.Landlock) (LandlockResult, *Error) {
	wanted, has := l.wanted(), landlockOf(k.ABI)
	res := LandlockResult{ABI: k.ABI, Reason: k.Reason(), Applied: wanted.both(has), Missing: wanted.Without(has)}
	if res.Applied.Files|LandlockAccess(res.Applied.Ports)|LandlockAccess(res.Applied.Scopes) == 0 {
		res.Applied.Log = 0 // there is no domain to log the denials of
	}
	if l.BestEffort || res.Missing == (LandlockSet{}) {
		return res, nil
	}
	return res, l.lack(res, k)
}

// lack is the error about the right that is the first to be missing.
func (l *Landlock) lack(res LandlockResult, k kernel.Landlock) *Error {
	if k.ABI <= 0 {
		return &Error{Field: "Attr.Landlock", Err: terms.Message{Text: terms.Plain(res.Reason), Err: max(k.Errno, unix.Errno(1))}}
	}
	name, field, abi := res.Missing.first()
	e := &Error{Object: name, Field: "Attr.Landlock" + field, Err: terms.Message{
		Text: terms.Sprintf("needs Landlock ABI %s, Linux %s; this kernel has ABI %s", abi, landlockVersions[abi].kernel, k.ABI), Err: unix.EOPNOTSUPP}}
	if l.ABI == 0 || l.ABI > k.ABI {
		e.Hint = terms.Sprintf("{Attr.Landlock.ABI} %s asks for the rights that this kernel has, and {Attr.Landlock.BestEffort} for those that each kernel has", k.ABI)
	}
	return e
}

// first is the one thing in the set that came with the oldest ABI, the field
// that it belongs to, and the ABI.
func (s LandlockSet) first() (name, field string, abi int) {
	for abi = range landlockVersions {
		files, ports, scopes, log := s.both(landlockVersions[abi].added).lowest().names()
		for _, one := range [][2]string{{files, ".Files"}, {ports, ".Ports"}, {scopes, ".Scopes"}, {log, ".Log"}} {
			if one[0] != "0" {
				return one[0], one[1], abi
			}
		}
	}
	return "", "", 0
}

// lowest keeps the lowest bit of each field.
func (s LandlockSet) lowest() LandlockSet {
	low := func(v uint64) uint64 { return v & (1 << bits.TrailingZeros64(v)) }
	return LandlockSet{LandlockAccess(low(uint64(s.Files))), LandlockPortAccess(low(uint64(s.Ports))),
		LandlockScope(low(uint64(s.Scopes))), LandlockLog(low(uint64(s.Log)))}
}
