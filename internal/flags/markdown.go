package flags

import (
	"fmt"
	"strings"
)

// Markdown is a page on all flags, each with its example. A flag that several sub-commands have stands
// with the first.
func (a *App) Markdown(examples map[string]string) string {
	b := new(strings.Builder)
	seen := map[string]bool{}
	for i := range a.Commands {
		a.markCommand(b, &a.Commands[i], seen, examples)
	}
	return b.String()
}

func (a *App) markCommand(b *strings.Builder, c *Command, seen map[string]bool, examples map[string]string) {
	title := fmt.Sprintf("\n## %s %s\n\n%s\n", a.Name, c.Name, markdown(c.Help))
	for _, s := range a.sections(c) {
		heading := fmt.Sprintf("\n### %s\n", s.title)
		for _, f := range s.flags {
			if seen[f.Name()] {
				continue
			}
			seen[f.Name()] = true
			b.WriteString(title + heading)
			title, heading = "", ""
			fmt.Fprintf(b, "\n#### `%s`\n\n%s\n", f.shortForm(false), markdown(f.Help()))
			if example := examples[f.Name()]; example != "" {
				b.WriteString("\n" + example)
			}
		}
	}
}

// markdown has the characters that Markdown would take for something else stand for themselves.
func markdown(text string) string {
	return strings.NewReplacer("*", `\*`, "_", `\_`, "<", `\<`, "[", `\[`).Replace(text)
}
