//go:build linux

package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog"

	"github.com/sprog-dev/sprog/internal/terms"
)

// A traceFlag is --trace, which may have a value, but only behind an equals
// sign: the word after it begins the program.
type traceFlag struct {
	given bool
	file  string // "" is the standard error
}

// SetBare is for the standard error.
func (t *traceFlag) SetBare() error {
	*t = traceFlag{given: true}
	return nil
}

// Set reads the name of the file. Its ending is the format.
func (t *traceFlag) Set(s string) error {
	*t = traceFlag{given: true, file: s}
	if traceFormat(s) == nil {
		return fmt.Errorf("%q ends in none of .svg, .html and .json", s)
	}
	return nil
}

// Recognizes takes a word with such an ending for the file: "--" keeps a program of that name.
func (t *traceFlag) Recognizes(word string) bool { return traceFormat(word) != nil }

// traceFormat is how a trace is written, by the ending of the file, or nil.
func traceFormat(file string) func(*sprog.Trace, io.Writer) error {
	switch filepath.Ext(file) {
	case ".svg":
		return (*sprog.Trace).WriteSVG
	case ".html":
		return (*sprog.Trace).WriteHTML
	case ".json":
		return (*sprog.Trace).WriteJSON
	}
	return nil
}

// A traceWriter writes the trace of one start, once.
type traceWriter struct {
	trace  *sprog.Trace // nil if nobody wants one
	cmd    *sprog.Cmd
	file   *os.File    // nil is the standard error
	err    error       // of the writing
	words  terms.Words // in which fields and errors are told
	screen screen
}

// open has the start of a command traced. The file is made before anything
// runs: whether it can be is not to be found out afterwards.
func (t *traceFlag) open(cmd *sprog.Cmd) (*traceWriter, error) {
	if !t.given {
		return new(traceWriter), nil
	}
	w := &traceWriter{trace: new(sprog.Trace)}
	if t.file != "" {
		var err error
		if w.file, err = openOutput("--trace", t.file); err != nil {
			return nil, err
		}
	}
	cmd.Trace, w.cmd = w.trace, cmd
	return w, nil
}

// write writes the trace, if that is not done already.
func (w *traceWriter) write() {
	if w.trace == nil {
		return
	}
	for i := range w.trace.Steps {
		s := &w.trace.Steps[i]
		s.Field = fieldInWords(s.Field, w.words, w.cmd)
		if s.Err != nil {
			s.Err = errors.New(said(s.Err, w.words))
		}
	}
	if w.file == nil {
		var b strings.Builder
		w.trace.WriteText(&b, columns(os.Stderr, 100))
		w.err = w.screen.print(paintTrace, b.String())
	} else {
		w.err = errors.Join(traceFormat(w.file.Name())(w.trace, w.file), w.file.Close())
	}
	w.trace = nil
}

// paintTrace has bars and errors in colours.
func paintTrace(text string, s screen) string {
	if !s.color {
		return text
	}
	return lines(text, func(line string) string {
		if at := strings.IndexAny(line, "█▏▎▍▌▋▊▉░"); at >= 0 {
			line = line[:at] + s.in(cyan, line[at:])
		}
		if before, after, failed := strings.Cut(line, "  ! "); failed {
			line = before + "  " + s.in(red, "! "+after)
		}
		return line
	})
}

// columns is the width of the terminal that a file is, or what it is otherwise.
func columns(f *os.File, otherwise int) int {
	if n, err := strconv.Atoi(strings.TrimSpace(os.Getenv("COLUMNS"))); err == nil && n > 0 {
		return n
	}
	if size, err := unix.IoctlGetWinsize(int(f.Fd()), unix.TIOCGWINSZ); err == nil && size.Col > 0 {
		return int(size.Col)
	}
	return otherwise
}
