package flags

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// A flagError is a mistake in the value of a flag.
type flagError struct {
	error
	name string
}

func (e flagError) Unwrap() error { return e.error }

// mistake has an error say where help is: on the flag, if there is a command for that.
func (l *Line) mistake(err error) error {
	name := l.app.Name
	var of flagError
	switch {
	case errors.As(err, &of) && l.app.command("help") != nil:
		return fmt.Errorf("%w (see %s help %s)", err, name, of.name)
	case l.Command != nil:
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

// unknownFlag says what does here what the flag does elsewhere, which sub-command has it, or
// which flags are called almost so.
func (l *Line) unknownFlag(word, value string) error {
	if answer := l.app.foreign(word, value); answer != "" && l.Command.Program {
		return fmt.Errorf("unknown flag %s: %s", word, answer)
	}
	if owner := l.app.ownerOf(word); owner != "" {
		return fmt.Errorf("unknown flag %s, which %s has", word, owner)
	}
	if f := findShort(l.flags, word[1:min(2, len(word))]); f != nil && !strings.HasPrefix(word, "--") {
		switch long := find(l.flags, word[1:]); {
		case long != nil:
		case f.Takes() == Nothing:
			return fmt.Errorf("unknown flag %s: flags of one letter stand apart: -%s -%s", word, word[1:2], word[2:])
		default:
			return fmt.Errorf("unknown flag %s: a value stands apart: -%s %s", word, word[1:2], word[2:])
		}
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

// foreignValue is the value that a flag seems to have been given.
func foreignValue(value string, has bool, words []string) string {
	if !has && len(words) > 0 && !strings.HasPrefix(words[0], "-") {
		return words[0]
	}
	return value
}

// foreign is what to say to a flag of another command, or "". A name with a value goes
// before one without.
func (a *App) foreign(word, value string) string {
	key, inner, _ := strings.Cut(value, "=")
	if before, after, ok := strings.Cut(value, ":"); ok && inner == "" {
		key, inner = before, after
	}
	for _, try := range [][2]string{{word + "=" + value, ""}, {word + "=" + key, inner}, {word, value}} {
		for i := range a.Elsewhere {
			if f := &a.Elsewhere[i]; slices.Contains(strings.Fields(f.Names), try[0]) {
				return f.answer(a, try[1])
			}
		}
	}
	return ""
}

// answer is what to say, with the value that was given, or what the help calls it.
func (f *Foreign) answer(a *App, value string) string {
	if f.Flags == "" {
		return f.Remark
	}
	typed := f.Flags
	if name, rest, _ := strings.Cut(typed, " "); value == "" && strings.Contains(rest, "VALUE") {
		flags, _ := declared(a.Commands[0].New())
		if own := find(flags, strings.TrimPrefix(name, "--")); own != nil && strings.HasPrefix(rest, "VALUE") {
			value = own.Placeholder()
		}
	}
	if value != "" {
		typed = strings.ReplaceAll(typed, "VALUE", value)
	}
	if f.Remark != "" {
		return "that is " + typed + "; " + f.Remark
	}
	return "that is " + typed
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
