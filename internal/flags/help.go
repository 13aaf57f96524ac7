package flags

import (
	"fmt"
	"io"
	"slices"
	"strings"
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

// PrintHelp prints what a sub-command, or for nil the command itself, can be
// given.
func (a *App) PrintHelp(w io.Writer, c *Command, width int) error {
	const widest = 100 // than which nobody likes to read a line
	var b strings.Builder
	width = min(width, widest)
	if c == nil {
		a.printOwn(&b, width)
	} else {
		a.printCommand(&b, c, width)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (a *App) printOwn(b *strings.Builder, width int) {
	fmt.Fprintf(b, "Usage: %s <command>\n\n%s\n\nFlags:\n", a.Name, strings.Join(wrap(a.Help, width), "\n"))
	printColumns(b, [][2]string{{"-h, --help", helpFlag.Help()}}, width)
	b.WriteString("\nCommands:\n")
	var rows [][2]string
	for i := range a.Commands {
		rows = append(rows, [2]string{a.Commands[i].Name, a.Commands[i].Help})
	}
	printColumns(b, rows, width)
	fmt.Fprintf(b, "\n\"%s <command> --help\" says more about a command.\n", a.Name)
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
		var rows [][2]string
		for _, f := range s.flags {
			form := f.Form()
			if f == &helpFlag {
				form = "-h, " + form
			}
			rows = append(rows, [2]string{form, f.Help()})
		}
		printColumns(b, rows, width)
	}
	b.WriteString(c.Below)
}

// printColumns prints what things are called beside what they are. A name that
// would leave little room has a line of its own.
func printColumns(b *strings.Builder, rows [][2]string, width int) {
	const indent, gap = 2, 4
	left := 0
	for _, row := range rows {
		if n := len(row[0]); n <= width*3/8 {
			left = max(left, n)
		}
	}
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
	line := ""
	for word := range strings.FieldsSeq(text) {
		switch {
		case line == "":
			line = word
		case len(line)+1+len(word) <= width:
			line += " " + word
		default:
			lines = append(lines, line)
			line = word
		}
	}
	return append(lines, line)
}
