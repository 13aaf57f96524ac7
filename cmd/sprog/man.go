//go:build linux

package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/alecthomas/kong"
)

// A manCmd is sprog man.
type manCmd struct {
	Command string `arg:"" optional:"" help:"A sub-command (default: sprog itself)."`
}

// Run prints a manual page, made from the declarations of the flags and the
// texts of the help.
func (m *manCmd) Run(ctx *kong.Context) error {
	if m.Command == "" {
		return printPage(topPage(ctx.Model))
	}
	for _, node := range subcommands(ctx.Model) {
		if node.Name == m.Command {
			return printPage(commandPage(node))
		}
	}
	return fmt.Errorf("man: there is no sub-command %q", m.Command)
}

func printPage(b *strings.Builder) error {
	_, err := os.Stdout.WriteString(b.String())
	return err
}

// roff has the characters that roff would take for something else stand for
// themselves.
var roff = strings.NewReplacer(`\`, `\e`, "-", `\-`, "\n.", "\n\\&.", "\n'", "\n\\&'")

func topPage(model *kong.Application) *strings.Builder {
	b := new(strings.Builder)
	fmt.Fprintf(b, ".TH SPROG 1 \"\" sprog\n.SH NAME\nsprog \\- start programs exactly as asked\n.SH SYNOPSIS\n.B sprog\n.I command\n.RI [ flags ]\n")
	fmt.Fprintf(b, ".SH DESCRIPTION\n%s\n.SH COMMANDS\n", roff.Replace(model.Help))
	for _, node := range subcommands(model) {
		fmt.Fprintf(b, ".TP\n.B %s\n%s\n", roff.Replace(node.Name), roff.Replace(node.Help))
	}
	b.WriteString(".SH SEE ALSO\n")
	for i, node := range subcommands(model) {
		if i > 0 {
			b.WriteString(",\n")
		}
		fmt.Fprintf(b, ".BR sprog\\-%s (1)", roff.Replace(node.Name))
	}
	b.WriteString("\n")
	return b
}

func commandPage(node *kong.Node) *strings.Builder {
	b := new(strings.Builder)
	name := roff.Replace("sprog-" + node.Name)
	fmt.Fprintf(b, ".TH %s 1 \"\" sprog\n.SH NAME\n%s \\- %s\n", strings.ToUpper(name), name, roff.Replace(strings.ToLower(node.Help[:1])+firstSentence(node.Help)[1:]))
	fmt.Fprintf(b, ".SH SYNOPSIS\n.B sprog %s\n.RI [ flags ]\n", roff.Replace(node.Name))
	if startsProgram(node) {
		b.WriteString(".RB [ \\-\\- ]\n.I program\n.RI [ arguments ]\n")
	}
	fmt.Fprintf(b, ".SH DESCRIPTION\n%s\n", roff.Replace(node.Help))
	group := ""
	for _, flag := range node.Flags {
		if flag.Hidden {
			continue
		}
		title := "Flags"
		if flag.Group != nil {
			title = strings.TrimSuffix(flag.Group.Title, ":")
		}
		if title != group {
			fmt.Fprintf(b, ".SH %s\n", strings.ToUpper(roff.Replace(title)))
			group = title
		}
		fmt.Fprintf(b, ".TP\n.B \\-\\-%s", roff.Replace(flag.Name))
		switch {
		case !flag.IsBool():
			fmt.Fprintf(b, " \\fI%s\\fR", roff.Replace(flag.PlaceHolder))
		case flag.PlaceHolder != "": // it may be left out
			fmt.Fprintf(b, "[=\\fI%s\\fR]", roff.Replace(flag.PlaceHolder))
		}
		fmt.Fprintf(b, "\n%s\n", roff.Replace(flag.Help))
	}
	sections(b, helpBelow[node.Name])
	b.WriteString(".SH SEE ALSO\n.BR sprog (1)\n")
	return b
}

// sections turns the texts below the flags of the help into sections: a line
// that ends with a colon begins one, and what is indented is shown as it is.
func sections(b *strings.Builder, text string) {
	for paragraph := range strings.SplitSeq(strings.Trim(text, "\n"), "\n\n") {
		title, rest, ok := strings.Cut(paragraph, "\n")
		if !ok || !strings.HasSuffix(title, ":") {
			fmt.Fprintf(b, ".PP\n%s\n", roff.Replace(paragraph))
			continue
		}
		fmt.Fprintf(b, ".SH %s\n.nf\n%s\n.fi\n", strings.ToUpper(roff.Replace(strings.TrimSuffix(title, ":"))), roff.Replace("\n" + rest)[1:])
	}
}
