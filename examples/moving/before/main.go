//go:build linux

// Command before is a program as it is written with os/exec; the one above
// does the same with sprog. docs/moving.md compares the two.
package main

import (
	"context"
	"fmt"
	"log"
	"os/exec"
	"syscall"
	"time"
)

func main() {
	log.SetFlags(0)
	fmt.Print(output())
	fmt.Println("limited:", limited())
	fmt.Println("timeout:", timeout())
	fmt.Println("namespace:", namespace())
}

// output is what os/exec is mostly used for.
func output() string {
	out, err := exec.Command("uname", "-s").Output()
	if err != nil {
		log.Fatal(err)
	}
	return string(out)
}

// limited has a shell set limits that os/exec has no field for.
func limited() string {
	cmd := exec.Command("sh", "-c", `ulimit -n 64; umask 077; exec "$@"`, "sh", "sh", "-c", "ulimit -n; umask")
	out, err := cmd.CombinedOutput()
	return fmt.Sprintf("%q %v", out, err)
}

// timeout kills the process group, in the hope that everybody is still in it.
func timeout() error {
	ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
	defer cancel()
	cmd := exec.CommandContext(ctx, "sh", "-c", "setsid sleep 3; true")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	return cmd.Run()
}

// namespace has a chain of programs do what the kernel does.
func namespace() string {
	cmd := exec.Command("unshare", "--user", "--map-root-user", "--uts", "sh", "-c", `hostname inside && exec "$@"`, "sh", "uname", "-n")
	out, err := cmd.CombinedOutput()
	return fmt.Sprintf("%q %v", out, err)
}
