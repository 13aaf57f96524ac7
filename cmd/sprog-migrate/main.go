// Command sprog-migrate moves a module from os/exec to sprog: it rewrites imports, and
// lists the places that somebody has to look at.
//
//	sprog-migrate [-n] [-tags LIST] [packages]
//
// It is what sprog migrate runs, and a program of its own so that sprog itself starts as
// fast as ever: the type checker alone takes longer before main than all of sprog.
//
// A file keeps os/exec if it is only for systems where sprog starts nothing, or if it would not
// compile otherwise: mostly because it hands an *exec.Cmd to a package that is not
// migrated, for which there is sprog.FromExec.
package main

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

const (
	oldPath = "os/exec"
	newPath = "github.com/sprog-dev/sprog"
)

func main() {
	if err := run(os.Args[1:], os.Stdout, os.Stderr); err != nil {
		if !errors.Is(err, flag.ErrHelp) {
			fmt.Fprintln(os.Stderr, "sprog-migrate:", err)
		}
		os.Exit(2)
	}
}

// run is the program.
func run(args []string, stdout, stderr io.Writer) error {
	options := flag.NewFlagSet("sprog-migrate", flag.ContinueOnError)
	options.SetOutput(stderr)
	dry := options.Bool("n", false, "change nothing, and only say what would change")
	tags := options.String("tags", "", "build with these tags")
	if err := options.Parse(args); err != nil {
		return err
	}
	patterns := options.Args()
	if len(patterns) == 0 {
		patterns = []string{"./..."}
	}
	m, err := load(*tags, patterns)
	if err != nil {
		return err
	}
	m.rewrite()
	places := m.places()
	kept := m.settle() // after which it is known which files are rewritten
	places = m.sorted(append(places, kept...))
	if !*dry {
		if err := m.write(); err != nil {
			return err
		}
	}
	report(stdout, places)
	verb := "rewritten"
	if *dry {
		verb = "to be rewritten"
	}
	fmt.Fprintf(stderr, "%d files %s, %d keep %s, %d places to look at\n", m.count(true), verb, m.count(false), oldPath, len(places))
	return nil
}

// A place is something to look at.
type place struct {
	file         string
	line, column int
	text         string
	rewritten    bool // it is none if the file keeps os/exec
}

// sorted are the places in their order, without those of files that stay as they are.
func (m *module) sorted(places []place) []place {
	places = slices.DeleteFunc(places, func(p place) bool { return p.rewritten && !m.rewritten(p.file) })
	slices.SortStableFunc(places, func(a, b place) int {
		return cmp.Or(cmp.Compare(a.file, b.file), cmp.Compare(a.line, b.line), cmp.Compare(a.column, b.column), cmp.Compare(a.text, b.text))
	})
	return slices.Compact(places)
}

// report lists places as vet does.
func report(w io.Writer, places []place) {
	dir, _ := os.Getwd()
	for _, p := range places {
		name := p.file
		if rel, err := filepath.Rel(dir, name); err == nil && !strings.HasPrefix(rel, "..") {
			name = rel
		}
		fmt.Fprintf(w, "%s:%d:%d: %s\n", name, p.line, p.column, p.text)
	}
}
