package flags

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// A Line is a command line.
type Line struct {
	Command *Command // nil for the command itself
	Runner  Runner   // whose fields the flags set
	Help    bool     // all that is wanted is help
	HelpOn  string   // a topic, or "all", or ""
	Color   string   // auto, always or never, or "" where nothing is said
	Given   []Given  // the flags, in order
	Rest    []string // the program and its arguments, exactly as given, or other arguments

	app         *App
	flags, args []Flag
}

// A Given is a flag that is given, with its value if it has one.
type Given struct {
	*Flag
	Value    string
	HasValue bool

	off  bool   // a file says that it is not given
	from string // the place in a file that it comes from, or ""
}

// ErrNoCommand is the error of an empty command line.
const ErrNoCommand = noCommand("no sub-command is given")

type noCommand string

func (e noCommand) Error() string { return string(e) }

// Read divides a command line into flags and what follows them, and sets no
// field yet. The line is there even if there is a mistake in it, without the
// words that are wrong.
func (a *App) Read(args []string) (*Line, error) {
	l := &Line{app: a}
	args, err := l.readColor(args)
	switch {
	case err != nil:
		return l, l.mistake(err)
	case len(args) == 0:
		return l, ErrNoCommand
	case isHelp(args[0]):
		l.askHelp(args[0])
		if len(args) > 1 {
			l.Command = a.command(args[1])
		}
		return l, nil
	case args[0] == "--version" || args[0] == "-V":
		args = append([]string{"version"}, args[1:]...)
	}
	if l.Command = a.command(args[0]); l.Command == nil {
		return l, l.mistake(a.unknownCommand(args[0]))
	}
	l.Runner = l.Command.New()
	l.flags, l.args = declared(l.Runner)
	valid, err := l.read(args[1:])
	if err == nil || l.Help {
		return l, nil
	}
	if first := l.set(l.Given[:valid]); first != nil { // it may have taken the program for a value
		err = first
	}
	return l, l.mistake(err)
}

func (a *App) command(name string) *Command {
	for i := range a.Commands {
		if a.Commands[i].Name == name {
			return &a.Commands[i]
		}
	}
	return nil
}

// askHelp notes what help is wanted on.
func (l *Line) askHelp(word string) {
	_, on, _ := strings.Cut(word, "=")
	l.Help, l.HelpOn = true, on
}

// readColor takes --color from the front.
func (l *Line) readColor(words []string) (rest []string, err error) {
	for err == nil && len(words) > 0 && isColor(words[0]) {
		_, value, has := strings.Cut(words[0], "=")
		words = words[1:]
		if !has && len(words) > 0 {
			value, words = words[0], words[1:]
		}
		err = l.setColor(value)
	}
	return words, err
}

func isColor(word string) bool {
	name, _, _ := strings.Cut(word, "=")
	return name == "--color" || name == "--colour"
}

func (l *Line) setColor(value string) error {
	if !slices.Contains([]string{"auto", "always", "never"}, value) {
		return fmt.Errorf("--color: %q is none of auto, always and never", value)
	}
	l.Color = value
	return nil
}

func isHelp(word string) bool {
	word, _, _ = strings.Cut(word, "=")
	return word == "--help" || word == "-h"
}

// read reads the words behind the sub-command. The program begins at the first
// that is neither a flag nor the value of one, or after "--". Before a mistake
// are so many valid flags.
func (l *Line) read(words []string) (valid int, mistake error) {
	for len(words) > 0 {
		word := words[0]
		words = words[1:]
		switch isFlag := len(word) > 1 && word[0] == '-'; {
		case word == "--":
			l.Rest = append(l.Rest, words...)
			return valid, mistake
		case !isFlag && l.Command.Program:
			l.Rest = append(l.Rest, word)
			l.Rest = append(l.Rest, words...)
			return valid, mistake
		case !isFlag, l.Command.Words && !isHelp(word):
			l.Rest = append(l.Rest, word)
		case isHelp(word):
			l.askHelp(word)
		case isColor(word):
			var err error
			if words, err = l.readColor(append([]string{word}, words...)); mistake == nil {
				valid, mistake = len(l.Given), err
			}
		default:
			var err error
			if words, err = l.readFlag(word, words); mistake == nil {
				valid, mistake = len(l.Given), err
			}
		}
	}
	return valid, mistake
}

