//go:build linux

package main

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/sprog-dev/sprog"
)

// A doctorCmd is sprog doctor.
type doctorCmd struct {
	JSON    bool     `name:"json" help:"Print the answers as JSON."`
	Require nameList `placeholder:"FEATURE,..." help:"Print nothing but what is missing of these, and exit with 1 if anything is."`
}

// A finding is a feature with its answer.
type finding struct {
	sprog.Feature
	sprog.Support
}

// Run prints what this machine allows to this user.
func (d *doctorCmd) Run(extra programArgs) error {
	if len(extra) > 0 {
		return fmt.Errorf("doctor: %q is not a flag", extra[0])
	}
	if d.Require != nil {
		return d.require()
	}
	var all []finding
	for _, f := range sprog.Features() {
		all = append(all, finding{f, sprog.Probe(f.Name)})
	}
	if d.JSON {
		out := json.NewEncoder(os.Stdout)
		out.SetEscapeHTML(false)
		out.SetIndent("", "  ")
		return out.Encode(all)
	}
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	for _, f := range all {
		fmt.Fprintf(w, "%s\t%s\t%s\n", f.Answer, f.Name, f.what())
	}
	return w.Flush()
}

// what is the reason of an answer that is not yes, and otherwise what the
// feature is for.
func (f finding) what() string {
	if f.Answer != sprog.Yes {
		return f.Reason
	}
	return f.For
}

func (d *doctorCmd) require() error {
	missing := false
	for _, name := range d.Require {
		if !slices.ContainsFunc(sprog.Features(), func(f sprog.Feature) bool { return f.Name == name }) {
			return codedError{exitSprog, fmt.Errorf("--require: no feature is called %q: %s", name, featureNames())}
		}
		if s := sprog.Probe(name); s.Answer != sprog.Yes {
			fmt.Printf("%s: %s: %s\n", name, s.Answer, s.Reason)
			missing = true
		}
	}
	if missing {
		return exitCode(1)
	}
	return nil
}

func featureNames() string {
	var names []string
	for _, f := range sprog.Features() {
		names = append(names, f.Name)
	}
	return strings.Join(names, ", ")
}
