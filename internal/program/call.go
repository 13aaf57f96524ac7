package program

//go:generate go run gen.go

// A Call is a system call by name, or one of the machine's own operations.
// Everything about the system calls comes from calls.txt.
type Call uint8

const (
	_ Call = iota

	// Test goes on with the step Args[2] steps further if the 32-bit word at
	// Args[0] equals Args[1], and with the following step otherwise.
	Test
	// Move stores the 32-bit word at Args[0], zero-extended, with the bits of
	// Args[3] cleared, those of Args[2] set, and then increased by Args[1],
	// into the places in Out.
	Move

	firstCall = iota
)

// A call is what is known of a system call.
type call struct {
	name     string
	since    [2]int // the release of Linux that brought it, or zero
	filtered bool
	thread   bool
}

// IsOperation reports whether c is an operation of the machine and not a
// system call.
func (c Call) IsOperation() bool { return c == Test || c == Move }

// String returns the kernel's name of the call.
func (c Call) String() string {
	switch {
	case c == Test:
		return "test"
	case c == Move:
		return "move"
	case c == 0 || c >= NumCalls:
		return "?"
	}
	return callTable[c].name
}

// CallNamed returns the call that has a name, or 0.
func CallNamed(name string) Call {
	for c := Call(firstCall); c < NumCalls; c++ {
		if callTable[c].name == name {
			return c
		}
	}
	return 0
}

// Since returns the release of Linux that brought the call, if not every kernel
// in use has it, or if a kernel can be built without it.
func (c Call) Since() (release [2]int, known bool) {
	if c >= NumCalls {
		return release, false
	}
	return callTable[c].since, callTable[c].since != [2]int{}
}

// OftenFiltered reports whether the seccomp filters of containers often deny the
// call.
func (c Call) OftenFiltered() bool { return c < NumCalls && callTable[c].filtered }

// OfThread reports whether a thread of several can make the call for itself, or for
// the whole process without harm to the other threads that still run until the
// execve.
func (c Call) OfThread() bool { return c.IsOperation() || c < NumCalls && callTable[c].thread }
