//go:build !linux

// Command sprog starts Linux processes; elsewhere it only says so.
package main

import (
	"fmt"
	"os"
)

func main() {
	fmt.Fprintln(os.Stderr, "sprog: Linux only")
	os.Exit(125)
}
