//go:build amd64 || arm64

package sprog

import (
	"math/bits"
	"strconv"
	"sync/atomic"

	"golang.org/x/sys/unix"
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

// without is what the other set lacks.
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

// A landlockKernel is what the kernel answers about Landlock: its ABI, or why
// there is none.
type landlockKernel struct {
	abi   int
	errno unix.Errno
}

// landlockABI asks the kernel once. A plan is made for one that has all.
func (s *starter) landlockABI() landlockKernel {
	if s.describing {
		return landlockKernel{abi: LandlockNewestABI}
	}
	return kernel.landlock.ask()
}

// A landlockAnswer keeps the kernel's answer.
type landlockAnswer struct{ atomic.Pointer[landlockKernel] }

func (a *landlockAnswer) ask() landlockKernel {
	if known := a.Load(); known != nil {
		return *known
	}
	abi, _, errno := unix.RawSyscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION)
	k := landlockKernel{abi: int(abi)}
	if errno != 0 {
		k = landlockKernel{errno: errno}
	}
	a.Store(&k)
	return k
}

// reason says why there is no Landlock.
func (k landlockKernel) reason() string {
	switch {
	case k.abi > 0:
		return ""
	case k.errno == unix.ENOSYS:
		return "this kernel has no Landlock"
	case k.errno == unix.EOPNOTSUPP:
		return "Landlock is disabled on this machine: the kernel's parameter lsm= does not list it"
	}
	return "Landlock is refused: landlock_create_ruleset: " + k.errno.Error()
}

func (l *Landlock) probe() LandlockResult {
	l = &Landlock{l.ABI, l.Files, l.Ports, l.Scopes, l.Log, true}
	res, _ := l.resolve(kernel.landlock.ask())
	return res
}

// resolve tells what of the wanted is applied by a kernel. Without best effort
// that is all, or an error about the first right that is missing.
func (l *Landlock) resolve(k landlockKernel) (LandlockResult, *StartError) {
	wanted, has := l.wanted(), landlockOf(k.abi)
	res := LandlockResult{ABI: k.abi, Reason: k.reason(), Applied: wanted.both(has), Missing: wanted.without(has)}
	if res.Applied.Files|LandlockAccess(res.Applied.Ports)|LandlockAccess(res.Applied.Scopes) == 0 {
		res.Applied.Log = 0 // there is no domain to log the denials of
	}
	if l.BestEffort || res.Missing == (LandlockSet{}) {
		return res, nil
	}
	return res, l.lack(res, k)
}

// lack is the error about the right that is the first to be missing.
func (l *Landlock) lack(res LandlockResult, k landlockKernel) *StartError {
	if k.abi <= 0 {
		return &StartError{Field: "Attr.Landlock", Err: unsupported{res.Reason, max(k.errno, unix.Errno(1))}}
	}
	name, field, abi := res.Missing.first()
	e := &StartError{Object: name, Field: "Attr.Landlock" + field, Err: unsupported{
		"needs Landlock ABI " + strconv.Itoa(abi) + ", Linux " + landlockVersions[abi].kernel + "; this kernel has ABI " + strconv.Itoa(k.abi), unix.EOPNOTSUPP}}
	if l.ABI == 0 || l.ABI > k.abi {
		e.Hint = "Attr.Landlock.ABI " + strconv.Itoa(k.abi) + " asks for the rights that this kernel has, and Attr.Landlock.BestEffort for those that each kernel has"
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
