package sprog

// A THPDisable says which transparent huge pages a process does without; see
// PR_SET_THP_DISABLE(2const).
type THPDisable uint8

const (
	// THPDisableNone leaves what is inherited.
	THPDisableNone THPDisable = iota
	// THPDisableCompletely is for all of them. Linux 3.15.
	THPDisableCompletely
	// THPDisableExceptAdvised leaves those that the program asks for, by
	// madvise(2). Linux 6.18.
	THPDisableExceptAdvised
)
