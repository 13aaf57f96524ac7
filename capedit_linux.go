//go:build amd64 || arm64

package sprog

import (
	"math/bits"
	"strconv"

	"github.com/sprog-dev/sprog/internal/kernel"
	"github.com/sprog-dev/sprog/internal/program"
)

// loses are the bits that are not there afterwards.
func (e edit) loses() uint64 { return e.clear &^ e.set }

func (e edit) isZero() bool { return e == edit{} }

var capSetNames = [kernel.CapSets]string{"Effective", "Permitted", "Inheritable", "Ambient", "Bounding"}

// touchSets reports whether any set but the bounding one changes.
func (e capEdits) touchSets() bool {
	e[kernel.Bounding] = edit{}
	return e != capEdits{}
}

// adds reports whether anything is added to a set that a change of the user
// empties, or to the inheritable set, which takes what is permitted.
func (e capEdits) adds() bool {
	return e[kernel.Effective].set|e[kernel.Permitted].set|e[kernel.Ambient].set|e[kernel.Inheritable].set != 0
}

// changesCaps reports whether Caps or Securebits are given. AmbientCaps alone
// goes another way, which is package syscall's.
func (r *request) changesCaps() bool { return r.attr.Caps != nil || r.attr.Securebits != nil }

func checkCaps(r *request) *StartError {
	if !r.changesCaps() {
		return nil
	}
	var given capEdits
	if r.attr.Caps != nil {
		var err *StartError
		if given, err = parseCaps(r.attr.Caps); err != nil {
			return err
		}
	}
	r.caps = completeCaps(r, given)
	return r.caps.contradictions()
}

// parseCaps returns the edits that Caps asks for by name.
func parseCaps(c *Caps) (e capEdits, err *StartError) {
	for i, set := range [kernel.CapSets]CapSet{c.Effective, c.Permitted, c.Inheritable, c.Ambient, c.Bounding} {
		name := "Attr.Caps." + capSetNames[i]
		var dropped, added uint64
		if e[i].clear, dropped, err = capBits(name+".Drop", set.Drop, kernel.AllCaps); err != nil {
			return e, err
		}
		if e[i].set, added, err = capBits(name+".Add", set.Add, kernel.Caps()); err != nil {
			return e, err
		}
		if both := dropped & added; both != 0 {
			return e, invalidf(name, oneCap(both), "is both added and dropped")
		}
		if missing := e[i].set &^ kernel.Caps(); missing != 0 {
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

// completeCaps adds to the edits that are given what follows from them, from
// AmbientCaps, and from a change of the user.
func completeCaps(r *request, e capEdits) capEdits {
	for _, c := range r.sys.AmbientCaps {
		e[kernel.Ambient].set |= 1 << c
	}
	if r.attr.Caps != nil && r.attr.Caps.Keep {
		kept := capsBefore(r)[kernel.Permitted] &^ (e[kernel.Effective].loses() | e[kernel.Permitted].loses() |
			e[kernel.Inheritable].loses() | e[kernel.Ambient].loses() | e[kernel.Bounding].loses())
		for _, set := range []int{kernel.Effective, kernel.Permitted, kernel.Inheritable, kernel.Ambient} {
			e[set].set |= kept
		}
	}
	e[kernel.Inheritable].set |= e[kernel.Ambient].set &^ e[kernel.Inheritable].clear
	e[kernel.Permitted].set |= (e[kernel.Effective].set | e[kernel.Ambient].set) &^ e[kernel.Permitted].clear
	e[kernel.Effective].clear |= e[kernel.Permitted].loses()
	touched := e.touchSets() || r.attr.Securebits != nil
	if touched && r.leavesRoot() {
		e[kernel.Permitted].clear, e[kernel.Ambient].clear = kernel.AllCaps, kernel.AllCaps
	}
	if touched && r.dropsEffective() {
		e[kernel.Effective].clear = kernel.AllCaps
	}
	return e
}

// contradictions refuses what capset(2) and PR_CAP_AMBIENT refuse whatever there
// was before: effective and ambient capabilities that are not permitted,
// inheritable ones that are not in the bounding set.
func (e capEdits) contradictions() *StartError {
	for _, c := range []struct{ set, within int }{
		{kernel.Effective, kernel.Permitted}, {kernel.Ambient, kernel.Permitted}, {kernel.Ambient, kernel.Inheritable}, {kernel.Inheritable, kernel.Bounding},
	} {
		if bad := e[c.set].set & e[c.within].loses(); bad != 0 {
			return invalidf("Attr.Caps."+capSetNames[c.set], oneCap(bad), "is dropped from "+capSetNames[c.within]+", which has to have it")
		}
	}
	return nil
}
