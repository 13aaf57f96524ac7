//go:build amd64 || arm64

package sprog

import (
	"math/bits"
	"strconv"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/program"
)

const allCaps = ^uint64(0)

// kernelCaps are the capabilities of the running kernel.
var kernelCaps = sync.OnceValue(func() uint64 {
	for c := 63; c > 0; c-- {
		if _, err := unix.PrctlRetInt(unix.PR_CAPBSET_READ, uintptr(c), 0, 0, 0); err == nil {
			return allCaps >> (63 - c)
		}
	}
	return 0
})

// loses are the bits that are not there afterwards.
func (e edit) loses() uint64 { return e.clear &^ e.set }

func (e edit) isZero() bool { return e == edit{} }

// Indexes of the five sets. The first three are in the order in which capset(2)
// has them.
const (
	effective = iota
	permitted
	inheritable
	ambient
	bounding
	capSets
)

var capSetNames = [capSets]string{"Effective", "Permitted", "Inheritable", "Ambient", "Bounding"}

// touchSets reports whether any set but the bounding one changes.
func (e capEdits) touchSets() bool {
	e[bounding] = edit{}
	return e != capEdits{}
}

// adds reports whether anything is added to a set that a change of the user
// empties, or to the inheritable set, which takes what is permitted.
func (e capEdits) adds() bool {
	return e[effective].set|e[permitted].set|e[ambient].set|e[inheritable].set != 0
}

// changesCaps reports whether Caps or Securebits are given. AmbientCaps alone
// goes another way, which is package syscall's.
func (r *request) changesCaps() bool { return r.attr.Caps != nil || r.attr.Securebits != nil }

func (r *request) checkCaps() *StartError {
	if !r.changesCaps() {
		return nil
	}
	var given capEdits
	if r.attr.Caps != nil {
		var err *StartError
		if given, err = r.attr.Caps.parse(); err != nil {
			return err
		}
	}
	r.caps = r.capEdits(given)
	return r.caps.contradictions()
}

// parse returns the edits that Caps asks for by name.
func (c *Caps) parse() (e capEdits, err *StartError) {
	for i, set := range [capSets]CapSet{c.Effective, c.Permitted, c.Inheritable, c.Ambient, c.Bounding} {
		name := "Attr.Caps." + capSetNames[i]
		var dropped, added uint64
		if e[i].clear, dropped, err = capBits(name+".Drop", set.Drop, allCaps); err != nil {
			return e, err
		}
		if e[i].set, added, err = capBits(name+".Add", set.Add, kernelCaps()); err != nil {
			return e, err
		}
		if both := dropped & added; both != 0 {
			return e, invalidf(name, oneCap(both), "is both added and dropped")
		}
		if missing := e[i].set &^ kernelCaps(); missing != 0 {
			return e, invalidf(name+".Add", oneCap(missing), "is no capability of the running kernel")
		}
	}
	return e, nil
}

// capBits turns names into bits: all of them, and those named one by one.
func capBits(field string, names []string, all uint64) (set, named uint64, err *StartError) {
	for i, name := range names {
		if name == "all" || name == "ALL" {
			set |= all
			continue
		}
		c, ok := program.CapNumber(name)
		if !ok {
			return 0, 0, invalidf(index(field, i), strconv.Quote(name), "is no capability")
		}
		named |= 1 << c
	}
	return set | named, named, nil
}

// oneCap names the first of a set.
func oneCap(set uint64) string { return program.CapName(uint64(bits.TrailingZeros64(set))) }

// capEdits adds to the edits that are given what follows from them, from
// AmbientCaps, and from a change of the user.
func (r *request) capEdits(e capEdits) capEdits {
	for _, c := range r.sys.AmbientCaps {
		e[ambient].set |= 1 << c
	}
	if r.attr.Caps != nil && r.attr.Caps.Keep {
		kept := r.capsBefore()[permitted] &^ (e[effective].loses() | e[permitted].loses() |
			e[inheritable].loses() | e[ambient].loses() | e[bounding].loses())
		for _, set := range []int{effective, permitted, inheritable, ambient} {
			e[set].set |= kept
		}
	}
	e[inheritable].set |= e[ambient].set &^ e[inheritable].clear
	e[permitted].set |= (e[effective].set | e[ambient].set) &^ e[permitted].clear
	e[effective].clear |= e[permitted].loses()
	touched := e.touchSets() || r.attr.Securebits != nil
	if touched && r.leavesRoot() {
		e[permitted].clear, e[ambient].clear = allCaps, allCaps
	}
	if touched && r.dropsEffective() {
		e[effective].clear = allCaps
	}
	return e
}

// contradictions refuses what capset(2) and PR_CAP_AMBIENT refuse whatever there
// was before: effective and ambient capabilities that are not permitted,
// inheritable ones that are not in the bounding set.
func (e capEdits) contradictions() *StartError {
	for _, c := range []struct{ set, within int }{
		{effective, permitted}, {ambient, permitted}, {ambient, inheritable}, {inheritable, bounding},
	} {
		if bad := e[c.set].set & e[c.within].loses(); bad != 0 {
			return invalidf("Attr.Caps."+capSetNames[c.set], oneCap(bad), "is dropped from "+capSetNames[c.within]+", which has to have it")
		}
	}
	return nil
}
