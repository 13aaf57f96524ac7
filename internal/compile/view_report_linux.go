//go:build amd64 || arm64

package compile

import (
	"github.com/sprog-dev/sprog/internal/program"
	"github.com/sprog-dev/sprog/internal/stage2"
)

// A ViewReport says where the child leaves what its parent is to know of the view: in
// the memory that they share, or in the page that a second stage shows.
type ViewReport struct {
	There bool        // there is a view
	Text  program.Arg // TextSize bytes, after a failure
	Size  program.Arg // a word: how much of the program there is
	Bits  program.Arg // words, 32 bits of each
	Told  []ViewBit   // what the bits mean
	Fails []ViewFail  // steps that are there to fail
}

// A ViewBit is something that may become of a mount.
type ViewBit struct {
	Mount int
	What  ViewEvent
}

// A ViewEvent is what has become of a mount.
type ViewEvent uint8

const (
	LeftOut  ViewEvent = iota // its source does not exist
	FellBack                  // the kernel has refused it, and the fallback is there
)

// A ViewFail is a step that comes to nothing by itself: something was not what it has to be.
type ViewFail struct {
	Step int
	Why  ViewFlaw
}

// A ViewFlaw is what was wrong.
type ViewFlaw uint8

const (
	NotNull    ViewFlaw = iota // the caller's /dev/null is another file
	OtherFile                  // a path does not lead to the file that it led to
	IsLink                     // a target is a symbolic link, which is not followed
	Covered                    // something is on top of the new root
	AtRoot                     // a link of the view's own leads to the root directory
	Outside                    // the working directory is outside of the root
	OtherThere                 // something that is no link with the same text is at the place of a link
	Truncated                  // given content was not written as a whole
)

// TextSize is how much is read after a failure: two messages of the kernel's, and the
// beginning of the program. The ids of namespaces, which have the same room, are of no use then.
const (
	TextSize    = 2048
	MessageSize = 256
	ProgramSize = TextSize - 2*MessageSize
	ViewSizeAt  = stage2.ViewSize - 8 // where in the room of a second stage Size is
)

// StatxSize is the size of struct statx.
const StatxSize = 256
