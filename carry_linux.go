//go:build amd64 || arm64

package sprog

import (
	"math/bits"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/program"
)

// In a user namespace that is new to it the child has every capability, but the
// execve of the second stage would leave them only to root inside, whom the maps
// need not make of the child's user. So it takes them along as ambient ones.

// carryCaps makes what is permitted inheritable and ambient, in a user namespace
// that has just been entered, where nothing is.
func (b *builder) carryCaps() bool {
	if !b.joinsEarly(UserNamespace) && b.sys.Cloneflags&unix.CLONE_NEWUSER == 0 {
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
	b.add(b.stageField, program.Prctl, num(unix.PR_CAP_AMBIENT), num(unix.PR_CAP_AMBIENT_RAISE), num(0)).Ignore(uint32(unix.EINVAL))
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
