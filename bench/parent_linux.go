package main

import "time"

// What a start is varied by, besides who makes it.
const (
	newUser  = "NEWUSER"
	captured = "captured"
)

// A kind is a contender and a variant: a column of a table, a line of a chart.
type kind struct{ contender, variant string }

func (k kind) String() string {
	if k.variant == "" {
		return k.contender
	}
	return k.contender + " " + k.variant
}

// kinds combines contenders with a variant, those that can be measured here.
func (b *bench) kinds(variant string, names ...string) []kind {
	var ks []kind
	for _, name := range b.among(names...) {
		ks = append(ks, kind{name, variant})
	}
	return ks
}

// A parentScenario starts programs from parents of growing size. All the
// parents live at once, so that their batches can take turns.
type parentScenario struct {
	kinds []kind
	xs    []float64
	setup func(x float64) setup
}

func (p *parentScenario) measure(b *bench, s *section) error {
	var cells []cell
	for _, x := range p.xs {
		w, err := b.worker(p.setup(x))
		if err != nil {
			return err
		}
		for _, k := range p.kinds {
			o := order{
				Contender: k.contender, Prog: b.progs.Exit, Goroutines: 1,
				NewUser: k.variant == newUser, Capture: k.variant == captured,
			}
			if o.Capture {
				o.Prog = b.progs.Write
			}
			if o.Starts, err = batchFor(w, o); err != nil {
				return err
			}
			cells = append(cells, cell{&sample{Contender: k.contender, Variant: k.variant, X: x}, w, o})
			s.Samples = append(s.Samples, cells[len(cells)-1].sample)
		}
	}
	return b.interleave(b.rounds(60), cells)
}

// batchFor is how many starts make a batch of about 4 ms, so that a slow kind
// does not take all the time there is.
func batchFor(w *worker, o order) (int, error) {
	o.Starts = 3
	out, err := w.do(o)
	if err != nil {
		return 0, err
	}
	each := out.Elapsed / time.Duration(o.Starts)
	return min(max(int(4*time.Millisecond/each), 1), batch), nil
}

// tabulate has a row for each x and a column for each kind.
func (p *parentScenario) tabulate(s *section, what string, label func(float64) string) {
	s.Table.Head = []string{what}
	for _, k := range p.kinds {
		s.Table.Head = append(s.Table.Head, k.String())
	}
	for _, x := range p.xs {
		row := []string{label(x)}
		for _, k := range p.kinds {
			row = append(row, duration(s.Samples.find(k.contender, k.variant, x).P50))
		}
		s.Table.add(row...)
	}
}

// lines has a line for each kind.
func (p *parentScenario) lines(s *section, c *lineChart, at func(i int, x float64) float64, label func(float64) string) {
	for i, x := range p.xs {
		c.XTicks = append(c.XTicks, tick{at(i, x), label(x)})
	}
	for _, k := range p.kinds {
		line := series{Name: k.String(), Contender: k.contender, Dashed: k.variant != ""}
		for i, x := range p.xs {
			line.Points = append(line.Points, point{at(i, x), s.Samples.find(k.contender, k.variant, x).P50})
		}
		c.Series = append(c.Series, line)
	}
	s.charts = append(s.charts, c)
}
