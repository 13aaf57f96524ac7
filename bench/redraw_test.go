package main

import (
	"os"
	"path/filepath"
	"strings"
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

// So are those of the page that says what is faster, and its table.
func TestOverviewIsOfTheResults(t *testing.T) {
	list, err := advantages("results")
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range list {
		if a.times < 1 || a.then == "" || a.from == "" {
			t.Errorf("%+v is no advantage", a)
		}
	}
	if picture, err := os.ReadFile("../docs/faster.svg"); err != nil || string(picture) != (overview{list}).svg() {
		t.Errorf("docs/faster.svg is not the picture of the results: %v; go run ./bench -draw", err)
	}
	page, err := os.ReadFile("../docs/faster.md")
	if err != nil || !strings.Contains(string(page), tableBegins+overviewTable(list)+tableEnds) {
		t.Errorf("docs/faster.md has not the table of the results: %v; go run ./bench -draw", err)
	}
}
