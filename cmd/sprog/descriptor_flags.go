//go:build linux

package main

import (
	"fmt"
	"strings"

	"golang.org/x/sys/unix"
)

// An fdList is the value of --fd: which of the caller's descriptors the program
// gets, and as which.
type fdList []fdPair

type fdPair struct{ to, from int }

func (l *fdList) Set(s string) error { return decodeList(s, l, parsePair) }

// parsePair parses N and N=M.
func parsePair(s string) (pair fdPair, err error) {
	to, from, mapped := strings.Cut(s, "=")
	if !mapped {
		from = to
	}
	if pair.to, err = parseNumber(to); err != nil {
		return pair, err
	}
	if pair.from, err = parseNumber(from); err != nil {
		return pair, err
	}
	if !mapped && pair.to < 3 {
		err = fmt.Errorf("0, 1 and 2 are passed on as they are; %d=M makes them another of the caller's", pair.to)
	}
	return pair, err
}

// An openFlag is the value of --open.
type openFlag struct {
	fd    int
	flags int
	path  string
}

func openModes() map[string]int {
	return map[string]int{
		"r": forReading, "w": forWriting, "a": forAppending,
		"x": unix.O_WRONLY | unix.O_CREAT | unix.O_EXCL, "rw": unix.O_RDWR | unix.O_CREAT,
	}
}

func (o *openFlag) Set(s string) (err error) {
	fd, rest, _ := strings.Cut(s, "=")
	mode, path, ok := strings.Cut(rest, ":")
	flags, known := openModes()[mode]
	if !ok || !known || path == "" {
		return fmt.Errorf("%q is not N=MODE:FILE, with a MODE of r, w, a, x or rw", s)
	}
	if path == dash {
		return errDash
	}
	o.fd, err = parseNumber(fd)
	o.flags, o.path = flags, path
	return err
}

// A dataFlag is the value of --data and --data-file.
type dataFlag struct {
	fd   int
	text string
}

func (d *dataFlag) Set(s string) (err error) {
	fd, text, ok := strings.Cut(s, "=")
	if !ok {
		return fmt.Errorf("%q has no descriptor number with = in front", s)
	}
	d.fd, err = parseNumber(fd)
	d.text = text
	return err
}
