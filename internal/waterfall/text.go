package waterfall

import (
	"io"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Widths of the columns of text.
const (
	narrowest = 40 // of the whole
	fewForBar = 56 // fewer have no room for bars
	leastBars = 12
	mostBars  = 60
	leastText = 16
)

// Text draws for a terminal: at most that many columns, if they are not too few
// for anything.
func (c *Chart) Text(w io.Writer, columns int) error {
	out := &writer{w: w}
	columns = max(columns, narrowest)
	for _, line := range wrap(c.Summary(), columns) {
		out.printf("%s\n", line)
	}
	l := c.layOut(columns)
	for i := range c.Rows {
		out.printf("%s\n", strings.TrimRight(l.row(c, i), " "))
	}
	return out.err
}

// A textLayout has the widths of the columns.
type textLayout struct{ number, lane, text, took, bars int }

func (c *Chart) layOut(columns int) textLayout {
	l := textLayout{number: len(strconv.Itoa(len(c.Rows)))}
	longest := 0
	for i := range c.Rows {
		r := &c.Rows[i]
		l.lane = max(l.lane, width(r.Lane))
		l.took = max(l.took, width(r.took()))
		longest = max(longest, width(r.label()))
	}
	const gaps = 4 * 2
	rest := columns - l.number - l.lane - l.took - gaps
	l.bars = min(max(rest/3, leastBars), mostBars)
	l.text = min(max(rest-l.bars, leastText), longest)
	l.bars = min(max(rest-l.text, 1), mostBars)
	if columns < fewForBar {
		l.text, l.bars = min(rest+2, longest), 0
	}
	return l
}

// label is what a line says about the step, and why it did not succeed first.
func (r *Row) label() string {
	if r.Error != "" {
		return "! " + r.Error + ": " + r.text()
	}
	return r.text()
}

func (l textLayout) row(c *Chart, i int) string {
	r := &c.Rows[i]
	bar := ""
	if !r.Joined && l.bars > 0 {
		bar = drawBar(r.Start, r.Duration, c.Duration, l.bars, r.Waits)
	}
	return left(strconv.Itoa(i+1), l.number) + "  " + right(r.Lane, l.lane) + "  " +
		right(cut(printable(r.label()), l.text), l.text) + "  " + left(r.took(), l.took) + "  " + bar
}

// eighths are blocks that fill so many eighths of a column from the left.
var eighths = []string{"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"}

// drawBar draws from start on. A bar begins with a column, and ends with an
// eighth of one; it is never nothing.
func drawBar(start, took, all time.Duration, columns int, waits bool) string {
	if all <= 0 {
		return ""
	}
	eighth := func(at float64, most int) int {
		return int(math.Round(max(min(at/float64(all), 1), 0) * float64(8*most)))
	}
	from := min(eighth(float64(start), columns)/8, columns-1)
	n := max(eighth(float64(start)+float64(took), columns)-8*from, 1)
	if waits {
		return strings.Repeat(" ", from) + strings.Repeat("░", max(n/8, 1))
	}
	return strings.Repeat(" ", from) + strings.Repeat("█", n/8) + eighths[n%8]
}

func width(s string) int { return utf8.RuneCountInString(s) }

func right(s string, n int) string { return s + strings.Repeat(" ", max(n-width(s), 0)) }

func left(s string, n int) string { return strings.Repeat(" ", max(n-width(s), 0)) + s }

// cut makes s at most n columns wide.
func cut(s string, n int) string {
	if width(s) <= n {
		return s
	}
	return string([]rune(s)[:max(n-1, 0)]) + "…"
}

// printable replaces what would move the cursor.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '·'
	}, s)
}

// wrap breaks a line between its words.
func wrap(s string, columns int) (lines []string) {
	line := ""
	for word := range strings.FieldsSeq(printable(s)) {
		switch {
		case line == "":
			line = word
		case width(line)+1+width(word) > columns:
			lines, line = append(lines, line), "  "+word
		default:
			line += " " + word
		}
	}
	return append(lines, line)
}
