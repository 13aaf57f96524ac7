//go:build amd64 || arm64

package compile

import (
	"github.com/sprog-dev/sprog/internal/program"
	"github.com/sprog-dev/sprog/internal/spec"
)

// credentials changes the groups, the group and the user.
func (b *builder) credentials() {
	b.supplementaryGroups()
	if cred := b.ask.Sys.Credential; cred != nil {
		name := spec.Field("Credential")
		b.add(name, program.Setgid, Num(cred.Gid))
		b.add(name, program.Setuid, Num(cred.Uid))
	}
	if ids := b.ask.Attr.IDs; ids != nil {
		b.setIDs(program.Setresgid, "Group", ids.RealGroup, ids.EffectiveGroup)
		b.setIDs(program.Setresuid, "User", ids.RealUser, ids.EffectiveUser)
	}
}

func (b *builder) setIDs(call program.Call, what string, real, effective *uint32) {
	name := "Attr.IDs.Effective" + what
	if effective == nil {
		name = "Attr.IDs.Real" + what
	}
	if real != nil || effective != nil {
		b.add(name, call, idOr(real), idOr(effective), idOr(effective))
	}
}

func idOr(id *uint32) program.Arg {
	if id == nil {
		return Num(-1)
	}
	return Num(*id)
}

func (b *builder) supplementaryGroups() {
	name, groups := "Attr.Groups", b.ask.Groups
	if b.ask.Attr.Groups == nil {
		cred := b.ask.Sys.Credential
		if cred == nil || !b.ask.SetsGroups(cred) {
			return
		}
		name, groups = spec.Field("Credential"), cred.Groups
	}
	list := Num(0)
	if len(groups) > 0 {
		list = b.p.Uint32s(groups...)
	}
	b.add(name, program.Setgroups, Num(len(groups)), list)
}
