package arrows

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The diagram in ARCHITECTURE.md is the table's, of the packages that it shows: every
// arrow between two of them, but for those that a longer way makes needless.
func TestDiagram(t *testing.T) {
	drawn, shown := diagram(t, document(t, "ARCHITECTURE.md"))
	for from := range shown {
		if _, err := os.Stat("../../" + from); err != nil {
			t.Errorf("the diagram shows a package that is not there: %v", err)
		}
		for to := range shown {
			arrow := from + " -> " + to
			switch needed := imports(from, to) && !aroundTo(shown, from, to); {
			case needed && !drawn[arrow]:
				t.Errorf("the diagram lacks %s", arrow)
			case !needed && drawn[arrow]:
				t.Errorf("the diagram has %s, which no import needs or a longer way shows already", arrow)
			}
		}
	}
}

func imports(from, to string) bool {
	return slices.Contains(strings.Fields(arrows[from].imports), to)
}

// leads reports whether there is a way from one package to another over those
// that are shown.
func leads(shown map[string]bool, from, to string) bool {
	return imports(from, to) || aroundTo(shown, from, to)
}

// aroundTo reports whether there is such a way of two arrows or more.
func aroundTo(shown map[string]bool, from, to string) bool {
	for via := range shown {
		if via != to && imports(from, via) && leads(shown, via, to) {
			return true
		}
	}
	return false
}

var (
	drawnArrow = regexp.MustCompile(`(?m)^ +(\w+)(?:\["[^"]*"\])? --> (\w+)(?:\["[^"]*"\])?$`)
	directory  = map[string]string{"cmd": "cmd/sprog", "sprog": "."}
)

// diagram reads the diagram: its arrows, and the packages that it shows.
func diagram(t *testing.T, text string) (drawn, shown map[string]bool) {
	t.Helper()
	_, text, found := strings.Cut(text, "```mermaid\n")
	text, _, ends := strings.Cut(text, "```\n")
	if !found || !ends {
		t.Fatal("ARCHITECTURE.md has no diagram")
	}
	drawn, shown = map[string]bool{}, map[string]bool{}
	lines := drawnArrow.FindAllStringSubmatch(text, -1)
	if want := strings.Count(text, "-->"); len(lines) != want {
		t.Fatalf("%d of the diagram's %d arrows can be read", len(lines), want)
	}
	for _, line := range lines {
		from, to := nameOf(line[1]), nameOf(line[2])
		drawn[from+" -> "+to], shown[from], shown[to] = true, true, true
	}
	return drawn, shown
}

// nameOf is the directory of a package in the diagram.
func nameOf(node string) string {
	if dir := directory[node]; dir != "" {
		return dir
	}
	return "internal/" + node
}
