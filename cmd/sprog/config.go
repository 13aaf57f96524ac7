//go:build linux

package main

import (
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// mostConfig is how large a file with flags may be.
const mostConfig = 256 << 10

// readInput reads a file with flags, which is sprog's own standard input by the name of "-".
func readInput(path string) ([]byte, error) {
	if path == dash {
		return readConfig(os.Stdin, path)
	}
	for _, own := range [...]string{"/dev/stdin", "/dev/fd/", "/proc/self/fd/"} {
		if strings.HasPrefix(path, own) { // a pipe of the caller's, as a shell's <(COMMAND) makes one
			file, err := openForRun(path, forReading)
			if err != nil {
				return nil, err
			}
			defer file.Close()
			return readConfig(file, path)
		}
	}
	return readRegular(path)
}

// readRegular reads a file with flags that others may have put there: anything but a regular file could have sprog wait
// or read without end.
func readRegular(path string) ([]byte, error) {
	file, err := openForRun(path, forReading|unix.O_NONBLOCK)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	if info, err := file.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is no regular file", path)
	}
	return readConfig(file, path)
}

func readConfig(file io.Reader, path string) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(file, mostConfig+1))
	if len(text) > mostConfig {
		return nil, fmt.Errorf("%s has more than %d KiB, and is no file with flags", path, mostConfig>>10)
	}
	return text, err
}
