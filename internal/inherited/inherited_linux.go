//go:build (amd64 || arm64) && !go1.28

package inherited

// Known says whether this toolchain's runtime is known to tell.
const Known = true

const (
	numSignals = 65 // with the number 0, which is none
	ignore     = 1  // SIG_IGN
)

// dispositions is the runtime's fwdSig: for every signal that has a handler
// of the runtime's, what it did before. Those without are as they were.
func dispositions() *[numSignals]uintptr

// mask is the runtime's initSigmask.
func mask() *uint64

func signals() (ignored, blocked uint64) {
	for sig, handler := range dispositions() {
		if handler == ignore {
			ignored |= 1 << (sig - 1)
		}
	}
	return ignored, *mask()
}
