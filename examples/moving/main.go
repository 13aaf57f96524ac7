//go:build linux

// Command moving is a program that was written with os/exec, after each of the
// steps of docs/moving.md. The one in before is what it was.
package main

import (
	"fmt"
	"log"
	"os"
	"syscall"
	"time"

	exec "github.com/sprog-dev/sprog"
)

func main() {
	log.SetFlags(0)
	fmt.Print(output())
	fmt.Println("limited:", limited())
	fmt.Println("timeout:", timeout())
	fmt.Println("namespace:", namespace())
}

// output is what it was.
func output() string {
	out, err := exec.Command("uname", "-s").Output()
	if err != nil {
		log.Fatal(err)
	}
	return string(out)
}

// limited needs no shell.
func limited() string {
	cmd := exec.Command("sh", "-c", "ulimit -n; umask")
	files, err := exec.ParseRlimit("nofile=64")
	if err != nil {
		log.Fatal(err)
	}
	cmd.Attr = &exec.Attr{Rlimits: []exec.Rlimit{files}, Umask: new(uint32(0o077))}
	out, err := cmd.CombinedOutput()
	return fmt.Sprintf("%q %v", out, err)
}

// timeout reaches everybody: with an init, no descendant gets away.
func timeout() error {
	cmd := exec.Command("sh", "-c", "setsid sleep 3; true")
	cmd.Attr = &exec.Attr{Init: &exec.Init{}}
	cmd.Ending = &exec.Ending{Timeout: 200 * time.Millisecond}
	return cmd.Run()
}

// namespace is fields instead of programs.
func namespace() string {
	cmd := exec.Command("uname", "-n")
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWUTS,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
	}
	cmd.Attr = &exec.Attr{Hostname: "inside"}
	out, err := cmd.CombinedOutput()
	return fmt.Sprintf("%q %v", out, err)
}
