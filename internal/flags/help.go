package flags

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// A section is a heading of the help and what it is about.
type section struct {
	title string
	flags []*Flag
}

// sections are the flags of a sub-command under their headings.
func (a *App) sections(c *Command) (list []section) {
	flags := c.Flags()
	for _, group := range append([]Group{{"", "Flags"}}, a.Groups...) {
		s := section{title: group.Title}
		for _, f := range flags {
			if f.Group() == group.Key {
				s.flags = append(s.flags, f)
			}
		}
		if s.flags != nil {
			list = append(list, s)
		}
	}
	return list
}

// usage is how a sub-command is called.
func (a *App) usage(c *Command) string {
	usage := a.Name + " " + c.Name + " [flags]"
	if c.Program {
		return usage + " [--] <program> [<args> ...]"
	}
	_, args := declared(c.New())
	for i := range args {
		usage += " " + args[i].argForm()
	}
	return usage
}

func (f *Flag) argForm() string {
	if f.has("optional") {
		return "[<" + f.Name() + ">]"
	}
	return "<" + f.Name() + ">"
}

const (
	widest    = 100 // than which nobody likes to read a line
	narrowest = 30
)

// HelpText is what there is to say of a sub-command, or for nil of the command itself: the flags that
// people need, where a sub-command has many, or those of a topic, or, on "all", all of them.
func (a *App) HelpText(c *Command, on string, width int) (string, error) {
	var b strings.Builder
	width = max(min(width, widest), narrowest)
	switch topic := a.topic(on); {
	case on != "" && on != "all" && (topic == nil || c == nil || !c.Program):
		return "", fmt.Errorf("--help: there is no topic %q%s", on, Hint(on, append(a.topicNames(), "all")))
	case c == nil:
		a.printOwn(&b, width)
	case topic != nil:
		a.printTopic(&b, c, topic, width)
	case on == "" && c.isBrief():
		a.printBrief(&b, c, width)
	default:
		a.printCommand(&b, c, width)
	}
	return b.String(), nil
}

// HelpOn is the help on a word: a sub-command, a topic, or a flag.
func (a *App) HelpOn(word string, width int) (string, error) {
	if c := a.command(word); c != nil {
		return a.HelpText(c, "", width)
	}
	first := &a.Commands[0]
	if word == "all" || a.topic(word) != nil {
		return a.HelpText(first, word, width)
	}
	for i := range a.Commands {
		flags, _ := declared(a.Commands[i].New())
		f := find(flags, strings.TrimLeft(word, "-"))
		if f == nil && len(word) == 2 && word[0] == '-' {
			f = findShort(flags, word[1:])
		}
		if f != nil {
			return a.helpOnFlag(&a.Commands[i], f, max(min(width, widest), narrowest)), nil
		}
	}
	names := slices.Concat(a.names(), a.topicNames())
	for _, f := range first.Flags() {
		names = append(names, "--"+f.Name())
	}
	return "", fmt.Errorf("help: %q is no sub-command, topic or flag%s", word, Hint(strings.TrimLeft(word, "-"), names))
}

// helpOnFlag is all that the help says of a flag, and which topic has more.
func (a *App) helpOnFlag(c *Command, f *Flag, width int) string {
	var b strings.Builder
	printFlags(&b, []*Flag{f}, width)
	for i := range a.Topics {
		if t := &a.Topics[i]; slices.Contains(strings.Fields(t.Groups), f.Group()) {
			fmt.Fprintf(&b, "\n%s\n", strings.Join(wrap(fmt.Sprintf("A flag of %s %s. %q says more about %s.", a.Name, c.Name, a.Name+" help "+t.Name, t.about()), width), "\n"))
			break
		}
	}
	return b.String()
}

func (t *Topic) about() string { return strings.ToLower(t.Title[:1]) + t.Title[1:] }

func (a *App) topic(name string) *Topic {
	for i := range a.Topics {
		if t := &a.Topics[i]; t.Name == name || slices.Contains(strings.Fields(t.Aliases), name) {
			return t
		}
	}
	return nil
}

func (a *App) topicNames() (names []string) {
	for i := range a.Topics {
		names = append(names, a.Topics[i].Name)
	}
	return names
}

// isBrief reports whether a sub-command has flags for one screen.
func (c *Command) isBrief() bool {
	flags, _ := declared(c.New())
	return slices.ContainsFunc(flags, func(f Flag) bool { return f.has("brief") })
}

func (a *App) printOwn(b *strings.Builder, width int) {
	fmt.Fprintf(b, "Usage: %s <command>\n\n%s\n\nCommands:\n", a.Name, strings.Join(wrap(a.Help, width), "\n"))
	var rows [][2]string
	for i := range a.Commands {
		rows = append(rows, [2]string{a.Commands[i].Name, firstSentence(a.Commands[i].Help)})
	}
	printColumns(b, rows, width)
	a.printTopics(b, width)
	name := a.Name
	if len(a.Topics) == 0 {
		fmt.Fprintf(b, "\n%s\n", strings.Join(wrap(fmt.Sprintf("%q says more about a command.", name+" <command> --help"), width), "\n"))
	}
}

// printTopics says what else there is help on.
func (a *App) printTopics(b *strings.Builder, width int) {
	if len(a.Topics) == 0 {
		return
	}
	text := fmt.Sprintf("%s help TOPIC, COMMAND or --FLAG says more. Topics: %s.", a.Name, strings.Join(a.topicNames(), ", "))
	fmt.Fprintf(b, "\n%s\n", strings.Join(wrap(text, width), "\n"))
}

