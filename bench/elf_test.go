package main

import (
	"bytes"
	"debug/elf"
	"path/filepath"
	"testing"
)

func TestProgramsAreELF(t *testing.T) {
	for goarch, p := range payloads {
		dir := t.TempDir()
		paths, err := writePrograms(dir, goarch)
		if err != nil {
			t.Fatal(err)
		}
		for path, code := range map[string][]byte{
			paths.Exit: p.code.exit, paths.Write: p.code.write, paths.Pause: p.code.pause, paths.Early: p.code.early, paths.Late: p.code.late,
		} {
			f, err := elf.Open(path)
			if err != nil {
				t.Fatalf("%s: %v", goarch, err)
			}
			defer f.Close()
			if f.Machine != p.machine || f.Type != elf.ET_EXEC || len(f.Progs) != 1 {
				t.Errorf("%s %s: %v", goarch, filepath.Base(path), f.FileHeader)
				continue
			}
			segment := f.Progs[0]
			data := make([]byte, segment.Filesz)
			if _, err := segment.ReadAt(data, 0); err != nil {
				t.Fatal(err)
			}
			if got := data[f.Entry-segment.Vaddr:]; !bytes.Equal(got, code) {
				t.Errorf("%s %s: at the entry is % x; want % x", goarch, filepath.Base(path), got, code)
			}
		}
	}
	if _, err := writePrograms(t.TempDir(), "z80"); err == nil {
		t.Error("there are programs for the z80")
	}
}
