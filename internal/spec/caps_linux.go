//go:build amd64 || arm64

package spec

import (
	"math/bits"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/kernel"
	"github.com/sprog-dev/sprog/internal/listing"
	"github.com/sprog-dev/sprog/internal/terms"
)

// Loses are the bits that are not there afterwards.
func (e Edit) Loses() uint64 { return e.Clear &^ e.Set }

// IsZero reports whether nothing changes.
func (e Edit) IsZero() bool { return e == Edit{} }

// CapSetNames are the fields of Caps for the sets.
var CapSetNames = [kernel.CapSets]string{"Effective", "Permitted", "Inheritable", "Ambient", "Bounding"}

// TouchSets reports whether any set but the bounding one changes.
func (e CapEdits) TouchSets() bool {
	e[kernel.Bounding] = Edit{}
	return e != CapEdits{}
}

// adds reports whether anything is added to a set that a change of the user
// empties, or to the inheritable set, which takes what is permitted.
func (e CapEdits) adds() bool {
	return e[kernel.Effective].Set|e[kernel.Permitted].Set|e[kernel.Ambient].Set|e[kernel.Inheritable].Set != 0
}

// ChangesCaps reports whether Caps or Securebits are given. AmbientCaps alone
// goes another way, which is package syscall's.
func (r *Start) ChangesCaps() bool { return r.Attr.Caps != nil || r.Attr.Securebits != nil }

// OneCap names the first of a set.
func OneCap(set uint64) string { return listing.CapName(uint64(bits.TrailingZeros64(set))) }

// Contradictions refuses what capset(2) and PR_CAP_AMBIENT refuse whatever there
// was before: effective and ambient capabilities that are not permitted,
// inheritable ones that are not in the bounding set.
func (e CapEdits) Contradictions() *Error {
	for _, c := range []struct{ set, within int }{
		{kernel.Effective, kernel.Permitted}, {kernel.Ambient, kernel.Permitted}, {kernel.Ambient, kernel.Inheritable}, {kernel.Inheritable, kernel.Bounding},
	} {
		if bad := e[c.set].Set & e[c.within].Loses(); bad != 0 {
			return Invalid("Attr.Caps."+CapSetNames[c.set], OneCap(bad), "is dropped from "+terms.Ref(CapSetNames[c.within], "Attr.Caps."+CapSetNames[c.within])+", which has to have it")
		}
	}
	return nil
}

func (r *Start) checkAmbientCaps() *Error {
	for i, c := range r.Sys.AmbientCaps {
		if c >= 64 {
			return Invalid(Index(Field("AmbientCaps"), i), strconv.FormatUint(uint64(c), 10), "is no capability")
		}
	}
	return nil
}

// KeepsCaps reports whether capabilities have to be kept over a change of the
// user.
func (r *Start) KeepsCaps() bool {
	if !r.ChangesCaps() {
		return len(r.Sys.AmbientCaps) > 0
	}
	return r.DropsEffective() && (r.Caps.adds() || r.Attr.Securebits != nil)
}

// CapsField is the field that a step for several of them belongs to.
func (r *Start) CapsField() string {
	switch {
	case r.Attr.Caps != nil:
		return "Attr.Caps"
	case r.Attr.Securebits != nil:
		return "Attr.Securebits"
	}
	return Field("AmbientCaps")
}

// NewUserNamespace reports whether there is to be one.
func (r *Start) NewUserNamespace() bool {
	return (r.Sys.Cloneflags|r.Sys.Unshareflags)&unix.CLONE_NEWUSER != 0
}