// printBrief prints what fits on one screen: the sub-command's own flags, and those that people need.
func (a *App) printBrief(b *strings.Builder, c *Command, width int) {
	fmt.Fprintf(b, "Usage: %s\n\n%s\n\n", a.usage(c), strings.Join(wrap(c.Help, width), "\n"))
	var rows [][2]string
	all := c.Flags()
	for _, f := range all {
		switch text := f.tag.Get("brief"); {
		case f == &helpFlag || f == &colorFlag:
		case text != "":
			rows = append(rows, [2]string{f.shortForm(true), text})
		case f.Group() == "" || f.Group() == c.Name:
			rows = append(rows, [2]string{f.shortForm(true), firstSentence(f.Help())})
		}
	}
	printColumns(b, rows, width)
	a.printTopics(b, width)
	text := fmt.Sprintf("%s %s --help=all lists all %d flags.", a.Name, c.Name, len(all))
	fmt.Fprintf(b, "%s\n%s", strings.Join(wrap(text, width), "\n"), a.fitted(c.Below, width))
}

// printTopic prints the flags of a topic, and what there is to say of them.
func (a *App) printTopic(b *strings.Builder, c *Command, t *Topic, width int) {
	fmt.Fprintf(b, "%s\n", t.Title)
	for _, s := range a.sections(c) {
		i := slices.IndexFunc(a.Groups, func(g Group) bool { return g.Title == s.title })
		if i >= 0 && slices.Contains(strings.Fields(t.Groups), a.Groups[i].Key) {
			fmt.Fprintf(b, "\n%s:\n", s.title)
			printFlags(b, s.flags, width)
		}
	}
	b.WriteString(a.fitted(t.Text, width))
}

func (a *App) printCommand(b *strings.Builder, c *Command, width int) {
	fmt.Fprintf(b, "Usage: %s\n\n%s\n", a.usage(c), strings.Join(wrap(c.Help, width), "\n"))
	if _, args := declared(c.New()); len(args) > 0 {
		b.WriteString("\nArguments:\n")
		var rows [][2]string
		for i := range args {
			rows = append(rows, [2]string{args[i].argForm(), args[i].Help()})
		}
		printColumns(b, rows, width)
	}
	for _, s := range a.sections(c) {
		fmt.Fprintf(b, "\n%s:\n", s.title)
		printFlags(b, s.flags, width)
	}
	for i := range a.Topics {
		if c.Program && c.isBrief() {
			b.WriteString(a.fitted(a.Topics[i].Text, width))
		}
	}
	b.WriteString(a.fitted(c.Below, width))
}

// printFlags prints flags beside what they do.
func printFlags(b *strings.Builder, list []*Flag, width int) {
	aligned := slices.ContainsFunc(list, func(f *Flag) bool { return len(f.shorts()) > 0 })
	var rows [][2]string
	for _, f := range list {
		rows = append(rows, [2]string{f.shortForm(aligned), f.Help()})
	}
	printColumns(b, rows, width)
}

// shortForm is how the flag is given, by a letter too. Where others have one, it leaves room.
func (f *Flag) shortForm(aligned bool) string {
	letters := f.shorts()
	switch {
	case len(letters) > 0:
		return "-" + letters[0] + ", " + f.Form()
	case aligned:
		return "    " + f.Form()
	}
	return f.Form()
}

// fitted is a text in lines of a width: what is too long is broken, and goes on as far in. A command line
// stays one to the shell.
func (a *App) fitted(text string, width int) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		indent := len(line) - len(strings.TrimLeft(line, " "))
		if utf8.RuneCountInString(line) <= width {
			b.WriteString(line + "\n")
			continue
		}
		end, room := "", max(width-indent-2, 20)
		if strings.HasPrefix(line[indent:], a.Name+" ") {
			end, room = " \\", room-2
		}
		parts := wrap(line, room)
		for i, part := range parts {
			if i < len(parts)-1 {
				part += end
			}
			b.WriteString(strings.Repeat(" ", indent+2*min(i, 1)) + part + "\n")
		}
	}
	return b.String()
}

// printColumns prints what things are called beside what they are. A name that
// would leave little room has a line of its own.
func printColumns(b *strings.Builder, rows [][2]string, width int) {
	const indent, gap = 2, 2
	left := 0
	for _, row := range rows {
		if n := len(row[0]); n <= width*3/8 {
			left = max(left, n)
		}
	}
	left = min(max(left, 6), width*3/8)
	pad := strings.Repeat(" ", indent+left+gap)
	for _, row := range rows {
		lines := wrap(row[1], max(width-len(pad), 20))
		if len(row[0]) > left {
			lines = slices.Insert(lines, 0, "")
		}
		for i, line := range lines {
			switch {
			case i == 0:
				line = fmt.Sprintf("%*s%-*s%s", indent, "", left+gap, row[0], line)
			default:
				line = pad + line
			}
			b.WriteString(strings.TrimRight(line, " ") + "\n")
		}
	}
}

// wrap breaks a text into lines.
func wrap(text string, width int) (lines []string) {
	line, length := "", 0
	for word := range strings.FieldsSeq(text) {
		n := utf8.RuneCountInString(word)
		switch {
		case line == "":
			line, length = word, n
		case length+1+n <= width:
			line, length = line+" "+word, length+1+n
		default:
			lines = append(lines, line)
			line, length = word, n
		}
	}
	return append(lines, line)
}
