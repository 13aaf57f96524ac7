//go:build amd64 || arm64

package launch

import (
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/compile"
	"github.com/sprog-dev/sprog/internal/explain"
	"github.com/sprog-dev/sprog/internal/kernel"
	"github.com/sprog-dev/sprog/internal/listing"
	"github.com/sprog-dev/sprog/internal/spec"
	"github.com/sprog-dev/sprog/internal/terms"
)

func checkCaps(r *spec.Start) *spec.Error {
	if !r.ChangesCaps() {
		return nil
	}
	var given spec.CapEdits
	if r.Attr.Caps != nil {
		var err *spec.Error
		if given, err = parseCaps(r.Attr.Caps, capsOf(r)); err != nil {
			return err
		}
	}
	r.Caps = completeCaps(r, given)
	return r.Caps.Contradictions()
}

// parseCaps returns the edits that Caps asks for by name, of a kernel that has these.
func parseCaps(c *spec.Caps, all uint64) (e spec.CapEdits, err *spec.Error) {
	for i, set := range [kernel.CapSets]spec.CapSet{c.Effective, c.Permitted, c.Inheritable, c.Ambient, c.Bounding} {
		name := "Attr.Caps." + spec.CapSetNames[i]
		var dropped, added uint64
		if e[i].Clear, dropped, err = capBits(name+".Drop", set.Drop, kernel.AllCaps); err != nil {
			return e, err
		}
		if e[i].Set, added, err = capBits(name+".Add", set.Add, all); err != nil {
			return e, err
		}
		if both := dropped & added; both != 0 {
			return e, spec.Invalid(name, spec.OneCap(both), "is both added and dropped")
		}
		if missing := e[i].Set &^ all; missing != 0 {
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
		c, ok := listing.CapNumber(name)
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

// checkJoinedCaps takes other sets for the present ones, if the process turns out to be in
// another user namespace.
func (s *attempt) checkJoinedCaps() *spec.Error {
	if s.ask.JoinsUser = s.ask.ChangesCaps() && s.given.Joins.Has(spec.UserNamespace); !s.ask.JoinsUser {
		return nil
	}
	return checkCaps(s.ask)
}

// checkRights refuses what this process has no right to ask for.
func (s *attempt) checkRights() *spec.Error {
	if !s.ask.ChangesCaps() {
		return nil
	}
	e, before := s.ask.Caps, explain.CapsBefore(s.ask)
	setpcap := before[kernel.Effective]>>unix.CAP_SETPCAP&1 != 0
	within := before[kernel.Inheritable] | before[kernel.Bounding]
	if !setpcap {
		within &= before[kernel.Inheritable] | before[kernel.Permitted]
	}
	for _, c := range []struct {
		set    int
		bad    uint64
		reason terms.Text
	}{
		{kernel.Ambient, e[kernel.Ambient].Set &^ before[kernel.Permitted], "is not permitted to this process"},
		{kernel.Effective, e[kernel.Effective].Set &^ before[kernel.Permitted], "is not permitted to this process"},
		{kernel.Permitted, e[kernel.Permitted].Set &^ before[kernel.Permitted], "is not permitted to this process"},
		{kernel.Inheritable, e[kernel.Inheritable].Set &^ within, "is not in this process's bounding set, or permitted to it"},
		{kernel.Bounding, e[kernel.Bounding].Set &^ before[kernel.Bounding], "is not in this process's bounding set, which can only shrink"},
	} {
		if c.bad != 0 {
			return &spec.Error{Path: s.ask.Path, Field: "Attr.Caps." + spec.CapSetNames[c.set], Object: spec.OneCap(c.bad), Err: spec.Denied(c.reason)}
		}
	}
	if drop := e[kernel.Bounding].Loses() & kernel.Caps(); drop != 0 && !setpcap {
		return &spec.Error{Path: s.ask.Path, Field: "Attr.Caps.Bounding", Object: spec.OneCap(drop), Err: spec.Denied("cannot be dropped without CAP_SETPCAP")}
	}
	if s.ask.Attr.Securebits != nil && before[kernel.Permitted]>>unix.CAP_SETPCAP&1 == 0 && !s.ask.Secure.Unprivileged() {
		return &spec.Error{Path: s.ask.Path, Field: "Attr.Securebits", Err: spec.Denied("cannot be changed without CAP_SETPCAP")}
	}
	return nil
}

// findCaps decides whether there is something to take along.
func (s *attempt) findCaps() {
	if s.given.Standing == (compile.Standing{}) {
		s.given.Standing = OwnStanding()
	}
	if s.given.Carries = !s.given.Root && s.given.Capable; s.given.Carries {
		s.given.Own = kernel.OwnSets()
	}
}

// capsOf are the capabilities of the kernel that a start is for. One that is not known may have all.
func capsOf(r *spec.Start) uint64 {
	if r.Launcher != nil && !r.Launcher.Freeze {
		return kernel.AllCaps
	}
	return kernel.Caps()
}
