package program

import (
	"encoding/binary"
	"time"
)

// A Log is where a program notes when its steps begin. The zero value is none.
//
// The notes are made between the steps and are none themselves: indices, jumps
// and listings are the same with a log and without.
type Log struct {
	Clock   int32 // of clock_gettime(2)
	At      Arg   // where its entries go, in zeroed memory
	Entries int   // how many it has room for; what comes later is not noted
}

// EntrySize is the size of an entry: the time as a struct timespec, and the
// index of the step. The entry after the last one is zero.
const EntrySize = 24

// An Entry says when a step has begun. A step in a loop has several.
type Entry struct {
	Step int
	At   time.Duration // as its clock tells
}

// Size is the size of the log in memory.
func (l Log) Size() int { return l.Entries * EntrySize }

// NoteTimes has a log note when the system calls begin that a listing shows and that
// are among the steps from one index up to another. That of what lies between
// counts as the time of the step before.
func (p *Program) NoteTimes(from, to int) {
	for i := from; i < to; i++ {
		s := &p.Steps[i]
		s.Timed = !s.Quiet && !s.Call.IsOperation()
	}
}

// ReadLog returns the entries of the program's log in the order in which they
// were made. A log that somebody else could write to ends where it makes no
// sense.
func (p *Program) ReadLog(log []byte) (list []Entry) {
	for ; len(log) >= EntrySize; log = log[EntrySize:] {
		at, step := ReadTime(log), binary.NativeEndian.Uint64(log[16:])
		if at == 0 || step >= uint64(len(p.Steps)) {
			break
		}
		list = append(list, Entry{int(step), at})
	}
	return list
}

// ReadTime returns the time in a struct timespec.
func ReadTime(timespec []byte) time.Duration {
	sec, nsec := binary.NativeEndian.Uint64(timespec), binary.NativeEndian.Uint64(timespec[8:])
	return time.Duration(sec)*time.Second + time.Duration(nsec)
}
