// Package flags reads the command lines of a command with sub-commands. What a
// sub-command can be given are the fields of a struct. Their tags are the only
// declaration: the parser, the mistakes, the help, the completions, the manual
// pages and configuration files all come from them. The tags are
//
//	name         the flag's name (default: the field's, in lower case with dashes)
//	aliases      other names, with commas between
//	short        letters that are names behind one dash, with commas between
//	group        the key of its heading in the help
//	xor          flags that share a word of it exclude each other
//	placeholder  what the help calls the value
//	help         what the help says
//	brief        what it says on one screen, where only flags with this tag are
//	values       the kind of its values, for completion (App.Values)
//	hidden       the help is silent about the flag
//
// A field whose tag begins with embed is a struct of more flags, which are in its
// group, and whose names begin with its prefix. One whose tag begins with arg is
// an argument; it may be optional, or one of an enum. The last one may be a list of
// strings, which takes all that are left.
//
// A command that starts programs is started often. So nothing here happens before
// main, and of flags that nobody gives only the name is looked at.
package flags

import (
	"reflect"
	"slices"
	"strings"
)

// An App is a command with sub-commands.
type App struct {
	Name     string
	Brief    string // a few words, for the manual
	Date     string // of the manual: its last change
	Help     string // a sentence
	Commands []Command
	Groups   []Group // in the order of the help
	Topics   []Topic // what there is help on

	// Values are those of a kind. Placeholders with "..." take lists of them.
	Values func(kind string) Values

	// InOrder is the key of a configuration file for a list of tables, each with one
	// flag: the order of Ordered flags of several names.
	InOrder string
	// Elsewhere is what to say to flags that other commands have.
	Elsewhere []Foreign
}

// Values are what a flag's value can be completed with: words, and the names of files without their
// endings, by patterns. A word that ends in = goes on.
type Values struct{ Words, Files []string }

// A Foreign is a flag of other commands, and what does here what it does there: flags as
// they would be typed, and a remark. VALUE in them stands for the value that was given.
type Foreign struct{ Names, Flags, Remark string }

// A Group is a heading of the help.
type Group struct{ Key, Title string }

// A Topic is what there is help on beside the sub-commands: groups of flags, and a text.
type Topic struct {
	Name    string
	Aliases string // other names, with spaces between
	Title   string
	Groups  string // their keys, with spaces between
	Text    string // in the form of Below
}

// A Command is a sub-command.
type Command struct {
	Name    string
	Help    string        // a sentence or two
	Below   string        // what follows the flags in the help
	Program bool          // a program and its arguments follow the flags
	Words   bool          // flags may be arguments
	New     func() Runner // a pointer to a struct that declares the flags
}

// A Runner is what a sub-command does.
type Runner interface{ Run(*Line) error }

// A Value is what can be read from the value of a flag. It is set once for each
// time that the flag is given, in the order of the command line.
type Value interface{ Set(string) error }

// An Optional is a value that may be left out. It stands behind an equals sign
// only: the word after the flag begins the program.
type Optional interface {
	Value
	SetBare() error
}

// A Recognizer is an Optional value that is known from the name of a program by its form:
// it can be the next word, too.
type Recognizer interface {
	Optional
	Recognizes(word string) bool
}

// An Ordered value stands in one order with those of other flags. It is told its place
// among them before each time that it is set.
type Ordered interface {
	Value
	SetPlace(n int)
}

// A Flag is a field that is a flag, or an argument.
type Flag struct {
	field  string // the field's name
	prefix string // of the flag's name
	group  string // unless the tag has one
	tag    reflect.StructTag
	value  reflect.Value // invalid for the flags of every sub-command
	takes  Takes         // of those
	given  bool
}

// Every sub-command has these.
var (
	helpFlag  = Flag{field: "Help", tag: `short:"h" help:"Show this help."`}
	colorFlag = Flag{field: "Color", takes: Something, tag: `placeholder:"auto|always|never" help:"Whether what sprog prints has colours (default: in a terminal, unless NO_COLOR is set)."`}
)

