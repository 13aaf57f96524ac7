// Package stage2 is what a second stage and its parent agree on: where in memory things are that
// both see, and the words that one tells the other.
package stage2

// Base is where the second stage's image begins in its memory. Its segments are
// SegmentGap bytes further there than in the file, each compared to the one before it,
// so that no two share a page whatever its size.
const (
	Base       = 0x400000
	SegmentGap = 0x10000
)

// The file with the state is mapped before the image. It is a page, and what the log takes.
const (
	// StatePage is the address that it is to be mapped at.
	StatePage     = Base - SegmentGap
	StatePageSize = 4096
	// SharedAt is the address of some room in that page for the program's own
	// use, SharedSize bytes.
	SharedAt   = StatePage + 1024
	SharedSize = 2048
	// ViewAt is the address of some more room there, ViewSize bytes, for what becomes
	// of the program's mounts.
	ViewAt   = StatePage + 512
	ViewSize = SharedAt - ViewAt
	// BornAt is the address of a struct timespec in that page: when the
	// program has begun, if it notes that.
	BornAt = SharedAt + SharedSize
	// SiblingAt is the address in that page of a word for the number of the
	// process that goes on, where the first one makes another.
	SiblingAt = BornAt + 16
	// LeftAt is the address in that page of a word that the kernel clears when an init's child
	// has left the init's memory, by executing the program or by its end.
	LeftAt = SiblingAt + 8
	// EndAt is where in the file an init may tell the end of the program, up to
	// 512 bytes.
	EndAt = 3584
	// LogAt is the address for a log behind that page, LogSize bytes.
	LogAt   = StatePage + StatePageSize
	LogSize = SegmentGap - StatePageSize

	// RestAt is where a child that waits for the rest of its program gets that, MostOfRest bytes at most. It is
	// far above the image, and below all that the kernel chooses places for.
	RestAt     = 0x1000_0000
	MostOfRest = 192 << 10
)

// StateSize is how much the second stage has to map of the file with the state, if its log takes
// that many bytes. Less than a page is a page.
func StateSize(log int) int { return StatePageSize + log }

// The words that a second stage tells its parent through its pipe. It waits for an answer to
// each but the first.
const (
	// Executed is what an init tells when the program has been executed. No
	// other report begins so: instructions and their addresses begin with other bytes.
	Executed    = "\x01"
	Entered     = "\x02" // it is in its namespaces, and waits for the parent's part
	SiblingMade = "\x03" // its first process has made the one that goes on
	Waits       = "\x04" // it waits for the rest of its program, and gets no other answer
)

// Name is what a second stage calls itself, in PR_SET_NAME(2const). It is
// the name of no file, so that no program is called that by its execve.
const Name = "sprog/second"
