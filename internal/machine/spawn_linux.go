//go:build amd64 || arm64

package machine

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// codeEnd marks the end of the machine's code, twice in a row.
const codeEnd = 0x53505247

// A frame is what spawn needs: the machine's state, the signal masks, and the
// call that makes the child with up to five arguments.
type frame struct {
	state
	all   uint64 // every signal, to be blocked around the call
	old   uint64 // address of the word for the mask before, and after
	nr    uint64
	arg   [5]uint64
	first uint64 // the child's first instruction
	ret   int64  // the child's pid, or a negated errno

	clone cloneArgs
	// tid is nonzero until the kernel clears it and wakes the futex: when
	// the child has left the parent's memory, by execve or by its end.
	tid   uint32
	pidfd int32
	// pid is the child's, from its birth on; the kernel sets it where the
	// call comes back later (CLONE_PARENT_SETTID).
	pid int32
}

// cloneArgs is struct clone_args of clone(2), as of Linux 5.7: eleven words,
// of which these are used.
type cloneArgs [11]uint64

const (
	cloneFlags      = 0
	clonePidFD      = 1
	cloneChildTID   = 2
	cloneParentTID  = 3
	cloneExitSignal = 4
	cloneStack      = 5
	cloneStackSize  = 6
	cloneCgroup     = 10
)

// spawn blocks all signals, makes the call, and restores the mask.
//
//go:noescape
func spawn(f *frame)

// become has the calling thread run the program from f.first on, with its own
// struct fs. It comes back if the thread is not the process's first.
//
//go:noescape
func become(f *frame)

func codeAddress() uintptr

func prologueAddress() uintptr

// code returns the machine's code, as it stands in this program's text.
func code() []byte {
	const most = 1 << 12
	addr := codeAddress() // of text, which the garbage collector knows nothing of
	text := unsafe.Slice(*(**byte)(unsafe.Pointer(&addr)), most)
	for n := 0; n+8 <= most; n++ {
		words := unsafe.Slice((*uint32)(unsafe.Pointer(&text[n])), 2)
		if words[0] == codeEnd && words[1] == codeEnd {
			return text[:n]
		}
	}
	panic("machine: the end of the code was not found")
}

// Flags of clone that the machine adds to those that it is asked for.
const (
	cloneClearSighand = 0x100000000
	cloneIntoCgroup   = 0x200000000

	// flagsOnlyClone3 have no meaning for clone(2).
	flagsOnlyClone3 = cloneClearSighand | cloneIntoCgroup | unix.CLONE_NEWTIME
)

// plainFlags are those of every start.
const plainFlags = unix.CLONE_VM | unix.CLONE_FILES | unix.CLONE_PIDFD | unix.CLONE_CHILD_CLEARTID | cloneClearSighand

func addressOf[T any](p *T) uint64 { return uint64(uintptr(unsafe.Pointer(p))) }

// useClone3 fills in the call for a kernel that has clone3. There is no exit
// signal; see fateOf.
func (f *frame) useClone3(flags uint64, cgroup int, stack []byte) {
	f.clone[cloneFlags] = flags
	f.clone[clonePidFD] = addressOf(&f.pidfd)
	f.clone[cloneChildTID] = addressOf(&f.tid)
	f.clone[cloneParentTID] = addressOf(&f.pid)
	f.clone[cloneStack], f.clone[cloneStackSize] = addressOf(&stack[0]), uint64(len(stack))
	if flags&cloneIntoCgroup != 0 {
		f.clone[cloneCgroup] = uint64(cgroup)
	}
	f.nr = unix.SYS_CLONE3
	f.arg = [5]uint64{addressOf(&f.clone), uint64(unsafe.Sizeof(f.clone))}
}

// useClone fills in the call for one that has only clone(2), whose flags are
// 32 bits with the exit signal in the lowest eight: none. A kernel before 5.2
// ignores CLONE_PIDFD and leaves the -1.
func (f *frame) useClone(flags uint64, stack []byte) {
	f.nr = unix.SYS_CLONE
	f.arg = [5]uint64{flags &^ flagsOnlyClone3, stackTop(stack), addressOf(&f.pidfd)}
	if flags&unix.CLONE_PARENT_SETTID != 0 {
		f.arg[2] = addressOf(&f.pid)
	}
	f.arg[childTIDArg] = addressOf(&f.tid)
}

// stackTop is where a stack begins that grows down, aligned as the ABIs have
// it.
func stackTop(stack []byte) uint64 { return (addressOf(&stack[0]) + uint64(len(stack))) &^ 15 }
