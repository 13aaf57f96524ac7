package sprog

// A Personality is an execution domain with its flags, as personality(2) takes
// it. It is the whole of it: 0 (PER_LINUX) is a Linux process with nothing unusual,
// whatever this process has.
//
// The program keeps it through execve, but the kernel takes most flags away
// where that changes who the process is (set-user-ID).
type Personality uint32

// Linux32 (PER_LINUX32) has uname(2) name the 32-bit machine. It is an execution
// domain, which flags are ORed to. Linux has no others of use left.
const Linux32 Personality = 8

// The flags, by the names of <sys/personality.h>. What each does is said in
// personality(2).
const (
	UName26          Personality = 0x0020000 << iota // UNAME26: uname(2) says 2.6; Linux 3.1
	AddrNoRandomize                                  // ADDR_NO_RANDOMIZE: memory is laid out at the same addresses every time
	FDPICFuncPtrs                                    // FDPIC_FUNCPTRS: function pointers are descriptors of functions
	MmapPageZero                                     // MMAP_PAGE_ZERO: page 0 can be read
	AddrCompatLayout                                 // ADDR_COMPAT_LAYOUT: mmap(2) begins at a third of the address space
	ReadImpliesExec                                  // READ_IMPLIES_EXEC: memory that can be read can be executed
	AddrLimit32Bit                                   // ADDR_LIMIT_32BIT: addresses below 4 GiB
	ShortInode                                       // SHORT_INODE: without effect
	WholeSeconds                                     // WHOLE_SECONDS: without effect
	StickyTimeouts                                   // STICKY_TIMEOUTS: select(2) and its kin leave the timeout as it was
	AddrLimit3GB                                     // ADDR_LIMIT_3GB: addresses below 3 GiB, for 32-bit programs
)
