package stage2

// An init tells the end of the program as waitid(2) has told it: a siginfo_t, a struct
// rusage behind it, and two words about what was left.

// Offsets in siginfo_t, as rt_sigtimedwait and waitid fill it in.
const (
	InfoCode   = 8
	InfoPid    = 16
	InfoStatus = 24
	InfoSize   = 128

	CldExited = 1
)

const (
	// EndSize is that and a struct rusage.
	EndSize = InfoSize + 144
	// RestSize is what the init tells of what was left.
	RestSize = 16
)
