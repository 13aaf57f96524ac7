package sprog

import "os"

// A Birth tells what a start has made and applied. Each field belongs to the
// attribute of its name, and is zero without that.
type Birth struct {
	// Stops is for Init.JobControl: a byte can be read from it each time the
	// program stops, and its end comes with that of the init. It is the
	// caller's to close.
	Stops *os.File

	// Landlock tells what was applied of Attr.Landlock.
	Landlock *LandlockResult
}