// declare lists the flags and the arguments that a struct declares.
func declare(of reflect.Value, prefix, group string, flags, args []Flag) (allFlags, allArgs []Flag) {
	t := of.Type()
	for i := range t.NumField() {
		field := t.Field(i)
		f := Flag{field: field.Name, prefix: prefix, group: group, tag: field.Tag, value: of.Field(i)}
		switch {
		case !field.IsExported() && !field.Anonymous:
		case field.Anonymous, strings.HasPrefix(string(f.tag), `embed:"`):
			flags, args = declare(f.value, prefix+f.tag.Get("prefix"), f.Group(), flags, args)
		case strings.HasPrefix(string(f.tag), `arg:"`):
			args = append(args, f)
		default:
			flags = append(flags, f)
		}
	}
	return flags, args
}

// declared lists what a sub-command can be given.
func declared(r Runner) (flags, args []Flag) {
	const many = 200 // flags: more is only slower
	return declare(reflect.ValueOf(r).Elem(), "", "", make([]Flag, 0, many), nil)
}

// Flags lists the flags that people are told of, --help and --color among them.
func (c *Command) Flags() []*Flag {
	all, _ := declared(c.New())
	list := []*Flag{&helpFlag, &colorFlag}
	for i := range all {
		if !all[i].has("hidden") {
			list = append(list, &all[i])
		}
	}
	return list
}

// Name is the flag's name, without dashes in front.
func (f *Flag) Name() string { return string(f.appendName(nil)) }

func (f *Flag) appendName(b []byte) []byte {
	b = append(b, f.prefix...)
	if _, rest, ok := strings.Cut(string(f.tag), `name:"`); ok { // Lookup is slow
		name, _, _ := strings.Cut(rest, `"`)
		return append(b, name...)
	}
	return appendDashed(b, f.field)
}

// appendDashed appends the words of a field's name with dashes between. An
// upper-case letter begins a word if a lower-case one is beside it.
func appendDashed(b []byte, field string) []byte {
	for i := range len(field) {
		c := field[i]
		if !isUpper(c) {
			b = append(b, c)
			continue
		}
		if i > 0 && (!isUpper(field[i-1]) || i+1 < len(field) && !isUpper(field[i+1])) {
			b = append(b, '-')
		}
		b = append(b, c-'A'+'a')
	}
	return b
}

func isUpper(c byte) bool { return 'A' <= c && c <= 'Z' }

// find returns the flag of a name, or of an alias, or nil.
func find(flags []Flag, name string) *Flag {
	var room [64]byte
	for i := range flags {
		if string(flags[i].appendName(room[:0])) == name {
			return &flags[i]
		}
	}
	for i := range flags {
		for _, alias := range flags[i].aliases() {
			if alias == name {
				return &flags[i]
			}
		}
	}
	return nil
}

func (f *Flag) aliases() []string {
	if aliases := f.tag.Get("aliases"); aliases != "" {
		return strings.Split(aliases, ",")
	}
	return nil
}

// shorts are the letters that are its names behind one dash.
func (f *Flag) shorts() []string {
	if letters := f.tag.Get("short"); letters != "" {
		return strings.Split(letters, ",")
	}
	return nil
}

// findShort returns the flag of a letter, or nil.
func findShort(flags []Flag, letter string) *Flag {
	for i := range flags {
		if slices.Contains(flags[i].shorts(), letter) {
			return &flags[i]
		}
	}
	return nil
}

func (f *Flag) has(key string) bool {
	_, ok := f.tag.Lookup(key)
	return ok
}

// Group is the key of its heading.
func (f *Flag) Group() string {
	if group, ok := f.tag.Lookup("group"); ok {
		return group
	}
	return f.group
}

// Help is what the help says.
func (f *Flag) Help() string { return f.tag.Get("help") }

// Placeholder is what the help calls the value.
func (f *Flag) Placeholder() string { return f.tag.Get("placeholder") }

// Form is how the flag is given.
func (f *Flag) Form() string {
	switch name := "--" + f.Name(); f.Takes() {
	case Nothing:
		return name
	case Perhaps:
		return name + "[=" + f.Placeholder() + "]"
	default:
		return name + "=" + f.Placeholder()
	}
}
