//go:build amd64 || arm64

package sprog

import (
	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/explain"
	"github.com/sprog-dev/sprog/internal/kernel"
	"github.com/sprog-dev/sprog/internal/spec"
)

// checkRights refuses what this process has no right to ask for. A plan is
// made without a look at that.
func (s *starter) checkRights() *spec.Error {
	if !s.ask.ChangesCaps() {
		return nil
	}
	if s.ask.JoinsUser = s.given.Joins.Joins(spec.UserNamespace); s.ask.JoinsUser {
		if err := checkCaps(s.ask); err != nil { // which takes other sets for the present ones
			err.Path = s.ask.Path
			return err
		}
	}
	if s.describing {
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
		reason string
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
