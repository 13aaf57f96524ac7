package main

import (
	"strings"
	"unicode/utf8"
)

// A table is a head and rows of cells. The first column is a name and is
// aligned left; the others are figures and are aligned right.
type table struct {
	Head []string   `json:"head"`
	Rows [][]string `json:"rows"`
}

func (t *table) add(cells ...string) { t.Rows = append(t.Rows, cells) }

// text is the table for a terminal.
func (t *table) text() string {
	rule := make([]string, len(t.Head))
	w := t.widths()
	for i := range rule {
		rule[i] = strings.Repeat("-", w[i])
	}
	var b strings.Builder
	for _, row := range append([][]string{t.Head, rule}, t.Rows...) {
		line := "  " + strings.Join(pad(row, w), "  ")
		b.WriteString(strings.TrimRight(line, " ") + "\n")
	}
	return b.String()
}

// markdown is the table for GitHub, aligned in its source as well.
func (t *table) markdown() string {
	w := t.widths()
	rule := make([]string, len(t.Head))
	for i := range rule {
		w[i] = max(w[i], 3)
		rule[i] = strings.Repeat("-", w[i]-1) + ":"
	}
	if len(rule) > 0 {
		rule[0] = strings.Repeat("-", w[0])
	}
	var b strings.Builder
	for _, row := range append([][]string{t.Head, rule}, t.Rows...) {
		b.WriteString("| " + strings.Join(pad(row, w), " | ") + " |\n")
	}
	return b.String()
}

func (t *table) widths() []int {
	w := make([]int, len(t.Head))
	for _, row := range append([][]string{t.Head}, t.Rows...) {
		for i, cell := range row {
			w[i] = max(w[i], utf8.RuneCountInString(cell))
		}
	}
	return w
}

// pad brings every cell to its column's width.
func pad(row []string, widths []int) []string {
	out := make([]string, len(widths))
	for i, w := range widths {
		var cell string
		if i < len(row) {
			cell = row[i]
		}
		space := strings.Repeat(" ", w-utf8.RuneCountInString(cell))
		if i == 0 {
			out[i] = cell + space
		} else {
			out[i] = space + cell
		}
	}
	return out
}
