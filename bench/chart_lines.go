package main

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"unicode/utf8"
)

// A lineChart shows how something grows.
type lineChart struct {
	File, Title, Subtitle string
	XLabel, YLabel        string
	XTicks                []tick
	LogY                  bool
	Format                func(float64) string // of values of y
	Series                []series
}

type tick struct {
	At    float64
	Label string
}

type point struct{ X, Y float64 }

// A series is one line. Its name stands at its end, with its last value or
// with Fate, which says why it ends early.
type series struct {
	Name, Contender string
	Dashed          bool
	Points          []point
	Fate            string
}

func (c *lineChart) name() string { return c.File }
func (c *lineChart) alt() string  { return c.Title + "; " + c.Subtitle }

// The plot's area within the picture.
const (
	plotTop, plotLeft, plotRight = 104.0, 76.0, 570.0
	plotBottom                   = 372.0
	lineChartHeight              = 430.0
	digitWidth                   = 7.0
)

func (c *lineChart) svg() string {
	d := newDrawing(lineChartHeight, c.Title, c.Subtitle)
	ys := c.yTicks()
	x := scale(c.XTicks[0].At, c.XTicks[len(c.XTicks)-1].At, plotLeft, plotRight)
	y := scale(c.plane(ys[0]), c.plane(ys[len(ys)-1]), plotBottom, plotTop)

	d.text(24, plotTop-18, "small", "start", c.YLabel)
	for _, v := range ys {
		at := y(c.plane(v))
		d.line(plotLeft, at, plotRight, at, "grid")
		d.text(plotLeft-10, at+4, "small", "end", roundLabel(c.Format(v)))
	}
	d.line(plotLeft, plotBottom, plotRight, plotBottom, "axis")
	free := math.Inf(1) // labels are set from the right, as far as there is room
	for _, t := range slices.Backward(c.XTicks) {
		at, half := x(t.At), float64(utf8.RuneCountInString(t.Label))*digitWidth/2
		d.line(at, plotBottom, at, plotBottom+5, "axis")
		if at+half <= free {
			d.text(at, plotBottom+20, "small", "middle", t.Label)
			free = at - half - digitWidth
		}
	}
	d.text((plotLeft+plotRight)/2, plotBottom+43, "soft", "middle", c.XLabel)

	ends := make([]float64, len(c.Series))
	for i, s := range slices.Backward(c.Series) { // the first on top
		ends[i] = c.draw(d, s, x, y)
	}
	for i, at := range spread(ends, lineHeight, plotTop-8, plotBottom) {
		s := c.Series[i]
		value := s.Fate
		if value == "" {
			value = c.Format(s.Points[len(s.Points)-1].Y)
		}
		d.label(c.labelX(s, x), at+4, paint(s.Contender), s.Name, value)
	}
	return d.String()
}

// draw draws one series and returns the height of its end.
func (c *lineChart) draw(d *drawing, s series, x, y func(float64) float64) float64 {
	class := paint(s.Contender)
	var path []point
	for _, p := range s.Points {
		path = append(path, point{x(p.X), y(c.plane(p.Y))})
	}
	style := "line l-" + class
	if s.Dashed {
		style += " dashed"
	}
	d.path(path, style)
	for _, p := range path {
		d.dot(p.X, p.Y, "s-"+class)
	}
	end := path[len(path)-1]
	if s.Fate != "" {
		d.cross(end.X, end.Y, "line l-"+class)
	}
	return end.Y
}

func (c *lineChart) labelX(s series, x func(float64) float64) float64 {
	return x(s.Points[len(s.Points)-1].X) + 12
}

// plane maps a value to where it is linear.
func (c *lineChart) plane(v float64) float64 {
	if c.LogY {
		return math.Log10(v)
	}
	return v
}

func (c *lineChart) yTicks() []float64 {
	lo, hi := math.Inf(1), math.Inf(-1)
	for _, s := range c.Series {
		for _, p := range s.Points {
			lo, hi = min(lo, p.Y), max(hi, p.Y)
		}
	}
	if c.LogY {
		return logTicks(lo, hi)
	}
	return linearTicks(hi)
}

// roundLabel leaves out the decimals of a round number: "10.0 ms" is "10 ms".
func roundLabel(s string) string {
	number, unit, _ := strings.Cut(s, " ")
	if strings.Contains(number, ".") {
		number = strings.TrimRight(strings.TrimRight(number, "0"), ".")
	}
	return strings.TrimSpace(number + " " + unit)
}

// linearTicks are round steps from 0 to at least hi.
func linearTicks(hi float64) []float64 {
	if hi <= 0 {
		hi = 1
	}
	step := math.Pow(10, math.Floor(math.Log10(hi)))
	for _, f := range []float64{0.2, 0.5, 1, 2} {
		if hi/(step*f) <= 6 {
			step *= f
			break
		}
	}
	ticks := []float64{0}
	for i := 1.0; ticks[len(ticks)-1] < hi; i++ {
		ticks = append(ticks, i*step)
	}
	return ticks
}

// logTicks are powers of ten around lo and hi, with 2 and 5 between them if
// there are few.
func logTicks(lo, hi float64) []float64 {
	first, last := math.Floor(math.Log10(lo)), math.Ceil(math.Log10(hi))
	factors := []float64{1}
	if last-first <= 2 {
		factors = []float64{1, 2, 5}
	}
	var ticks []float64
	for e := first; e <= last; e++ {
		for _, f := range factors {
			ticks = append(ticks, f*math.Pow(10, e))
		}
	}
	for len(ticks) > 2 && ticks[1] <= lo {
		ticks = ticks[1:]
	}
	for len(ticks) > 2 && ticks[len(ticks)-2] >= hi {
		ticks = ticks[:len(ticks)-1]
	}
	return ticks
}

// scale maps lo..hi to from..to.
func scale(lo, hi, from, to float64) func(float64) float64 {
	if hi == lo {
		hi = lo + 1
	}
	return func(v float64) float64 { return from + (v-lo)/(hi-lo)*(to-from) }
}

// spread moves positions apart until each two are gap apart, within lo..hi if
// they fit, and keeps their order.
func spread(at []float64, gap, lo, hi float64) []float64 {
	order := make([]int, len(at))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(at[a], at[b]) })
	out := slices.Clone(at)
	for range 200 {
		moved := false
		for k := 1; k < len(order); k++ {
			a, b := order[k-1], order[k]
			if lack := gap - (out[b] - out[a]); lack > 0.01 {
				out[a], out[b] = out[a]-lack/2, out[b]+lack/2
				moved = true
			}
		}
		if n := len(order); n > 0 && float64(n-1)*gap <= hi-lo {
			out[order[0]] = max(out[order[0]], lo)
			out[order[n-1]] = min(out[order[n-1]], hi)
		}
		if !moved {
			break
		}
	}
	return out
}