// readFlag reads a flag, which may take the first of the words that follow for
// its value.
func (l *Line) readFlag(word string, words []string) (rest []string, err error) {
	word, value, has := strings.Cut(word, "=")
	f := l.named(word)
	if f == nil {
		return words, l.unknownFlag(word, foreignValue(value, has, words))
	}
	switch takes := f.Takes(); {
	case has || takes == Nothing:
	case takes == Perhaps && !f.takesWord(words):
	case len(words) == 0 || words[0] == "--": // which ends the flags; --flag=-- means it
		return nil, flagError{fmt.Errorf("%s: its value is missing: %s", word, f.Form()), "--" + f.Name()}
	default:
		value, has, words = words[0], true, words[1:]
	}
	l.Given = append(l.Given, Given{Flag: f, Value: value, HasValue: has})
	return words, nil
}

// named is the flag that a word names, or nil.
func (l *Line) named(word string) *Flag {
	if name, long := strings.CutPrefix(word, "--"); long {
		return find(l.flags, name)
	}
	return findShort(l.flags, word[1:])
}

// Set sets the fields.
func (l *Line) Set() error {
	err := l.set(l.Given)
	if err == nil && !l.Command.Program {
		err = l.setArgs()
	}
	if err != nil {
		return l.mistake(err)
	}
	return nil
}

func (l *Line) set(given []Given) error {
	place := 0
	for _, g := range given {
		if err := l.exclude(g.Flag); err != nil {
			return err
		}
		if v, ok := g.ordered(); ok {
			v.SetPlace(place)
			place++
		}
		if err := g.Flag.set(g.Value, g.HasValue); err != nil {
			return flagError{fmt.Errorf("%s: %w", g.called(), err), "--" + g.Name()}
		}
	}
	return nil
}

// called is the flag, or the key with its place in a file.
func (g *Given) called() string {
	if g.from != "" {
		return g.from + ": " + g.Name()
	}
	return "--" + g.Name()
}

// exclude returns an error if a flag excludes one that is given before.
func (l *Line) exclude(f *Flag) error {
	words := f.tag.Get("xor")
	if f.given || words == "" {
		return nil
	}
	f.given = true
	var both []string // in the order of the help
	for i := range l.flags {
		other := &l.flags[i]
		if other.given && (other == f || shareWord(words, other.tag.Get("xor"))) {
			both = append(both, "--"+other.Name())
		}
	}
	if len(both) < 2 {
		return nil
	}
	return fmt.Errorf("%s can't be used together", strings.Join(both, " and "))
}

// shareWord reports whether two lists with commas have a word in common.
func shareWord(a, b string) bool {
	for word := range strings.SplitSeq(a, ",") {
		if word != "" && contains(b, word) {
			return true
		}
	}
	return false
}

// contains reports whether a list with commas has a word.
func contains(list, word string) bool {
	return strings.Contains(","+list+",", ","+word+",")
}

// setArgs sets the arguments of a sub-command that starts no program.
func (l *Line) setArgs() error {
	rest := l.Rest
	for i := range l.args {
		arg := &l.args[i]
		switch {
		case len(rest) == 0 && arg.has("optional"):
			continue
		case len(rest) == 0:
			return fmt.Errorf("<%s> is missing: %s", arg.Name(), strings.TrimSuffix(arg.Help(), "."))
		}
		if arg.value.Kind() == reflect.Slice { // it takes all that are left
			arg.value.Set(reflect.ValueOf(rest))
			return nil
		}
		if enum := arg.tag.Get("enum"); enum != "" && !contains(enum, rest[0]) {
			return fmt.Errorf("<%s> must be one of %s, not %q", arg.Name(), strings.ReplaceAll(enum, ",", ", "), rest[0])
		}
		arg.value.SetString(rest[0])
		rest = rest[1:]
	}
	if len(rest) > 0 {
		return fmt.Errorf("unexpected argument %s", rest[0])
	}
	return nil
}

// Names are the names of the flags that are given, each once.
func (l *Line) Names() (names []string) {
	for _, g := range l.Given {
		if name := g.Name(); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// App is what the line is of.
func (l *Line) App() *App { return l.app }
