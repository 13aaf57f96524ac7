//go:build !linux

package main

import (
	"fmt"
	"os"
)

func main() {
	fmt.Fprintln(os.Stderr, "bench: sprog starts processes on Linux only; there is nothing to measure here")
	os.Exit(1)
}
