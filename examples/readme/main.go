// Readme is the program in README.
package main

import (
	"fmt"
	"time"

	exec "github.com/sprog-dev/sprog" // was: "os/exec"
)

func main() {
	cmd := exec.Command("sh", "-c", "(setsid sleep 1000 &); sleep 1000")
	cmd.Attr = &exec.Attr{
		NoNewPrivs: true,
		Rlimits:    []exec.Rlimit{{Resource: exec.RlimitNofile, Cur: 64, Max: 64}},
		Init:       &exec.Init{}, // adopts orphans, so that the end reaches them
	}
	cmd.Ending = &exec.Ending{Timeout: time.Second, Grace: time.Second}
	err := cmd.Run()
	result := cmd.Result()
	fmt.Println(err)
	fmt.Println("ended by", result.Cause, "with all", result.Reach)
}
