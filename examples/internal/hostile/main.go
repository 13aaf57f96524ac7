//go:build linux

// Command hostile does what the confined programs of the guides must not. It
// says what has become of it.
package main

import (
	"fmt"
	"net"
	"os"
	"syscall"
)

func main() {
	switch os.Args[1] {
	case "network": // hostile network ADDRESS
		_, err := net.Dial("tcp", os.Args[2])
		fmt.Println("dial:", err)
	case "mount":
		fmt.Println("mount:", syscall.Mount("none", "/tmp", "tmpfs", 0, ""))
	case "namespace":
		fmt.Println("unshare:", syscall.Unshare(syscall.CLONE_NEWUSER))
	case "kill": // hostile kill PID
		pid := 0
		fmt.Sscan(os.Args[2], &pid)
		fmt.Println("kill:", syscall.Kill(pid, 0))
	}
}
