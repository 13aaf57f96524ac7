//go:build linux

// Command hostile does what the confined programs of the guides must not. It
// says what has become of it.
package main

import (
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
)

func main() {
	switch os.Args[1] {
	case "network": // hostile network ADDRESS
		_, err := net.Dial("tcp", os.Args[2])
		fmt.Println("dial:", err)
	case "get": // hostile get ADDRESS, by HTTP
		conn, err := net.Dial("tcp", os.Args[2])
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		fmt.Fprintf(conn, "GET / HTTP/1.0\r\nHost: %s\r\n\r\n", os.Args[2])
		answer, _ := io.ReadAll(conn)
		_, body, _ := strings.Cut(string(answer), "\r\n\r\n")
		fmt.Print(body)
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
