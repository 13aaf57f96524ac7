package program

import (
	"encoding/binary"
	"reflect"
	"testing"
	"time"
)

func TestReadLog(t *testing.T) {
	log := func(words ...uint64) (b []byte) {
		for _, w := range words {
			b = binary.NativeEndian.AppendUint64(b, w)
		}
		return b
	}
	for _, test := range []struct {
		log  []byte
		want []Entry
	}{
		{nil, nil},
		{log(0, 0, 0), nil},
		{log(1, 5, 2), []Entry{{2, time.Second + 5}}},
		{log(1, 5, 2, 1, 9, 0, 0, 0, 0, 1, 1, 1), []Entry{{2, time.Second + 5}, {0, time.Second + 9}}},
		{log(1, 5, 2, 3), []Entry{{2, time.Second + 5}}},
		{log(1, 5, 3), nil}, // there is no such step
		{log(1, 5, 1<<63), nil},
		{log(1<<63, 5, 1, 1, 1, 1), []Entry{{1, 5}, {1, time.Second + 1}}},
	} {
		p := Program{Steps: make([]Step, 3)}
		if got := p.ReadLog(test.log); !reflect.DeepEqual(got, test.want) {
			t.Errorf("ReadLog(%v) = %v; want %v", test.log, got, test.want)
		}
	}
}

// What is noted are the system calls that are listed.
func TestNoteTimes(t *testing.T) {
	var p Program
	p.Add("", Getpid)
	p.Add("", Test)
	p.Add("", Getpid).Quiet = true
	p.Add("", Move)
	p.Add("", Getpid)
	p.Add("", Getpid)
	p.NoteTimes(0, 5)
	for i, want := range []bool{true, false, false, false, true, false} {
		if got := p.Steps[i].Timed; got != want {
			t.Errorf("step %d: timed %v; want %v", i, got, want)
		}
	}
}
