//go:build linux && (amd64 || arm64)

package sprog_test

import (
	"fmt"
	"strings"

	"github.com/sprog-dev/sprog"
)

// A sandbox that is there before somebody needs it.
func ExamplePrepared() {
	cmd := sprog.Command("/bin/cat")
	cmd.Attr = &sprog.Attr{Init: new(sprog.Init), NoNewPrivs: true}
	cat, err := sprog.Prepare(cmd)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer cat.Close()
	if err := cat.Warm(2); err != nil {
		fmt.Println(err)
		return
	}
	out, err := cat.Command(sprog.Inputs{Stdin: strings.NewReader("what was typed")}).Output()
	fmt.Println(string(out), err)
	// Output:
	// what was typed <nil>
}

// What all starts have in common is prepared once; the rest is each start's own.
func ExampleInputs() {
	sh, err := sprog.Prepare(sprog.Command("/bin/sh"))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer sh.Close()
	for _, word := range []string{"one", "two"} {
		in := sprog.Inputs{
			Args:    []string{"sh", "-c", `echo "$WORD in $(pwd), $(ulimit -n) files"`},
			Env:     []string{"WORD=" + word},
			Dir:     "/usr",
			Rlimits: []sprog.Rlimit{{Resource: sprog.RlimitNofile, Cur: 100, Max: 100}},
		}
		out, err := sh.Command(in).Output()
		fmt.Print(string(out))
		if err != nil {
			fmt.Println(err)
		}
	}
	// Output:
	// one in /usr, 100 files
	// two in /usr, 100 files
}

func ExampleWarmState() {
	prepared, err := sprog.Prepare(sprog.Command("/bin/true"))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer prepared.Close()
	prepared.Command(sprog.Inputs{}).Run() // nobody waits for it
	prepared.Warm(1)
	prepared.Command(sprog.Inputs{}).Run()
	s := prepared.State()
	fmt.Println(s.Warm, s.Cold, s.Err)
	// Output:
	// 1 1 <nil>
}
