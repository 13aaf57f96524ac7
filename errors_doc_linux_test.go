//go:build amd64 || arm64

package sprog

import (
	"os"
	"strings"
	"testing"
)

const errorsFile = "docs/errors.md"

const errorsHead = `# What sprog says when a start fails

Starts that fail, and what os/exec and sprog say about them. Each one is real: a test makes them all, compares the errors with this page, and
rewrites it with ` + "`go test -run TestErrors . -update`" + `. The page shows the directory of the files as /tmp/x. The
ordinary user has the id 65534.

The form is ` + "`sprog: start PROGRAM: STEP OBJECT (FIELD): ERRNO (REASON)`" + `. sprog looks for the reason in the last parentheses after the failure, in the
child's root and with its ids. Where it has not seen the reason but thinks it likely, it says so. In Go the parts are the fields of ` + "`sprog.StartError`" + `,
which unwraps to the errno; the command names the flag instead of the field.
`

// readErrors reads what docs/errors.md says.
func readErrors(t *testing.T) map[string]heard {
	seen := map[string]heard{}
	text, err := os.ReadFile(errorsFile)
	if os.IsNotExist(err) && *update {
		return seen
	}
	if err != nil {
		t.Fatal(err)
	}
	for block := range strings.SplitSeq(string(text), "\n**") {
		asked, rest, ok := strings.Cut(block, "**\n")
		lines := strings.Split(rest, "\n")
		if !ok || len(lines) < 3 {
			continue
		}
		seen[asked] = heard{OsExec: uncode(lines[1], "- os/exec: "), Sprog: uncode(lines[2], "- sprog: ")}
	}
	return seen
}

// checkErrors compares the page with what was seen, and for launches that
// cannot be made here with what it said.
func checkErrors(t *testing.T, seen map[string]heard) {
	var page strings.Builder
	page.WriteString(errorsHead)
	for _, theme := range themes {
		page.WriteString("\n## " + theme.title + "\n")
		for _, f := range theme.failings {
			page.WriteString("\n**" + f.asked + "**\n\n- os/exec: " + code(seen[f.asked].OsExec) + "\n- sprog: " + code(f.want) + "\n")
		}
	}
	if *update {
		if err := os.WriteFile(errorsFile, []byte(page.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	text, err := os.ReadFile(errorsFile)
	if err != nil || string(text) != page.String() {
		t.Errorf("%s is not what this test would write: -update rewrites it (%v)", errorsFile, err)
	}
}

// code is a line as code, which may have backquotes in it.
func code(s string) string {
	if s == noField {
		return s
	}
	if strings.Contains(s, "`") {
		return "`` " + s + " ``"
	}
	return "`" + s + "`"
}

func uncode(line, before string) string {
	s := strings.TrimPrefix(line, before)
	if inner, ok := strings.CutPrefix(s, "`` "); ok {
		return strings.TrimSuffix(inner, " ``")
	}
	return strings.Trim(s, "`")
}
