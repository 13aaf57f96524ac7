package program

import "math"

// A Handover is a late rendezvous: the child has opened a descriptor in its own
// table and cannot pass it on, since every call that it makes from then on may
// be denied. So it stores the number in a word and goes on when another word is
// set, which takes it no call (or waits at a door), and the parent takes the descriptor out of the
// child's table.
type Handover struct {
	Number Arg // a word of the program's data; NoNumber until it is stored
	Taken  Arg // another one; 0 until the parent has the descriptor
}

// NoNumber is no descriptor's number.
const NoNumber = math.MaxUint32
