package flags

import (
	"fmt"
	"strings"
)

// Man returns a manual page: of a sub-command, or for "" of the command itself.
func (a *App) Man(command string) (string, error) {
	b := new(strings.Builder)
	c := a.command(command)
	switch {
	case command == "":
		a.topPage(b)
	case c == nil:
		return "", fmt.Errorf("there is no sub-command %q%s", command, Hint(command, a.names()))
	default:
		a.page(b, c)
	}
	return b.String(), nil
}

// prose is a text in lines that are not too long for a page's source.
func prose(text string) string {
	return strings.TrimPrefix(roff("\n"+strings.Join(wrap(text, 72), "\n")), "\n")
}

// roff has the characters that roff would take for something else stand for
// themselves.
func roff(text string) string {
	return strings.NewReplacer(`\`, `\e`, "-", `\-`, "\n.", "\n\\&.", "\n'", "\n\\&'").Replace(text)
}

func (a *App) topPage(b *strings.Builder) {
	name := roff(a.Name)
	fmt.Fprintf(b, ".TH %s 1 %s %s\n.SH NAME\n%s \\- %s\n", strings.ToUpper(name), a.Date, name, name, roff(a.Brief))
	fmt.Fprintf(b, ".SH SYNOPSIS\n.B %s\n.I command\n.RI [ flags ]\n.SH DESCRIPTION\n%s\n.SH COMMANDS\n", name, prose(a.Help))
	var pages []string
	for i := range a.Commands {
		c := &a.Commands[i]
		fmt.Fprintf(b, ".TP\n.B %s\n%s\n", roff(c.Name), prose(c.Help))
		pages = append(pages, ".BR "+name+"\\-"+roff(c.Name)+" (1)")
	}
	fmt.Fprintf(b, ".SH EXAMPLES\n.nf\n%s run \\-\\-user nobody \\-\\-timeout 10s id\n%s help limits\n%s doctor\n.fi\n", name, name, name)
	fmt.Fprintf(b, ".SH SEE ALSO\n%s\n", strings.Join(pages, ",\n"))
}

func (a *App) page(b *strings.Builder, c *Command) {
	name := roff(a.Name + "-" + c.Name)
	brief := strings.ToLower(c.Help[:1]) + firstSentence(c.Help)[1:]
	brief, _, _ = strings.Cut(brief, ": ")
	if len(brief) > 55 {
		brief, _, _ = strings.Cut(brief, ", ")
	}
	fmt.Fprintf(b, ".TH %s 1 %s %s\n.SH NAME\n%s \\- %s\n", strings.ToUpper(name), a.Date, roff(a.Name), name, roff(brief))
	fmt.Fprintf(b, ".SH SYNOPSIS\n.B %s\n.RI [ flags ]\n", roff(a.Name+" "+c.Name))
	if c.Program {
		b.WriteString(".RB [ \\-\\- ]\n.I program\n.RI [ arguments ]\n")
	}
	_, args := declared(c.New())
	for i := range args {
		fmt.Fprintf(b, ".I %s\n", roff(args[i].argForm()))
	}
	fmt.Fprintf(b, ".SH DESCRIPTION\n%s\n", prose(c.Help))
	for _, s := range a.sections(c) {
		fmt.Fprintf(b, ".SH %s\n", strings.ToUpper(roff(s.title)))
		for _, f := range s.flags {
			fmt.Fprintf(b, ".TP\n.B %s\n%s\n", f.roff(), prose(f.Help()))
		}
	}
	for i := range a.Topics {
		if c.Program && c.isBrief() && a.Topics[i].Text != "" {
			a.below(b, a.Topics[i].Text)
		}
	}
	if c.Below != "" {
		a.below(b, c.Below)
	}
	fmt.Fprintf(b, ".SH SEE ALSO\n.BR %s (1)\n", roff(a.Name))
}

// roff is how the flag is given.
func (f *Flag) roff() string {
	name := roff("--" + f.Name())
	for _, letter := range f.shorts() {
		name = `\-` + letter + ", " + name
	}
	switch value := `\fI` + roff(f.Placeholder()) + `\fR`; f.Takes() {
	case Something:
		return name + " " + value
	case Perhaps:
		return name + "[=" + value + "]"
	}
	return name
}

// below turns the texts below the flags of the help into sections: a line
// that ends with a colon begins one, and what is indented is shown as it is.
func (a *App) below(b *strings.Builder, text string) {
	for paragraph := range strings.SplitSeq(strings.Trim(a.fitted(text, 72), "\n"), "\n\n") {
		title, rest, ok := strings.Cut(paragraph, "\n")
		if !ok || !strings.HasSuffix(title, ":") {
			fmt.Fprintf(b, ".PP\n%s\n", prose(paragraph))
			continue
		}
		fmt.Fprintf(b, ".SH %s\n.nf\n%s\n.fi\n", strings.ToUpper(roff(strings.TrimSuffix(title, ":"))), roff("\n" + rest)[1:])
	}
}
