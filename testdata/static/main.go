// A program that imports the package and shows what cgo would take from it.
package main

import (
	"fmt"
	"os"
	"syscall"

	"golang.org/x/sys/unix"

	exec "github.com/sprog-dev/sprog"
)

func main() {
	if err := exec.Command("/bin/true").Run(); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	// With cgo it is ENOTSUP, whatever the call.
	_, _, errno := syscall.AllThreadsSyscall(unix.SYS_PRCTL, unix.PR_SET_KEEPCAPS, 0, 0)
	fmt.Printf("AllThreadsSyscall: %d\n", int(errno))
	var nobody chan int
	<-nobody // "all goroutines are asleep", unless there is cgo
}
