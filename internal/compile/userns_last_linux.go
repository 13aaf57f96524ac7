//go:build amd64 || arm64

package compile

import (
	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/program"
)

// enterUserNamespace comes after all that takes rights in the other namespaces. The child is a
// process by itself: others inside may trace it, and it has nothing of its parent's.
func (b *builder) enterUserNamespace() {
	if !b.ask.UserLast() {
		return
	}
	field := "Attr.UserNamespace"
	if b.ask.Last != nil {
		field = "Attr.IDMap.Last"
	}
	b.add(field, program.Prctl, Num(unix.PR_SET_DUMPABLE), Num(0))
	b.add(field, program.Setns, Num(b.fds.at(b.given.UserFD)), Num(unix.CLONE_NEWUSER))
	b.drop(b.given.UserFD, field)
}

// refuseUserNamespaces tries to make one. The call that comes to nothing by itself is what the start
// fails with.
func (b *builder) refuseUserNamespaces() {
	if !b.ask.Attr.RefuseUserNamespaces {
		return
	}
	const field = "Attr.RefuseUserNamespaces"
	none := b.p.Ahead()
	b.add(field, program.Unshare, Num(unix.CLONE_NEWUSER)).On(program.AnyErrno, &none)
	b.add(field, program.Unshare, Num(unix.CLONE_VFORK)).Quiet = true
	none.Place()
}
