package main

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
)

// An advantage is a line of the page that says what sprog is faster at: than what, by how much, and from which size on.
type advantage struct {
	what, instead, from string
	then, now           string  // the two figures
	times               float64 // how many times as fast
}

// noticed is from which factor on a size matters.
const noticed = 1.5

// advantages are made of results that are in the repository: those in dir, and those below it.
func advantages(dir string) (list []advantage, err error) {
	r, err := read(dir)
	if err != nil {
		return nil, err
	}
	for _, s := range r.Sections {
		if make := ofSection[s.ID]; make != nil {
			list = append(list, make(s)...)
		}
	}
	for _, sub := range []string{"launchers", "service"} {
		r, err := read(filepath.Join(dir, sub))
		if err != nil {
			return nil, err
		}
		for _, s := range r.Sections {
			list = append(list, ofSection[s.ID](s)...)
		}
	}
	return list, nil
}

var ofSection = map[string]func(*section) []advantage{
	"start": func(s *section) []advantage {
		return []advantage{faster("a start and its end", byExec, "the first start", s.Samples.find(byExec, "", 1), s.Samples.find(bySprog, "", 1))}
	},
	"throughput": func(s *section) []advantage {
		then, now := s.Samples.find(byExec, "", 8), s.Samples.find(bySprog, "", 8)
		return []advantage{{"8 goroutines that start programs", byExec, "2 goroutines", count(then.PerSecond) + "/s", count(now.PerSecond) + "/s", now.PerSecond / then.PerSecond}}
	},
	"memory": func(s *section) []advantage {
		return []advantage{grown(s, "a user namespace, 4 GiB in use", "NEWUSER", func(x float64) string {
			if x == 0 {
				return "any size"
			}
			return size(x)
		})}
	},
	"files": func(s *section) []advantage {
		return []advantage{grown(s, "a start with 19 000 open files", "", func(x float64) string { return count(x) + " open files" })}
	},
	"stall": func(s *section) []advantage {
		var then, now stall
		for _, one := range s.Stalls {
			switch one.Contender {
			case byExec:
				then = one
			case bySprog:
				now = one
			}
		}
		return []advantage{{"the others, while an exec takes 1 s", byExec, "a slow file system",
			duration(float64(then.Longest)), duration(float64(now.Longest)), float64(then.Longest) / float64(now.Longest)}}
	},
	"launchers": func(s *section) (list []advantage) {
		for _, job := range []launchedName{{"an entry point of a container", "tini, prlimit, setpriv", "tini -s -- prlimit --nofile=1000:1000 setpriv --no-new-privs", "an entry point"}, {"no_new_privs for a program", "setpriv", "setpriv --no-new-privs", "no_new_privs"}} {
			list = append(list, faster(job.what, job.instead, "the first start", s.Samples.find(job.tools, "", 1), s.Samples.find("launcher: "+job.launcher, "", 1)))
		}
		return list
	},
	"service": func(s *section) []advantage {
		return []advantage{faster("a sandbox for a request", "bwrap", "the first request", s.Samples.find(byBwrap, "", 50), s.Samples.find(byWarm, "", 50))}
	},
}

// A launchedName is a job of the launchers' scenario.
type launchedName struct{ what, instead, tools, launcher string }

func faster(what, instead, from string, then, now *sample) advantage {
	if then == nil || now == nil {
		return advantage{what: what, instead: instead}
	}
	return advantage{what, instead, from, duration(then.P50), duration(now.P50), then.P50 / now.P50}
}

// grown is the advantage at the largest size, and the first at which anybody would notice it.
func grown(s *section, what, variant string, called func(float64) string) advantage {
	var a advantage
	for _, then := range s.Samples {
		now := s.Samples.find(bySprog, variant, then.X)
		if then.Contender != byExec || then.Variant != variant || now == nil {
			continue
		}
		from := a.from
		if a = faster(what, byExec, from, then, now); from == "" && a.times >= noticed {
			a.from = called(then.X)
		}
	}
	return a
}

// overviewTable is what the page has beside its picture.
func overviewTable(list []advantage) string {
	t := table{Head: []string{"", "instead of", "takes", "now", "times", "matters from"}}
	for _, a := range list {
		t.add(a.what, a.instead, a.then, a.now, factor(a.times), a.from)
	}
	return t.markdown()
}

func factor(times float64) string {
	if times < 9.95 {
		return fmt.Sprintf("%.1f", times)
	}
	return count(times)
}

// An overview is the picture: a bar for each, on a scale of powers of ten.
type overview struct{ list []advantage }

func (overview) name() string { return "faster" }
func (overview) alt() string  { return "How many times as fast sprog is as what you would use instead" }

func (o overview) svg() string {
	const top, step, left, right = 92.0, 46.0, 300.0, 620.0
	d := newDrawing(top+float64(len(o.list))*step+34, "How many times as fast", "what sprog does, and what you would use instead; each step of the scale is ten times as much")
	most := 1.0
	for _, a := range o.list {
		most = max(most, a.times)
	}
	x := scale(0, math.Ceil(math.Log10(most)), left, right)
	bottom := top + float64(len(o.list))*step - 10
	for power := 0.0; power <= math.Ceil(math.Log10(most)); power++ {
		d.line(x(power), top-10, x(power), bottom, "grid")
		d.text(x(power), bottom+18, "small", "middle", count(math.Pow(10, power))+" x")
	}
	for i, a := range o.list {
		y := top + float64(i)*step
		d.text(left-14, y+8, "name", "end", a.what)
		d.text(left-14, y+25, "small", "end", "instead of "+a.instead)
		d.rect(left, y, max(x(math.Log10(a.times))-left, 2), 24, "s-sprog")
		d.text(x(math.Log10(a.times))+10, y+11, "name s-sprog", "start", factor(a.times)+" x")
		d.text(x(math.Log10(a.times))+10, y+26, "small", "start", a.then+" → "+a.now)
	}
	d.line(left, top-10, left, bottom, "axis")
	return d.String()
}

// drawOverview writes the picture, and puts the table into the page between two comments.
func drawOverview(results, docs string) error {
	list, err := advantages(results)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(docs, "faster.svg"), []byte(overview{list}.svg()), 0o644); err != nil {
		return err
	}
	page := filepath.Join(docs, "faster.md")
	text, err := os.ReadFile(page)
	if err != nil {
		return err
	}
	before, rest, is := strings.Cut(string(text), tableBegins)
	_, after, ends := strings.Cut(rest, tableEnds)
	if !is || !ends {
		return fmt.Errorf("%s has no place for the table", page)
	}
	return os.WriteFile(page, []byte(before+tableBegins+overviewTable(list)+tableEnds+after), 0o644)
}

const (
	tableBegins = "<!-- table: go run ./bench -draw -->\n"
	tableEnds   = "<!-- end of table -->\n"
)
