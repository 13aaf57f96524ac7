//go:build linux

package main

import (
	"io"
	"os"
	"strings"
	"unicode/utf8"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/flags"
)

// A screen is where people read what sprog prints: a terminal, or a file.
type screen struct {
	file  *os.File
	color bool
	width int // of a terminal, or 0
}

// newScreen is a file with what the line, the environment and the file itself say of colours.
func newScreen(file *os.File, line *flags.Line) screen {
	s := screen{file: file}
	_, err := unix.IoctlGetTermios(int(file.Fd()), unix.TCGETS)
	if err == nil {
		s.width = columns(file, 0)
	}
	switch line.Color {
	case "always":
		s.color = true
	case "never":
	default:
		s.color = err == nil && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
	}
	return s
}

// print prints a text, in colours if they are wanted.
func (s screen) print(paint func(text string, s screen) string, text string) error {
	if paint != nil {
		text = paint(text, s)
	}
	_, err := io.WriteString(s.file, text)
	return err
}

// Colours of the palette that a terminal's user has chosen, never of one's own.
const (
	bold, dim, red, green, yellow, cyan = "1", "2", "31", "32", "33", "36"
)

// in is a text in a colour.
func (s screen) in(color, text string) string {
	if !s.color || text == "" {
		return text
	}
	return "\x1b[" + color + "m" + text + "\x1b[0m"
}

// lines paints a text line by line.
func lines(text string, paint func(line string) string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		line, newline := strings.CutSuffix(line, "\n")
		b.WriteString(paint(line))
		if newline {
			b.WriteByte('\n')
		}
	}
	return b.String()
}

// paintHelp has headings in bold, and what is to be typed in a colour.
func paintHelp(text string, s screen) string {
	if !s.color {
		return text
	}
	return lines(text, func(line string) string {
		typed := strings.TrimLeft(line, " ")
		indent := line[:len(line)-len(typed)]
		switch {
		case indent == "" && strings.HasSuffix(line, ":"):
			return s.in(bold, line)
		case indent == "" && strings.HasPrefix(line, "Usage: "):
			return s.in(bold, "Usage:") + strings.TrimPrefix(line, "Usage:")
		case len(indent) >= 2 && len(indent) <= 6 && strings.HasPrefix(typed, "-"):
			form, help, _ := strings.Cut(typed, "  ")
			if help != "" {
				help = "  " + help
			}
			return indent + s.in(cyan, form) + help
		}
		return line
	})
}

// paintError has the name in a colour, and in a terminal breaks lines at words.
func paintError(text string, s screen) string {
	return lines(text, func(line string) string {
		line = strings.TrimSuffix(wrapped(line, 2, s.width), "\n")
		if rest, ok := strings.CutPrefix(line, "sprog: "); ok {
			return s.in(red+";"+bold, "sprog:") + " " + rest
		}
		return line
	})
}

// runes is the length of a text on the screen.
func runes(text string) int { return utf8.RuneCountInString(text) }
