//go:build amd64 || arm64

package sprog

import (
	"math/bits"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/kernel"
)

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
func (s LandlockSet) without(o LandlockSet) LandlockSet {
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

// landlockABI asks the kernel once. A plan is made for one that has all.
func (s *starter) landlockABI() kernel.Landlock {
	if s.describing {
		return kernel.Landlock{ABI: LandlockNewestABI}
	}
	return kernel.Known.Landlock.Ask()
}

func (l *Landlock) probe() LandlockResult {
	l = &Landlock{l.ABI, l.Files, l.Ports, l.Scopes, l.Log, true}
	res, _ := l.resolve(kernel.Known.Landlock.Ask())
	return res
}

// resolve tells what of the wanted is applied by a kernel. Without best effort
// that is all, or an error about the first right that is missing.
func (l *Landlock) resolve(k kernel.Landlock) (LandlockResult, *StartError) {
	wanted, has := l.wanted(), landlockOf(k.ABI)
	res := LandlockResult{ABI: k.ABI, Reason: k.Reason(), Applied: wanted.both(has), Missing: wanted.without(has)}
	if res.Applied.Files|LandlockAccess(res.Applied.Ports)|LandlockAccess(res.Applied.Scopes) == 0 {
		res.Applied.Log = 0 // there is no domain to log the denials of
	}
	if l.BestEffort || res.Missing == (LandlockSet{}) {
		return res, nil
	}
	return res, l.lack(res, k)
}

// lack is the error about the right that is the first to be missing.
func (l *Landlock) lack(res LandlockResult, k kernel.Landlock) *StartError {
	if k.ABI <= 0 {
		return &StartError{Field: "Attr.Landlock", Err: unsupported{res.Reason, max(k.Errno, unix.Errno(1))}}
	}
	name, field, abi := res.Missing.first()
	e := &StartError{Object: name, Field: "Attr.Landlock" + field, Err: unsupported{
		"needs Landlock ABI " + strconv.Itoa(abi) + ", Linux " + landlockVersions[abi].kernel + "; this kernel has ABI " + strconv.Itoa(k.ABI), unix.EOPNOTSUPP}}
	if l.ABI == 0 || l.ABI > k.ABI {
		e.Hint = "Attr.Landlock.ABI " + strconv.Itoa(k.ABI) + " asks for the rights that this kernel has, and Attr.Landlock.BestEffort for those that each kernel has"
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

// An unsupported is the reason of a start that this kernel, or this process,
// cannot do. It is an errno to errors.Is.
type unsupported struct {
	reason string
	errno  unix.Errno
}

func (u unsupported) Error() string { return u.reason }
func (u unsupported) Unwrap() error { return u.errno }
