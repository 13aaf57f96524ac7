package main

// A barChart compares single figures, in one panel or several side by side.
type barChart struct {
	File, Title, Subtitle string
	Panels                []panel
}

// A panel has bars of one unit, from 0.
type panel struct {
	Label  string // what the bars measure
	Format func(float64) string
	Bars   []bar
}

type bar struct {
	Name, Contender string
	Value           float64
	Tail            float64 // drawn pale behind Value, such as its p99; or 0
	Note            string  // behind the figure
}

func (c *barChart) name() string { return c.File }
func (c *barChart) alt() string  { return c.Title + "; " + c.Subtitle }

const (
	barHeight, barStep = 24.0, 40.0
	barNames           = 92.0  // room for the names left of the bars
	barFigures         = 150.0 // room for the figures behind the longest bar
	barTop             = 92.0
)

func (c *barChart) svg() string {
	var rows int
	for _, p := range c.Panels {
		rows = max(rows, len(p.Bars))
	}
	d := newDrawing(barTop+float64(rows)*barStep+44, c.Title, c.Subtitle)
	width := (charts - 48) / float64(len(c.Panels))
	for i, p := range c.Panels {
		p.draw(d, 24+float64(i)*width, width)
	}
	return d.String()
}

func (p panel) draw(d *drawing, left, width float64) {
	var most float64
	for _, b := range p.Bars {
		most = max(most, b.Value, b.Tail)
	}
	zero := left + barNames
	x := scale(0, most, zero, left+width-barFigures)
	for i, b := range p.Bars {
		top := barTop + float64(i)*barStep
		class := "s-" + paint(b.Contender)
		d.text(zero-10, top+barHeight/2+5, "name "+class, "end", b.Name)
		if b.Tail > 0 {
			d.rect(zero, top+7, x(b.Tail)-zero, barHeight-14, class+" pale")
		}
		d.rect(zero, top, max(x(b.Value)-zero, 1.5), barHeight, class)
		figure := p.Format(b.Value)
		if b.Note != "" {
			figure += "  " + b.Note
		}
		d.text(x(max(b.Value, b.Tail))+10, top+barHeight/2+5, "", "start", figure)
	}
	bottom := barTop + float64(len(p.Bars))*barStep
	d.line(zero, barTop-8, zero, bottom-8, "axis")
	d.text(zero, bottom+14, "soft", "start", p.Label)
}
