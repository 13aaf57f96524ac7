package main

import (
	"os"
	"path/filepath"
	"testing"
)

// The pictures in the repository are those of the figures beside them.
func TestPicturesAreOfTheirResults(t *testing.T) {
	dirs, err := filepath.Glob("results/*/results.json")
	if err != nil {
		t.Fatal(err)
	}
	drawn := 0
	for _, file := range dirs {
		dir := filepath.Dir(file)
		r, err := read(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range r.Sections {
			for _, c := range s.charts {
				drawn++
				path := filepath.Join(dir, c.name()+".svg")
				if text, err := os.ReadFile(path); err != nil || string(text) != c.svg() {
					t.Errorf("%s is not the picture of %s: %v", path, file, err)
				}
			}
		}
	}
	if drawn < 2 {
		t.Errorf("%d pictures; want those of the service at least", drawn)
	}
}
