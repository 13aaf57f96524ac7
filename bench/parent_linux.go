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
	workers := make([]*worker, len(p.xs))
	for i, x := range p.xs {
		w, err := b.worker(p.setup(x))
		if err != nil {
			return err
		}
		workers[i] = w
	}
	// Each variant has rounds of its own: batches that are compared stay
	// close together, also where another variant takes 100 times as long.
	for _, kinds := range p.byVariant() {
		var cells []cell
		for i, x := range p.xs {
			for _, k := range kinds {
				c, err := p.cell(b, k, x, workers[i])
				if err != nil {
					return err
				}
				cells = append(cells, c)
				s.Samples = append(s.Samples, c.sample)
			}
		}
		if err := b.interleave(b.rounds(60), cells); err != nil {
			return err
		}
	}
	return nil
}

func (p *parentScenario) cell(b *bench, k kind, x float64, w *worker) (cell, error) {
	o := order{
		Contender: k.contender, Prog: b.progs.Exit, Goroutines: 1,
		NewUser: k.variant == newUser, Capture: k.variant == captured,
	}
	if o.Capture {
		o.Prog = b.progs.Write
	}
	var err error
	o.Starts, err = batchFor(w, o)
	return cell{&sample{Contender: k.contender, Variant: k.variant, X: x}, w, o}, err
}

// byVariant groups the kinds, which stand in that order.
func (p *parentScenario) byVariant() [][]kind {
	var groups [][]kind
	for i, k := range p.kinds {
		if i == 0 || k.variant != p.kinds[i-1].variant {
			groups = append(groups, nil)
		}
		groups[len(groups)-1] = append(groups[len(groups)-1], k)
	}
	return groups
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
