package main

import (
	"encoding/xml"
	"fmt"
	"strings"
)

// A drawing is an SVG being written. Colours are classes, so that one style
// sheet serves light and dark pages; the picture brings its own background
// and stays legible where a viewer knows nothing of dark pages.
type drawing struct {
	b    strings.Builder
	w, h float64
}

const (
	charts     = 820.0 // width of every chart
	lineHeight = 17.0
)

const styleSheet = `
text{font:13px -apple-system,BlinkMacSystemFont,"Segoe UI","Noto Sans",Helvetica,Arial,sans-serif;fill:#1f2328}
.title{font-size:17px;font-weight:600}
.soft{fill:#59636e}
.small{font-size:12px;fill:#59636e}
.name{font-weight:600}
.card{fill:#ffffff;stroke:#d1d9e0}
.grid{stroke:#d1d9e0;stroke-width:1}
.axis{stroke:#818b98;stroke-width:1}
.line{fill:none;stroke-width:2.5;stroke-linejoin:round;stroke-linecap:round}
.dashed{stroke-dasharray:2 6}
.pale{fill-opacity:.35}
.s-sprog{fill:#c9430a}.l-sprog{stroke:#c9430a}
.s-exec{fill:#0969da}.l-exec{stroke:#0969da}
.s-fork{fill:#0f7d6c}.l-fork{stroke:#0f7d6c}
.s-limit{fill:#6e7781}.l-limit{stroke:#6e7781}
@media (prefers-color-scheme:dark){
text{fill:#f0f6fc}
.soft,.small{fill:#9198a1}
.card{fill:#0d1117;stroke:#3d444d}
.grid{stroke:#2b3138}
.axis{stroke:#656c76}
.s-sprog{fill:#ff8a4c}.l-sprog{stroke:#ff8a4c}
.s-exec{fill:#58a6ff}.l-exec{stroke:#58a6ff}
.s-fork{fill:#3fc1a9}.l-fork{stroke:#3fc1a9}
.s-limit{fill:#9198a1}.l-limit{stroke:#9198a1}
}
`

// palette gives each contender the same colour in every chart.
var palette = map[string]string{
	"sprog": "sprog", "os/exec": "exec", "ForkExec": "fork", "limit": "limit",
	"sprog apart": "sprog", "sprog, warm": "sprog", "sprog, cold": "fork", "bwrap": "exec",
}

func paint(contender string) string {
	if c, ok := palette[contender]; ok {
		return c
	}
	return "limit"
}

// newDrawing starts a picture with its title and what the reader should know
// of the figures.
func newDrawing(height float64, title, subtitle string) *drawing {
	d := &drawing{w: charts, h: height}
	fmt.Fprintf(&d.b, `<svg xmlns="http://www.w3.org/2000/svg" role="img" width="%g" height="%g" viewBox="0 0 %[1]g %[2]g">`+"\n", d.w, d.h)
	fmt.Fprintf(&d.b, "<title>%s</title>\n<style>%s</style>\n", escape(title), styleSheet)
	fmt.Fprintf(&d.b, `<rect class="card" x="0.5" y="0.5" width="%g" height="%g" rx="8"/>`+"\n", d.w-1, d.h-1)
	d.text(24, 33, "title", "start", title)
	d.text(24, 54, "soft", "start", subtitle)
	return d
}

func (d *drawing) text(x, y float64, class, anchor, s string) {
	fmt.Fprintf(&d.b, `<text x="%.1f" y="%.1f" class="%s" text-anchor="%s">%s</text>`+"\n", x, y, class, anchor, escape(s))
}

// label is a name in its colour with a value behind it.
func (d *drawing) label(x, y float64, class, name, value string) {
	fmt.Fprintf(&d.b, `<text x="%.1f" y="%.1f"><tspan class="name s-%s">%s</tspan> <tspan class="soft">%s</tspan></text>`+"\n",
		x, y, class, escape(name), escape(value))
}

func (d *drawing) line(x1, y1, x2, y2 float64, class string) {
	fmt.Fprintf(&d.b, `<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" class="%s"/>`+"\n", x1, y1, x2, y2, class)
}

func (d *drawing) rect(x, y, w, h float64, class string) {
	fmt.Fprintf(&d.b, `<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" rx="2" class="%s"/>`+"\n", x, y, w, h, class)
}

func (d *drawing) dot(x, y float64, class string) {
	fmt.Fprintf(&d.b, `<circle cx="%.1f" cy="%.1f" r="3.5" class="%s"/>`+"\n", x, y, class)
}

// cross marks where a line ends because its subject did.
func (d *drawing) cross(x, y float64, class string) {
	d.line(x-5, y-5, x+5, y+5, class)
	d.line(x-5, y+5, x+5, y-5, class)
}

func (d *drawing) path(points []point, class string) {
	d.b.WriteString(`<path d="`)
	for i, p := range points {
		op := byte('L')
		if i == 0 {
			op = 'M'
		}
		fmt.Fprintf(&d.b, "%c%.1f %.1f", op, p.X, p.Y)
	}
	fmt.Fprintf(&d.b, `" class="%s"/>`+"\n", class)
}

func (d *drawing) String() string { return d.b.String() + "</svg>\n" }

func escape(s string) string {
	var b strings.Builder
	xml.EscapeText(&b, []byte(s)) // a Builder does not fail
	return b.String()
}
