//go:build amd64 || arm64

package sprog

import (
	"math/bits"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/program"
)

// The execve of the second stage takes capabilities away from whoever is not
// root: those that the child has in a user namespace that it has joined before, in which it is
// whom the maps say; and those that the parent has, and that steps before a new user
// namespace may need. So it takes them along as ambient ones.

// carryCaps makes what is permitted inheritable and ambient. In a user namespace
// that has just been entered, nothing is, and in one that will be nothing stays so.
func (b *builder) carryCaps() bool {
	entersOwn := (b.sys.Cloneflags|b.sys.Unshareflags)&unix.CLONE_NEWUSER != 0
	if !b.joinsEarly(UserNamespace) && !(entersOwn && !b.root && b.capable) {
		return false
	}
	p := b.p
	header := p.Uint32s(unix.LINUX_CAPABILITY_VERSION_3, 0)
	own, sets := p.Buffer(24), p.Buffer(32)
	p.Label(own, "own")
	b.add(b.stageField, program.Capget, header, own)
	for word, from := range [6]uint64{0, 1, 1, 3, 4, 4} { // as in capset, but permitted twice
		p.Add(b.stageField, program.Move, program.Arg{Kind: program.Address, Value: own.Value + 4*from}, num(0)).Quiet = true
		p.FeedData(p.Len()-1, program.Arg{Kind: program.Address, Value: sets.Value + 4*uint64(word)})
	}
	b.add(b.stageField, program.Capset, header, sets)
	raise := p.Len()
	b.add(b.stageField, program.Prctl, num(unix.PR_CAP_AMBIENT), num(unix.PR_CAP_AMBIENT_RAISE), num(0)).Ignore(uint32(unix.EINVAL)).Ignore(uint32(unix.EPERM)) // securebits may forbid it
	p.CountUpArg(p.Words(0), bits.Len64(kernelCaps()), raise, 2)
	return true
}

// putCapsDown makes nothing inheritable and ambient, as it was.
func (b *builder) putCapsDown() {
	b.add(b.stageField, program.Prctl, num(unix.PR_CAP_AMBIENT), num(unix.PR_CAP_AMBIENT_CLEAR_ALL)).Ignore(uint32(unix.EINVAL))
	var e capEdits
	e[inheritable].clear = allCaps
	b.capset(b.stageField, e)
}
