//go:build linux

package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog"
	"github.com/sprog-dev/sprog/internal/listing"
)

// The capFlags are about capabilities.
type capFlags struct {
	Caps        *capSet    `xor:"caps" placeholder:"CAP,..." values:"capability" help:"Exactly these capabilities, whatever the user, in all five sets; an empty list means none."`
	CapAdd      capNames   `xor:"caps" placeholder:"CAP,..." values:"capability" help:"Have these, whatever the user: add them to all five sets. \"all\" means all that the kernel has."`
	CapDrop     capNames   `placeholder:"CAP,..." values:"capability" help:"Drop these from all five sets. --cap-drop all leaves what --cap-add names."`
	Bounding    *capSet    `name:"bounding-set" placeholder:"LIST" values:"capability" help:"The bounding set. A LIST is exactly what it names, or what +CAP adds and -CAP drops."`
	Permitted   *capSet    `placeholder:"LIST" values:"capability" help:"The permitted set until the program is executed, and that of --init."`
	Effective   *capSet    `placeholder:"LIST" values:"capability" help:"The effective set until then."`
	Inheritable *capSet    `name:"inh-caps" placeholder:"LIST" values:"capability" help:"The inheritable set."`
	AmbientCaps *capSet    `placeholder:"LIST" values:"capability" help:"The ambient set: what a program has that does not run as root and whose file has no privileges."`
	KeepCaps    bool       `help:"Keep all that the caller has, or that a new user namespace gives, whatever the user."`
	Securebits  *secureSet `placeholder:"LIST" values:"securebit" help:"Secure bits: noroot, no-setuid-fixup, keep-caps, no-cap-ambient-raise, exec-restrict-file, exec-deny-interactive, each with -locked too."`
}

// setCaps fills in the attributes.
func (f *capFlags) setCaps(attr *sprog.Attr) error {
	if f.Caps != nil && f.CapDrop != nil {
		return errors.New("--caps names all capabilities that are left: --cap-drop cannot be used with it")
	}
	if f.Securebits != nil {
		attr.Securebits = &sprog.Securebits{Drop: f.Securebits.drop, Add: f.Securebits.add}
	}
	if f.Caps == nil && f.CapAdd == nil && f.CapDrop == nil && f.Bounding == nil && f.Permitted == nil && f.Effective == nil &&
		f.Inheritable == nil && f.AmbientCaps == nil && !f.KeepCaps {
		return nil
	}
	attr.Caps = &sprog.Caps{
		Bounding: f.set(f.Bounding), Permitted: f.set(f.Permitted), Effective: f.set(f.Effective),
		Inheritable: f.set(f.Inheritable), Ambient: f.set(f.AmbientCaps), Keep: f.KeepCaps,
	}
	return nil
}

// set is one of the five sets: as it is given itself, or as the flags for all
// of them have it.
func (f *capFlags) set(own *capSet) sprog.CapSet {
	switch {
	case own != nil:
		return sprog.CapSet{Drop: own.drop, Add: own.add}
	case f.Caps != nil:
		return sprog.CapSet{Drop: f.Caps.drop, Add: f.Caps.add}
	}
	return sprog.CapSet{Drop: f.CapDrop, Add: f.CapAdd}
}

// A capSet is a set of capabilities as setpriv(1) writes it.
type capSet setEdit

func (s *capSet) Set(list string) error {
	return (*setEdit)(s).edit(capName(list), validCap, supportedCaps)
}

// A capNames is a list of capabilities.
type capNames []string

func (l *capNames) Set(s string) error {
	return decodeNames(s, func(name string) error {
		name = capName(name)
		*l = append(*l, name)
		if name == "all" {
			return nil
		}
		return validCap(name)
	})
}

// capName has capabilities, and lists of them, in one spelling.
func capName(list string) string { return strings.ReplaceAll(strings.ToLower(list), "cap_", "") }

func validCap(name string) error {
	_, err := parseCap(name)
	return err
}

func supportedCaps() (names []string) {
	for c := range uint64(lastCap() + 1) {
		names = append(names, capName(listing.CapName(c)))
	}
	return names
}

// A secureSet is a set of secure bits.
type secureSet setEdit

func (s *secureSet) Set(list string) error {
	list = strings.NewReplacer("secbit_", "", "_", "-").Replace(strings.ToLower(list))
	return (*setEdit)(s).edit(list, oneOf(secureBitNames, "secure bit"), func() []string { return slices.Clone(secureBitNames) })
}

var secureBitNames = []string{
	"noroot", "noroot-locked", "no-setuid-fixup", "no-setuid-fixup-locked", "keep-caps", "keep-caps-locked",
	"no-cap-ambient-raise", "no-cap-ambient-raise-locked", "exec-restrict-file", "exec-restrict-file-locked",
	"exec-deny-interactive", "exec-deny-interactive-locked",
}

// hasSysAdmin reports whether this process may mount, and set a filter without no_new_privs.
func hasSysAdmin() bool {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	err := unix.Capget(&header, &data[0])
	return err == nil && data[unix.CAP_SYS_ADMIN>>5].Effective>>(unix.CAP_SYS_ADMIN&31)&1 != 0
}

// A capList is a list of capabilities.
type capList []uintptr

func (l *capList) Set(s string) error { return decodeList(s, l, parseCap) }

// parseCap accepts cap_chown, CAP_CHOWN, chown and 0.
func parseCap(name string) (uintptr, error) {
	c, ok := listing.CapNumber(name)
	if !ok {
		return 0, fmt.Errorf("%q is not a capability", name)
	}
	return uintptr(c), nil
}
