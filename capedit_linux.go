//go:build amd64 || arm64

package sprog

import (
	"strconv"

	"github.com/sprog-dev/sprog/internal/explain"
	"github.com/sprog-dev/sprog/internal/kernel"
	"github.com/sprog-dev/sprog/internal/program"
	"github.com/sprog-dev/sprog/internal/spec"
)

func checkCaps(r *spec.Start) *spec.Error {
	if !r.ChangesCaps() {
		return nil
	}
	var given spec.CapEdits
	if r.Attr.Caps != nil {
		var err *spec.Error
		if given, err = parseCaps(r.Attr.Caps); err != nil {
			return err
		}
	}
	r.Caps = completeCaps(r, given)
	return r.Caps.Contradictions()
}

// parseCaps returns the edits that Caps asks for by name.
func parseCaps(c *spec.Caps) (e spec.CapEdits, err *spec.Error) {
	for i, set := range [kernel.CapSets]spec.CapSet{c.Effective, c.Permitted, c.Inheritable, c.Ambient, c.Bounding} {
		name := "Attr.Caps." + spec.CapSetNames[i]
		var dropped, added uint64
		if e[i].Clear, dropped, err = capBits(name+".Drop", set.Drop, kernel.AllCaps); err != nil {
			return e, err
		}
		if e[i].Set, added, err = capBits(name+".Add", set.Add, kernel.Caps()); err != nil {
			return e, err
		}
		if both := dropped & added; both != 0 {
			return e, spec.Invalid(name, spec.OneCap(both), "is both added and dropped")
		}
		if missing := e[i].Set &^ kernel.Caps(); missing != 0 {
			return e, spec.Invalid(name+".Add", spec.OneCap(missing), "is no capability of the running kernel")
		}
	}
	return e, nil
}

// capBits turns names into bits: all of them, and those named one by one.
func capBits(field string, names []string, all uint64) (set, named uint64, err *spec.Error) {
	for i, name := range names {
		if name == "all" || name == "ALL" {
			set |= all
			continue
		}
		c, ok := program.CapNumber(name)
		if !ok {
			return 0, 0, spec.Invalid(spec.Index(field, i), strconv.Quote(name), "is no capability")
		}
		named |= 1 << c
	}
	return set | named, named, nil
}

// completeCaps adds to the edits that are given what follows from them, from
// AmbientCaps, and from a change of the user.
func completeCaps(r *spec.Start, e spec.CapEdits) spec.CapEdits {
	for _, c := range r.Sys.AmbientCaps {
		e[kernel.Ambient].Set |= 1 << c
	}
	if r.Attr.Caps != nil && r.Attr.Caps.Keep {
		kept := explain.CapsBefore(r)[kernel.Permitted] &^ (e[kernel.Effective].Loses() | e[kernel.Permitted].Loses() |
			e[kernel.Inheritable].Loses() | e[kernel.Ambient].Loses() | e[kernel.Bounding].Loses())
		for _, set := range []int{kernel.Effective, kernel.Permitted, kernel.Inheritable, kernel.Ambient} {
			e[set].Set |= kept
		}
	}
	e[kernel.Inheritable].Set |= e[kernel.Ambient].Set &^ e[kernel.Inheritable].Clear
	e[kernel.Permitted].Set |= (e[kernel.Effective].Set | e[kernel.Ambient].Set) &^ e[kernel.Permitted].Clear
	e[kernel.Effective].Clear |= e[kernel.Permitted].Loses()
	touched := e.TouchSets() || r.Attr.Securebits != nil
	if touched && r.LeavesRoot() {
		e[kernel.Permitted].Clear, e[kernel.Ambient].Clear = kernel.AllCaps, kernel.AllCaps
	}
	if touched && r.DropsEffective() {
		e[kernel.Effective].Clear = kernel.AllCaps
	}
	return e
}
