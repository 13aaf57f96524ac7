package flags

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// mistake has an error say where help is.
func (l *Line) mistake(err error) error {
	name := l.app.Name
	if l.Command != nil {
		name += " " + l.Command.Name
	}
	return fmt.Errorf("%w (see %s --help)", err, name)
}

func (a *App) names() (names []string) {
	for i := range a.Commands {
		names = append(names, a.Commands[i].Name)
	}
	return names
}

func (a *App) expected() error {
	return errors.New("expected one of " + quoted(a.names(), " or "))
}

func (a *App) unknownCommand(word string) error {
	if owner := a.ownerOf(word); owner != "" {
		return fmt.Errorf("%s stands before the sub-command: flags follow it, as in %s %s", word, owner, word)
	}
	if strings.HasPrefix(word, "-") {
		if near := Hint(strings.Trim(word, "-"), a.names()); near != "" {
			return fmt.Errorf("unknown flag %s%s", word, strings.Replace(near, "mean ", "mean the sub-command ", 1))
		}
		return fmt.Errorf("unknown flag %s", word)
	}
	return fmt.Errorf("there is no sub-command %q%s", word, Hint(word, a.names()))
}

// ownerOf is the first sub-command that has a flag, or "".
func (a *App) ownerOf(word string) string {
	name, ok := strings.CutPrefix(word, "--")
	for i := range a.Commands {
		if flags, _ := declared(a.Commands[i].New()); ok && find(flags, name) != nil {
			return a.Name + " " + a.Commands[i].Name
		}
	}
	return ""
}

func (l *Line) unknownFlag(word string) error {
	for _, f := range l.app.Elsewhere {
		if slices.Contains(strings.Fields(f.Names), word) {
			return fmt.Errorf("unknown flag %s: %s", word, f.Answer)
		}
	}
	if owner := l.app.ownerOf(word); owner != "" {
		return fmt.Errorf("unknown flag %s, which %s has", word, owner)
	}
	var names []string
	for i := range l.flags {
		if f := &l.flags[i]; !f.has("hidden") {
			for _, name := range append(f.aliases(), f.Name()) {
				names = append(names, "--"+name)
			}
		}
	}
	return fmt.Errorf("unknown flag %s%s", word, Hint(strings.Trim(word, "-"), names))
}

// quoted are words in quotes with commas between, and something else before the last.
func quoted(words []string, last string) string {
	var b strings.Builder
	for i, word := range words {
		switch {
		case i == 0:
		case i == len(words)-1:
			b.WriteString(last)
		default:
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%q", word)
	}
	return b.String()
}
