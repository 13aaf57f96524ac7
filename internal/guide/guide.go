// Package guide reads the fenced blocks of the project's documents, and runs their
// commands as a reader would.
//
// A block in the language console has commands and what they print: a command begins with "$ ",
// and goes on in lines that begin with "> ". A line that is only "..." stands for any lines, and
// the character … within a line for any text. A block in the language sh is a script that succeeds.
// Comments in front of a block tell how it is run:
//
//	<!-- setup: SHELL -->     is done before, silently
//	<!-- needs: WORDS -->     root, user (who is not root), features of sprog doctor, programs
//	<!-- inside: NAME -->     script/guides/NAME runs it, in what it makes for that
//	<!-- figures vary -->     any number stands for any other
//	<!-- not run: REASON -->  nobody can run it here
package guide

import (
	"fmt"
	"os"
	"regexp"
	"strings"
)

// A Block is one fenced block of a document.
type Block struct {
	File     string
	Line     int // of the opening fence
	Language string
	Text     string

	Setup  string
	Needs  []string
	Inside string
	Vary   bool
	NotRun string // why not
}

// A Command is one of a console's, and what it prints.
type Command struct{ Text, Output string }

var comment = regexp.MustCompile(`(?s)^<!-- (setup:|needs:|inside:|not run:|figures vary)\s*(.*?)\s*-->$`)

// Read returns the blocks of a file.
func Read(file string) ([]Block, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	r := reader{file: file, lines: strings.Split(string(text), "\n")}
	for r.at < len(r.lines) {
		r.step()
	}
	return r.blocks, r.err
}

type reader struct {
	file   string
	lines  []string
	at     int
	next   Block // what the comments have said of it
	blocks []Block
	err    error
}

// step reads a block, a comment or a line of text.
func (r *reader) step() {
	switch line := strings.TrimSpace(r.lines[r.at]); {
	case strings.HasPrefix(line, "```"):
		r.block(strings.TrimPrefix(line, "```"))
	case strings.HasPrefix(line, "<!--"):
		r.comment()
	case line != "":
		r.next = Block{}
	}
	r.at++
}

func (r *reader) block(language string) {
	b := r.next
	b.File, b.Line, b.Language = r.file, r.at+1, language
	indent := len(r.lines[r.at]) - len(strings.TrimLeft(r.lines[r.at], " "))
	text := new(strings.Builder)
	for r.at++; r.at < len(r.lines) && strings.TrimSpace(r.lines[r.at]) != "```"; r.at++ {
		line := r.lines[r.at]
		text.WriteString(line[min(indent, len(line)):] + "\n")
	}
	b.Text = text.String()
	r.blocks, r.next = append(r.blocks, b), Block{}
}

func (r *reader) comment() {
	from := r.at
	for !strings.Contains(r.lines[r.at], "-->") && r.at+1 < len(r.lines) {
		r.at++
	}
	match := comment.FindStringSubmatch(strings.TrimSpace(strings.Join(r.lines[from:r.at+1], "\n")))
	if match == nil {
		return // for people
	}
	switch word, rest := match[1], match[2]; word {
	case "setup:":
		r.next.Setup += rest + "\n"
	case "inside:":
		r.next.Inside = rest
	case "needs:":
		r.next.Needs = append(r.next.Needs, strings.Fields(rest)...)
	case "not run:":
		if r.next.NotRun = rest; rest == "" {
			r.err = fmt.Errorf("%s:%d: no reason", r.file, from+1)
		}
	default:
		r.next.Vary = true
	}
}

// Commands are those of a console.
func (b *Block) Commands() (list []Command) {
	typing := false
	for line := range strings.Lines(b.Text) {
		switch more, goesOn := strings.CutPrefix(line, "> "); {
		case strings.HasPrefix(line, "$ "):
			list, typing = append(list, Command{Text: line[2:]}), true
		case typing && goesOn:
			list[len(list)-1].Text += more
		case len(list) > 0:
			list[len(list)-1].Output += line
			typing = false
		}
	}
	return list
}

var figure = regexp.MustCompile(`[0-9]+(\.[0-9]+)?`)

// Same reports whether a command has printed what the document says.
func (b *Block) Same(documented, printed string) bool {
	pattern := new(strings.Builder)
	for _, line := range lines(documented) {
		if strings.TrimSpace(line) == "..." {
			pattern.WriteString(`(?:.*\n)*?`)
			continue
		}
		if b.Vary {
			line = strings.Join(strings.Fields(figure.ReplaceAllString(line, "\x01")), "\x02")
		}
		quoted := strings.NewReplacer("…", ".*", "\x01", "[0-9.]+", "\x02", " +").Replace(regexp.QuoteMeta(line))
		pattern.WriteString(" *" + quoted + " *\n")
	}
	return regexp.MustCompile("^" + pattern.String() + "$").MatchString(strings.Join(append(lines(printed), ""), "\n"))
}

// lines are the lines of a text without spaces at their ends, and without empty ones at its end.
func lines(text string) (list []string) {
	for line := range strings.Lines(strings.TrimRight(text, " \n")) {
		list = append(list, strings.TrimRight(line, " \r\n"))
	}
	return list
}
