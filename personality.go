package sprog

// A Personality is an execution domain with its flags, as personality(2) takes
// it. It is the whole of it: 0 is a Linux process with nothing unusual, whatever
// this process has. The PER_ and ADDR_ constants of <sys/personality.h> are not
// in golang.org/x/sys; these are the ones that are of use today.
//
// The program keeps it through execve, but the kernel takes most flags away
// where that changes who the process is (set-user-ID).
type Personality uint32

const (
	// AddrNoRandomize lays out memory at the same addresses every time.
	AddrNoRandomize Personality = 0x0040000
	// Linux32 has uname(2) name the 32-bit machine. It is an execution domain
	// and not a flag.
	Linux32 Personality = 8
)
