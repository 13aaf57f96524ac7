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

// roff has the characters that roff would take for something else stand for
// themselves.
func roff(text string) string {
	return strings.NewReplacer(`\`, `\e`, "-", `\-`, "\n.", "\n\\&.", "\n'", "\n\\&'").Replace(text)
}

func (a *App) topPage(b *strings.Builder) {
	name := roff(a.Name)
	fmt.Fprintf(b, ".TH %s 1 \"\" %s\n.SH NAME\n%s \\- %s\n", strings.ToUpper(name), name, name, roff(a.Brief))
	fmt.Fprintf(b, ".SH SYNOPSIS\n.B %s\n.I command\n.RI [ flags ]\n.SH DESCRIPTION\n%s\n.SH COMMANDS\n", name, roff(a.Help))
	var pages []string
	for i := range a.Commands {
		c := &a.Commands[i]
		fmt.Fprintf(b, ".TP\n.B %s\n%s\n", roff(c.Name), roff(c.Help))
		pages = append(pages, ".BR "+name+"\\-"+roff(c.Name)+" (1)")
	}
	fmt.Fprintf(b, ".SH SEE ALSO\n%s\n", strings.Join(pages, ",\n"))
}

func (a *App) page(b *strings.Builder, c *Command) {
	name := roff(a.Name + "-" + c.Name)
	brief := strings.ToLower(c.Help[:1]) + firstSentence(c.Help)[1:]
	fmt.Fprintf(b, ".TH %s 1 \"\" %s\n.SH NAME\n%s \\- %s\n", strings.ToUpper(name), roff(a.Name), name, roff(brief))
	fmt.Fprintf(b, ".SH SYNOPSIS\n.B %s\n.RI [ flags ]\n", roff(a.Name+" "+c.Name))
	if c.Program {
		b.WriteString(".RB [ \\-\\- ]\n.I program\n.RI [ arguments ]\n")
	}
	_, args := declared(c.New())
	for i := range args {
		fmt.Fprintf(b, ".I %s\n", roff(args[i].argForm()))
	}
	fmt.Fprintf(b, ".SH DESCRIPTION\n%s\n", roff(c.Help))
	for _, s := range a.sections(c) {
		fmt.Fprintf(b, ".SH %s\n", strings.ToUpper(roff(s.title)))
		for _, f := range s.flags {
			fmt.Fprintf(b, ".TP\n.B %s\n%s\n", f.roff(), roff(f.Help()))
		}
	}
	for i := range a.Topics {
		if c.isBrief() && a.Topics[i].Text != "" {
			below(b, a.Topics[i].Text)
		}
	}
	if c.Below != "" {
		below(b, c.Below)
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
func below(b *strings.Builder, text string) {
	for paragraph := range strings.SplitSeq(strings.Trim(text, "\n"), "\n\n") {
		title, rest, ok := strings.Cut(paragraph, "\n")
		if !ok || !strings.HasSuffix(title, ":") {
			fmt.Fprintf(b, ".PP\n%s\n", roff(paragraph))
			continue
		}
		fmt.Fprintf(b, ".SH %s\n.nf\n%s\n.fi\n", strings.ToUpper(roff(strings.TrimSuffix(title, ":"))), roff("\n" + rest)[1:])
	}
}
