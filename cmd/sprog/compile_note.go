//go:build linux

package main

import (
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/sprog-dev/sprog/internal/terms"
)

// What a launcher's notes are called, and their kinds: see Cmd.Compile.
const (
	noteOwner = "sprog\x00"
	noteLine  = 0x101
	notePlan  = 0x102
)

// launcherNotes are the flags and the steps that are in a launcher. There are none in any other file.
func launcherNotes(path string) (line, plan string, is bool) {
	const most = 16 << 20
	file, err := openForRun(path, forReading)
	if err != nil {
		return "", "", false
	}
	defer file.Close()
	if st, err := file.Stat(); err != nil || !st.Mode().IsRegular() || st.Size() > most {
		return "", "", false
	}
	image, err := io.ReadAll(io.LimitReader(file, most))
	if err != nil {
		return "", "", false
	}
	notes := notesOf(image)
	line, hasLine := notes[noteLine]
	plan, hasPlan := notes[notePlan]
	return line, plan, hasLine && hasPlan
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

// explainLauncher prints what is in a launcher. What is not printable there is nobody's to send to a
// terminal.
func explainLauncher(line, plan string) error {
	var b strings.Builder
	for text := range strings.Lines(line + "\n" + plan) {
		b.WriteString(terms.Printable(strings.TrimSuffix(text, "\n")) + "\n")
	}
	_, err := fmt.Fprint(os.Stdout, b.String())
	return err
}
