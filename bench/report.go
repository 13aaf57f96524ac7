package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// A report is one run of the benchmark.
type report struct {
	Measured string     `json:"measured,omitempty"` // the day
	Machine  machine    `json:"machine"`
	Quick    bool       `json:"quick,omitempty"`
	Sections []*section `json:"sections"`
}

// A section is the outcome of one scenario.
type section struct {
	ID      string   `json:"id"`
	Title   string   `json:"title"`
	Notes   []string `json:"notes,omitempty"`
	Skipped string   `json:"skipped,omitempty"` // why there is nothing
	Table   table    `json:"table"`
	Aims    []aim    `json:"aims,omitempty"`
	Samples samples  `json:"samples,omitempty"`
	Herds   []herd   `json:"herds,omitempty"`
	Stalls  []stall  `json:"stalls,omitempty"`
	charts  []chart
}

// A herd is what a process looks like that waits for children.
type herd struct {
	Contender string        `json:"contender"`
	Children  int           `json:"children"`
	Threads   int64         `json:"threads"`
	Resident  int64         `json:"resident_bytes"`
	Started   time.Duration `json:"started_ns"`      // from the first start to the last
	Reaped    time.Duration `json:"reaped_ns"`       // from the first kill to the last wait
	Fatal     string        `json:"fatal,omitempty"` // what it died of
}

// A stall is what one process with a slow exec saw.
type stall struct {
	Contender string        `json:"contender"`
	Longest   time.Duration `json:"longest_ns"`
	Exec      time.Duration `json:"exec_ns"`
}

// A chart is a plot that becomes one file.
type chart interface {
	name() string // of the file, without .svg
	alt() string  // for who cannot see it
	svg() string
}

// An aim is what the project wants of a figure, next to what it is.
type aim struct {
	What  string  `json:"what"`
	Most  float64 `json:"at_most,omitempty"`
	Least float64 `json:"at_least,omitempty"`
	Got   float64 `json:"measured"`
}

func (a aim) met() bool {
	return a.Got != 0 && (a.Most == 0 || a.Got <= a.Most) && a.Got >= a.Least
}

func (a aim) String() string {
	if a.Got == 0 {
		return fmt.Sprintf("%s: not measured", a.wanted())
	}
	verdict := "met"
	if !a.met() {
		verdict = "MISSED"
	}
	return fmt.Sprintf("%s: measured %s, %s", a.wanted(), significant(a.Got), verdict)
}

func (a aim) wanted() string {
	if a.Most != 0 {
		return fmt.Sprintf("%s ≤ %g", a.What, a.Most)
	}
	return fmt.Sprintf("%s ≥ %g", a.What, a.Least)
}

// text is the section for a terminal.
func (s *section) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s [%s]\n", s.Title, s.ID)
	if s.Skipped != "" {
		fmt.Fprintf(&b, "  skipped: %s\n", s.Skipped)
		return b.String()
	}
	b.WriteString(s.Table.text())
	for _, n := range s.Notes {
		fmt.Fprintf(&b, "  %s\n", n)
	}
	for _, a := range s.Aims {
		fmt.Fprintf(&b, "  aim: %s\n", a)
	}
	return b.String()
}

func (s *section) markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "## %s\n\n", s.Title)
	if s.Skipped != "" {
		fmt.Fprintf(&b, "Skipped: %s.\n", s.Skipped)
		return b.String()
	}
	for _, c := range s.charts {
		fmt.Fprintf(&b, "![%s](%s.svg)\n\n", c.alt(), c.name())
	}
	b.WriteString(s.Table.markdown())
	if len(s.Notes) > 0 {
		fmt.Fprintf(&b, "\n%s\n", strings.Join(s.Notes, "\n"))
	}
	if len(s.Aims) > 0 {
		b.WriteString("\n")
	}
	for _, a := range s.Aims {
		fmt.Fprintf(&b, "- aim: %s\n", a)
	}
	return b.String()
}

func (r *report) markdown() string {
	var b strings.Builder
	b.WriteString("# What a start costs\n\n")
	fmt.Fprintf(&b, "Written by `go run ./bench -o bench/results`; how it measures stands in [doc.go](../doc.go).\n\n")
	if r.Measured != "" {
		fmt.Fprintf(&b, "Measured on %s. ", r.Measured)
	}
	fmt.Fprintf(&b, "Machine: %s.\n", r.Machine)
	if r.Quick {
		b.WriteString("\nThis was a quick run: few rounds, coarse figures.\n")
	}
	b.WriteString("\n" + howToRead + "\n")
	for _, s := range r.Sections {
		b.WriteString("\n" + s.markdown())
	}
	return b.String()
}

const howToRead = "A ratio is the median of the rounds' ratios, and in brackets the ratio of the overall figures."

// redrawn are the scenarios whose pictures can be made of their figures alone.
var redrawn = map[string]func(samples) []chart{"service": serviceCharts}

// read is a report that was written into dir, with the charts of scenarios that can be redrawn.
func read(dir string) (*report, error) {
	data, err := os.ReadFile(filepath.Join(dir, "results.json"))
	if err != nil {
		return nil, err
	}
	r := new(report)
	if err := json.Unmarshal(data, r); err != nil {
		return nil, err
	}
	for _, s := range r.Sections {
		if draw := redrawn[s.ID]; draw != nil && s.Skipped == "" {
			s.charts = draw(s.Samples)
		}
	}
	return r, nil
}

// write puts the report and its plots into dir.
func (r *report) write(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	data, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	files := map[string]string{"results.json": string(data) + "\n", "results.md": r.markdown()}
	for _, s := range r.Sections {
		for _, c := range s.charts {
			files[c.name()+".svg"] = c.svg()
		}
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(files[name]), 0o644); err != nil {
			return err
		}
	}
	return nil
}
