package flags

import (
	"slices"
	"strings"
)

// Hint asks whether one of some names that are like a name is meant, if there
// are any.
func Hint(name string, names []string) string {
	near := nearest(name, names)
	if len(near) == 0 {
		return ""
	}
	return ", did you mean " + quoted(near, " or ") + "?"
}

// nearest are up to three names that are like one, the most similar first.
func nearest(name string, names []string) (list []string) {
	type candidate struct {
		name string
		cost int
	}
	var near []candidate
	for _, n := range names {
		word := strings.TrimLeft(n, "-")
		cost := 2 * distance(name, word)
		switch {
		case len(name) < 3:
		case strings.HasPrefix(word, name):
			cost = min(cost, 1)
		case strings.Contains(word, name):
			cost = min(cost, 2)
		case abbreviates(name, word) && len(word) <= 3*len(name):
			cost = min(cost, 4)
		}
		if cost <= 2+2*(len(name)/3) {
			near = append(near, candidate{n, cost})
		}
	}
	slices.SortStableFunc(near, func(a, b candidate) int { return a.cost - b.cost })
	for _, c := range near[:min(len(near), 3)] {
		if c.cost > 0 && near[0].cost == 0 {
			break
		}
		list = append(list, c.name)
	}
	return list
}

// abbreviates reports whether a word is another one with letters left out, as
// netns is.
func abbreviates(short, long string) bool {
	if short == "" || short[0] != long[0] {
		return false
	}
	for i := range len(long) {
		if short != "" && long[i] == short[0] {
			short = short[1:]
		}
	}
	return short == ""
}

// distance is the number of letters to be put in, left out or replaced to make
// one word of another.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
