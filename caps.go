package sprog

// Caps changes the child's capability sets, each by itself; see capabilities(7).
// A set that is left alone is what it is without Caps: a child has the sets of
// the thread that starts it, and in a new user namespace it has every
// capability, with nothing inheritable or ambient.
//
// A change of the user to one who is not root (Credential, IDs) empties the
// permitted, effective and ambient sets before these changes to them. What is
// added to one of the five is kept over the change of the user.
//
// The sets are made after the change of the user and before anything that comes
// later with its rights, such as Dir. Then execve makes those of the program out
// of them. Unless its file is set-user-ID or has capabilities,
//   - bounding, inheritable and ambient stay as they are;
//   - permitted and effective become the ambient set;
//   - but for root, permitted becomes bounding and inheritable together, and so
//     does effective if the effective user is root; not with the securebit noroot.
//
// So the way to give a capability to a program is to add it to Ambient, and the
// way to take it from one that runs as root is to drop it from Bounding and
// Inheritable. Permitted and Effective are about the steps before the execve,
// and about an [Init], which has all five sets as they are made here.
//
// While a start makes them, this process is not dumpable: see [IDs].
type Caps struct {
	// Bounding can only shrink, which needs CAP_SETPCAP. What is added to it is
	// kept from being dropped, and has to be there.
	Bounding CapSet
	// Permitted is the ceiling of Effective and Ambient: what it drops they lose
	// too, and what they add has to be in the caller's permitted set.
	Permitted CapSet
	Effective CapSet
	// Inheritable can hold what the caller has permitted and Bounding allows. It
	// is of use to programs whose files have capabilities, and to Ambient.
	Inheritable CapSet
	// Ambient is what a program without privileges of its own has. What is added
	// to it is added to Permitted and Inheritable. Linux 4.3.
	Ambient CapSet

	// Keep adds to Permitted, Effective, Inheritable and Ambient whatever the
	// caller has permitted, or in a new user namespace everything, as far as
	// Bounding and the other sets do not drop it: the program keeps its
	// capabilities whoever it runs as.
	Keep bool
}

// A CapSet changes one set of capabilities; the zero value leaves it alone. Drop
// is done before Add, so that to drop "all" and to add a list makes the set
// exactly that list, and to drop "all" alone makes it empty.
//
// A capability is named as in CAP_NET_RAW, cap_net_raw or net_raw, or by its
// number. "all" are all that the running kernel has.
type CapSet struct {
	Drop, Add []string
}

// Securebits changes the secure-bits flags, which rule what root and a change of
// the user mean to capabilities, and how scripts may be executed; see
// capabilities(7). They are named as in SECBIT_NOROOT, noroot or noroot-locked;
// "all" is all that sprog knows. Drop is done before Add.
//
// It needs CAP_SETPCAP, which the child keeps until then whoever it runs as. The
// exec- flags are there from Linux 6.14 on, and need no capability. A locked
// flag cannot be changed. The flag keep-caps is cleared by execve: see Caps.Keep
// for what it is mostly wanted for.
type Securebits struct {
	Drop, Add []string
}
