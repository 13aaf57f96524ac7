//go:build linux

package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/terms"
)

// What a launcher's notes are called, and their kinds: see Cmd.Compile.
const (
	noteOwner = "sprog\x00"
	noteLine  = 0x101
	notePlan  = 0x102
)

// A compiledFile is a file that calls itself a launcher.
type compiledFile struct {
	path, line, plan string // the last two are what it says of itself
	image            []byte
}

// readLauncher reads a launcher. Any other file is none.
func readLauncher(path string) (l compiledFile, is bool) {
	const most = 16 << 20
	file, err := openForRun(path, forReading|unix.O_NONBLOCK)
	if err != nil {
		return l, false
	}
	defer file.Close()
	if st, err := file.Stat(); err != nil || !st.Mode().IsRegular() || st.Size() > most {
		return l, false
	}
	image, err := io.ReadAll(io.LimitReader(file, most))
	if err != nil {
		return l, false
	}
	notes := notesOf(image)
	line, hasLine := notes[noteLine]
	plan, hasPlan := notes[notePlan]
	return compiledFile{path, line, plan, image}, hasLine && hasPlan
}

// notesOf are the notes in an ELF file that are sprog's, by their kinds. What makes no sense is left out: the file is
// anybody's.
func notesOf(image []byte) map[uint32]string {
	const headerSize, segmentSize, ptNote = 64, 56, 4
	notes, le := map[uint32]string{}, binary.LittleEndian
	if len(image) < headerSize || string(image[:6]) != "\x7fELF\x02\x01" {
		return nil
	}
	at, count := le.Uint64(image[32:]), int(le.Uint16(image[56:]))
	for ; count > 0 && at <= uint64(len(image)-segmentSize); count-- {
		segment := image[at:]
		at += segmentSize
		offset, size := le.Uint64(segment[8:]), le.Uint64(segment[32:])
		if le.Uint32(segment) == ptNote && offset <= uint64(len(image)) && size <= uint64(len(image))-offset {
			readNotes(image[offset:offset+size], notes)
		}
	}
	return notes
}

// readNotes adds the notes of a segment.
func readNotes(b []byte, notes map[uint32]string) {
	le := binary.LittleEndian
	for len(b) >= 12 {
		owner, text, kind := uint64(le.Uint32(b)), uint64(le.Uint32(b[4:])), le.Uint32(b[8:])
		b = b[12:]
		textAt := (owner + 3) &^ 3
		end := (textAt + text + 3) &^ 3
		if end > uint64(len(b)) {
			return
		}
		if string(b[:owner]) == noteOwner {
			notes[kind] = string(b[textAt : textAt+text])
		}
		b = b[end:]
	}
}

// explain prints what a launcher says of itself, if it is true: if the same flags make the same bytes. What is
// not printable there is nobody's to send to a terminal.
func (l *compiledFile) explain() error {
	file, err := compiledAgain(l.line, l.image)
	var b strings.Builder
	for text := range strings.Lines(l.line + "\n" + l.plan) {
		b.WriteString(terms.Printable(strings.TrimSuffix(text, "\n")) + "\n")
	}
	if _, err := fmt.Fprint(os.Stdout, b.String()); err != nil {
		return err
	}
	name := terms.Printable(l.path)
	switch {
	case err != nil:
		return fmt.Errorf("%s: this is only what the author of the file claims: sprog cannot compile these flags again to compare: %s", name, terms.Printable(err.Error()))
	case !bytes.Equal(file, l.image):
		return fmt.Errorf("%s is not what these flags compile to: another version of sprog made it, or it does something else. This is only what the author of the file claims", name)
	}
	return nil
}

// compiledAgain is what the flags in a note make, for the architecture of a file. The note is anybody's: no file is read
// for it, and nobody's name looked up.
func compiledAgain(note string, image []byte) ([]byte, error) {
	words, err := unquoted(note)
	if err != nil || len(words) < 2 || words[0] != "sprog" || words[1] != "compile" {
		return nil, errors.New("the note is no line of sprog compile")
	}
	line, err := app.Read(words[1:])
	if err != nil {
		return nil, err
	}
	c, is := line.Runner.(*compileCmd)
	if !is || line.Help {
		return nil, errors.New("the note is no line of sprog compile")
	}
	for _, g := range line.Given {
		if name := g.Name(); slices.Contains([]string{"config", "freeze", "seccomp", "seccomp-bpf", "data-file"}, name) {
			return nil, fmt.Errorf("--%s takes what there was on the machine that compiled it", name)
		}
	}
	if err := line.Set(); err != nil {
		return nil, err
	}
	if c.becomes = true; c.Arch == "" {
		c.Arch = word(archOf(image))
	}
	return c.compiled(line)
}

// archOf is the architecture of an ELF file.
func archOf(image []byte) string {
	const machine, aarch64 = 18, 183
	if binary.LittleEndian.Uint16(image[machine:]) == aarch64 {
		return "arm64"
	}
	return "amd64"
}

// unquoted are the words of a line that shellLine has made.
func unquoted(line string) (words []string, err error) {
	for word := range splitQuoted(line) {
		if quoted(word.text) != word.as {
			return nil, errors.New("the note is no line of sprog compile")
		}
		words = append(words, word.text)
	}
	return words, nil
}

type quotedWord struct{ text, as string }

// splitQuoted divides a line at spaces that are not in quotes.
func splitQuoted(line string) iter.Seq[quotedWord] {
	return func(yield func(quotedWord) bool) {
		var text strings.Builder
		inside, begin := false, 0
		for i := 0; i <= len(line); i++ {
			switch {
			case i == len(line) || line[i] == ' ' && !inside:
				if !yield(quotedWord{text.String(), line[begin:i]}) {
					return
				}
				text.Reset()
				begin = i + 1
			case line[i] == '\'':
				inside = !inside
			case line[i] == '\\' && !inside && i+1 < len(line):
				i++
				text.WriteByte(line[i])
			default:
				text.WriteByte(line[i])
			}
		}
	}
}
