package waterfall

import (
	"fmt"
	"html"
	"io"
	"math"
	"strconv"
	"strings"
	"time"
)

// The picture's measures, in pixels.
const (
	pictureWidth = 1200
	headHeight   = 76
	rowHeight    = 20
	footHeight   = 14
	labelsAt     = 12
	lanesAt      = 36
	textAt       = 96
	barsAt       = 560
	barsEnd      = 1100
	tookAt       = 1188
	barHeight    = 12
	labelRunes   = 64
)

// SVG draws a picture, which follows the reader's choice of a light or a dark
// theme.
func (c *Chart) SVG(w io.Writer) error {
	out := &writer{w: w}
	height := headHeight + rowHeight*len(c.Rows) + footHeight
	out.printf(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img" aria-label="%s">`+"\n",
		pictureWidth, height, pictureWidth, height, escape(c.Summary()))
	out.printf("<style>%s%s</style>\n", pictureStyle, themed(pictureColours))
	out.printf(`<rect class="paper" width="100%%" height="100%%"/>` + "\n")
	out.printf(`<text class="title" x="%d" y="24">%s</text>`+"\n", labelsAt, escape(c.Title+": "+Micro(c.Duration)))
	c.drawLegend(out)
	c.drawAxis(out, height-footHeight)
	for i := range c.Rows {
		c.drawRow(out, i)
	}
	out.printf("</svg>\n")
	return out.err
}

func (c *Chart) drawLegend(out *writer) {
	x := labelsAt
	for _, lane := range c.lanes() {
		out.printf(`<rect class="%s" x="%d" y="38" width="10" height="10" rx="2"/><text x="%d" y="47">%s</text>`+"\n",
			laneClass(lane), x, x+15, escape(lane))
		x += 32 + 8*width(lane)
	}
}

// drawAxis draws lines at round times.
func (c *Chart) drawAxis(out *writer, bottom int) {
	step := tick(c.Duration)
	for at := time.Duration(0); at <= c.Duration && step > 0; at += step {
		x := c.x(at)
		out.printf(`<line class="grid" x1="%.1f" y1="%d" x2="%.1f" y2="%d"/><text class="tick" x="%.1f" y="%d">%s</text>`+"\n",
			x, headHeight-6, x, bottom, x, headHeight-12, roundMicro(at))
	}
}

// tick is a round length of which some fit into all.
func tick(all time.Duration) time.Duration {
	if all <= 0 {
		return 0
	}
	const most = 8
	unit := math.Pow(10, math.Floor(math.Log10(float64(all)/most)))
	for _, n := range []float64{1, 2, 5} {
		if n*unit*most >= float64(all) {
			return max(time.Duration(n*unit), 1)
		}
	}
	return time.Duration(10 * unit)
}

func roundMicro(d time.Duration) string {
	return strconv.FormatFloat(float64(d)/1e3, 'g', 6, 64) + " µs"
}

func (c *Chart) x(at time.Duration) float64 {
	if c.Duration <= 0 {
		return barsAt
	}
	return barsAt + (barsEnd-barsAt)*float64(at)/float64(c.Duration)
}

func (c *Chart) drawRow(out *writer, i int) {
	r := &c.Rows[i]
	y := headHeight + rowHeight*i
	base := y + 14
	out.printf(`<g class="row"><title>%s</title>`, escape(r.tip(i+1)))
	out.printf(`<rect class="hover" x="0" y="%d" width="%d" height="%d"/>`, y, pictureWidth, rowHeight)
	out.printf(`<text class="faint" x="%d" y="%d">%d</text><text class="faint" x="%d" y="%d">%s</text>`, labelsAt, base, i+1, lanesAt, base, escape(r.Lane))
	out.printf(`<text class="mono%s" x="%d" y="%d">%s</text>`, errorClass(r), textAt, base, escape(cut(r.label(), labelRunes)))
	if !r.Joined {
		long := max(c.x(r.Start+r.Duration)-c.x(r.Start), 1)
		out.printf(`<rect class="%s" x="%.1f" y="%d" width="%.1f" height="%d" rx="1.5"/>`, r.class(), c.x(r.Start), y+4, long, barHeight)
	}
	out.printf(`<text class="took" x="%d" y="%d">%s</text></g>`+"\n", tookAt, base, r.took())
}

// tip is what is told of a step when somebody points at it.
func (r *Row) tip(number int) string {
	s := fmt.Sprintf("%d  %s: %s\nfrom %s, for %s", number, r.Lane, r.text(), Micro(r.Start), Micro(r.Duration))
	if r.Joined {
		s = fmt.Sprintf("%d  %s: %s\nits time is part of the step's before", number, r.Lane, r.text())
	}
	if r.Field != "" {
		s += "\nfor " + r.Field
	}
	if r.Error != "" {
		s += "\n" + r.Error
	}
	return s
}

// class is how the bar is drawn.
func (r *Row) class() string {
	switch {
	case r.Error != "":
		return "failed"
	case r.Waits:
		return laneClass(r.Lane) + " waits"
	}
	return laneClass(r.Lane)
}

func errorClass(r *Row) string {
	if r.Error != "" {
		return " wrong"
	}
	return ""
}

// laneClass is one of the classes that have a colour.
func laneClass(lane string) string {
	switch lane {
	case "parent", "child", "init", "program":
		return "lane-" + lane
	}
	return "lane-other"
}

// escape makes text fit for XML, in which control characters have no place.
func escape(s string) string {
	lines := strings.Split(s, "\n")
	for i := range lines {
		lines[i] = html.EscapeString(printable(lines[i]))
	}
	return strings.Join(lines, "\n")
}
