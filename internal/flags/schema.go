package flags

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// Schema is the JSON schema of a configuration file for a sub-command, for editors: see json-schema.org,
// draft 7. The parser takes a little more: other names of flags, and tables in several parts.
func (a *App) Schema(c *Command) (string, error) {
	properties := map[string]any{programKey: map[string]any{
		"description": "The program and its arguments, for a command line without one.",
		"anyOf":       []any{oneWord(), listOf(oneWord())},
	}}
	ordered := map[string]any{}
	flags, _ := declared(c.New())
	for i := range flags {
		f := &flags[i]
		if f.has("hidden") || f.Name() == configFlag {
			continue
		}
		properties[f.Name()] = f.schema()
		if _, is := f.ordered(); is {
			ordered[f.Name()] = f.schema()
		}
	}
	if len(ordered) > 0 {
		properties[a.InOrder] = map[string]any{
			"description": "Flags whose order counts, each in a table of its own.",
			"type":        "array", "minItems": 1,
			"items": map[string]any{"type": "object", "properties": ordered, "additionalProperties": false, "minProperties": 1, "maxProperties": 1},
		}
	}
	text, err := json.MarshalIndent(map[string]any{
		"$schema": "http://json-schema.org/draft-07/schema#", "title": "flags of " + a.Name + " " + c.Name,
		"type": "object", "properties": properties, "additionalProperties": false,
	}, "", "  ")
	return string(text) + "\n", err
}

// oneWord is what can be typed as a word. Numbers are written as one would type them.
func oneWord() map[string]any { return map[string]any{"type": []string{"string", "number"}} }

func listOf(items any) map[string]any { return map[string]any{"type": "array", "items": items} }

// schema is that of the flag's value.
func (f *Flag) schema() map[string]any {
	s := map[string]any{"description": f.Help()}
	enum := words(f)
	placeholder := f.Placeholder()
	switch takes := f.Takes(); {
	case takes == Nothing:
		s["type"] = "boolean"
	case takes == Perhaps:
		s["anyOf"] = []any{map[string]any{"type": "boolean"}, oneWord(), listOf(oneWord())}
	case enum != nil && len(enum) == strings.Count(placeholder, "|")+1:
		one := map[string]any{"enum": enum}
		s["anyOf"] = []any{one, listOf(one)}
	default:
		s["anyOf"] = []any{oneWord(), listOf(oneWord())}
	}
	return s
}

// Example is a configuration file with all flags of a sub-command and what they do. All that is not a
// comment is the default.
func (a *App) Example(c *Command, schema string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "#:schema %s\n# All flags of %s %s as keys. What follows # alone is a comment; what follows #, without a space, is a key\n# to be given a value.\n", schema, a.Name, c.Name)
	for _, s := range a.sections(c) {
		list := slices.DeleteFunc(s.flags, func(f *Flag) bool { return f == &helpFlag || f == &colorFlag || f.Name() == configFlag })
		if len(list) == 0 {
			continue
		}
		fmt.Fprintf(&b, "\n# %s\n", s.title)
		for _, f := range list {
			b.WriteByte('\n')
			for _, line := range wrap(f.Help(), 96) {
				b.WriteString("# " + line + "\n")
			}
			if f.Takes() == Nothing {
				b.WriteString(f.Name() + " = false\n")
			} else {
				fmt.Fprintf(&b, "#%s = %q\n", f.Name(), f.Placeholder())
			}
		}
	}
	fmt.Fprintf(&b, "\n# The program and its arguments.\n#%s = [\"PROGRAM\", \"ARGUMENT\"]\n", programKey)
	return b.String()
}
