package flags

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The types of the values below.
type (
	text string
	list []string
	file struct {
		asked bool
		name  string
	}
)

func (t *text) Set(s string) error {
	if s == "" {
		return errors.New("empty value")
	}
	*t = text(s)
	return nil
}

func (l *list) Set(s string) error { *l = append(*l, s); return nil }

func (f *file) SetBare() error     { *f = file{asked: true}; return nil }
func (f *file) Set(s string) error { *f = file{true, s}; return nil }

func (f *file) Recognizes(word string) bool { return strings.HasSuffix(word, ".svg") }

// A shared holds the flags of several sub-commands.
type shared struct {
	Config text    `placeholder:"FILE" help:"Take flags from a file."`
	Dir    text    `group:"files" xor:"dir" placeholder:"DIR" short:"C,w" brief:"Work there" help:"Work there. Really."`
	DirFD  *text   `group:"files" xor:"dir" name:"dir-fd" placeholder:"N" help:"Or there."`
	Env    list    `aliases:"variable" placeholder:"NAME[=VALUE]" help:"Set a variable."`
	Bind   []text  `placeholder:"DIR" help:"Mount it."`
	Quiet  bool    `short:"q" help:"Say nothing."`
	Trace  file    `placeholder:"FILE" help:"Tell."`
	Old    bool    `hidden:"" help:"Do nothing."`
	Net    netFlag `embed:"" prefix:"net-" group:"net"`
}

type netFlag struct {
	RawTCP bool `help:"Raw."`
	Port   text `placeholder:"N" help:"The port."`
}

type (
	runCmd  struct{ shared }
	showCmd struct {
		shared
		JSON bool `name:"json" help:"Print JSON."`
	}
	pageCmd struct {
		Loud  bool   `help:"Loud."`
		Topic string `arg:"" enum:"a,b" help:"a or b."`
		Part  string `arg:"" optional:"" help:"A part."`
	}
)

func (*runCmd) Run(*Line) error  { return nil }
func (*showCmd) Run(*Line) error { return nil }
func (*pageCmd) Run(*Line) error { return nil }

var app = App{
	Topics: []Topic{{Name: "places", Aliases: "dirs", Title: "Places", Groups: "files", Text: "\nTimes:\n  A text with more words than there is room for.\n"}},
	Elsewhere: []Foreign{
		{Names: "--cwd -p=Dir", Flags: "--dir VALUE"}, {Names: "-p", Remark: "none of these"},
		{Names: "--network=none", Flags: "--quiet", Remark: "the rest is loud"},
	},
	Name: "tool", Brief: "do things", Help: "Does things.",
	Groups: []Group{{"files", "Files"}, {"net", "The network"}},
	Commands: []Command{
		{Name: "run", Help: "Run a program.", Program: true, New: func() Runner { return new(runCmd) }, Below: "\nNotes:\n  None.\n"},
		{Name: "show", Help: "Show a program.", Program: true, New: func() Runner { return new(showCmd) }},
		{Name: "page", Help: "Print a page.", New: func() Runner { return new(pageCmd) }},
	},
}

// parse reads a command line and sets the fields.
func parse(words ...string) (*Line, error) {
	line, err := app.Read(words)
	if err == nil && !line.Help {
		err = line.Set()
	}
	return line, err
}

// shape is what a line has been taken for: what is given, and the rest.
func shape(line *Line) string {
	var b strings.Builder
	for _, g := range line.Given {
		b.WriteString("--" + g.Name())
		if g.HasValue {
			b.WriteString("=" + g.Value)
		}
		b.WriteString(" ")
	}
	if line.Help {
		b.WriteString(strings.TrimPrefix("help "+strings.TrimLeft(line.HelpOn+" ", " "), " "))
	}
	return b.String() + "| " + strings.Join(line.Rest, " ")
}

func TestRead(t *testing.T) {
	for in, want := range map[string]string{
		"run":                        "| ",
		"run ls -l":                  "| ls -l",
		"run -- ls -l":               "| ls -l",
		"run ls -- -l":               "| ls -- -l",
		"run -- -- x":                "| -- x",
		"run --dir bin ls --dir x":   "--dir=bin | ls --dir x",
		"run --dir=bin ls":           "--dir=bin | ls",
		"run --dir a=b ls":           "--dir=a=b | ls",
		"run --quiet ls":             "--quiet | ls",
		"run --quiet=no ls":          "--quiet=no | ls",
		"run --dir -sh sh":           "--dir=-sh | sh",
		"run --env=-- ls":            "--env=-- | ls",
		"run --variable A ls":        "--env=A | ls",
		"run --trace ls":             "--trace | ls",
		"run --trace=f ls":           "--trace=f | ls",
		"run --trace f.svg ls":       "--trace=f.svg | ls",
		"run --trace -- f.svg ls":    "--trace | f.svg ls",
		"run -C x -q ls -q":          "--dir=x --quiet | ls -q",
		"run -w=x ls":                "--dir=x | ls",
		"run --color never ls":       "| ls",
		"--color=always run -q ls":   "--quiet | ls",
		"run --help=all":             "help all | ",
		"--version":                  "",
		"run --net-port 1 ls":        "--net-port=1 | ls",
		"run --net-raw-tcp ls":       "--net-raw-tcp | ls",
		"run - x":                    "| - x",
		"run -h":                     "help | ",
		"run --help=no":              "help no | ",
		"run --dir x --help ls":      "--dir=x help | ls",
		"run ls --help":              "| ls --help",
		"run --no-such --help":       "help | ",
		"page a --loud b":            "--loud | a b",
		"page -- --loud":             "| --loud",
		"--help":                     "help | ",
		"-h run":                     "help | ",
		"run --env a --bind b --env": "",
	} {
		line, err := app.Read(strings.Fields(in))
		got := shape(line)
		if err != nil {
			got = ""
		}
		if got != want {
			t.Errorf("Read(%s) = %q, %v; want %q", in, got, err, want)
		}
	}
}

// Flags of different names are seen in the order of the command line, whichever
// fields they are.
func TestOrder(t *testing.T) {
	line, err := parse("run", "--bind", "b", "--env=A", "--dir", "d", "--bind=a", "--env", "B", "--", "x")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := shape(line), "--bind=b --env=A --dir=d --bind=a --env=B | x"; got != want {
		t.Errorf("the flags are %q; want %q", got, want)
	}
	if got, want := line.Names(), []string{"bind", "env", "dir"}; !slices.Equal(got, want) {
		t.Errorf("Names = %q; want %q", got, want)
	}
	run := line.Runner.(*runCmd)
	if want := []text{"b", "a"}; !slices.Equal(run.Bind, want) {
		t.Errorf("Bind = %q; want %q", run.Bind, want)
	}
}

func TestSet(t *testing.T) {
	for in, want := range map[string]shared{
		"":                                {},
		"--quiet":                         {Quiet: true},
		"--quiet --quiet=No":              {},
		"--quiet=1 --dir=a --dir b":       {Quiet: true, Dir: "b"},
		"--dir-fd 7":                      {DirFD: new(text("7"))},
		"--trace":                         {Trace: file{asked: true}},
		"--trace=":                        {Trace: file{asked: true}},
		"--trace=x":                       {Trace: file{true, "x"}},
		"--env= --env=A":                  {Env: list{"", "A"}},
		"--old --net-port=3 --bind=/x":    {Old: true, Net: netFlag{Port: "3"}, Bind: []text{"/x"}},
		"--net-raw-tcp=true --dir=--loud": {Net: netFlag{RawTCP: true}, Dir: "--loud"},
	} {
		line, err := parse(append(append([]string{"run"}, strings.Fields(in)...), "--")...)
		if err != nil {
			t.Errorf("%s: %v", in, err)
			continue
		}
		if diff := cmp.Diff(want, line.Runner.(*runCmd).shared, cmp.AllowUnexported(file{})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", in, diff)
		}
	}
}

func TestArguments(t *testing.T) {
	line, err := parse("page", "b", "--loud", "x")
	if got, want := *line.Runner.(*pageCmd), (pageCmd{true, "b", "x"}); err != nil || got != want {
		t.Errorf("%+v, %v; want %+v", got, err, want)
	}
}

// Mistakes say which flag they are about, what it takes, what may be meant, and
// where to read more.
func TestMistakes(t *testing.T) {
	for in, want := range map[string]string{
		"":                           `no sub-command is given`,
		"--color=blue run":           `--color: "blue" is none of auto, always and never (see tool --help)`,
		"run -xd x":                  `unknown flag -xd (see tool run --help)`,
		"run -C/tmp x":               `unknown flag -C/tmp: a value stands apart: -C /tmp (see tool run --help)`,
		"run -qC x":                  `unknown flag -qC: flags of one letter stand apart: -q -C (see tool run --help)`,
		"run --cwd /x y":             `unknown flag --cwd: that is --dir /x (see tool run --help)`,
		"run --cwd":                  `unknown flag --cwd: that is --dir DIR (see tool run --help)`,
		"run -p Dir=/x y":            `unknown flag -p: that is --dir /x (see tool run --help)`,
		"run -p X=/x y":              `unknown flag -p: none of these (see tool run --help)`,
		"run --network none y":       `unknown flag --network: that is --quiet; the rest is loud (see tool run --help)`,
		"run -C":                     `-C: its value is missing: --dir=DIR (see tool run --help)`,
		"shwo":                       `there is no sub-command "shwo", did you mean "show"? (see tool --help)`,
		"nonsense":                   `there is no sub-command "nonsense" (see tool --help)`,
		"--dir x run":                `--dir stands before the sub-command: flags follow it, as in tool run --dir (see tool --help)`,
		"--wibble":                   `unknown flag --wibble (see tool --help)`,
		"--show":                     `unknown flag --show, did you mean the sub-command "show"? (see tool --help)`,
		"run --wibble=3":             `unknown flag --wibble (see tool run --help)`,
		"run --drr x":                `unknown flag --drr, did you mean "--dir"? (see tool run --help)`,
		"run -dir x":                 `unknown flag -dir, did you mean "--dir"? (see tool run --help)`,
		"run --port x":               `unknown flag --port, did you mean "--net-port"? (see tool run --help)`,
		"run --odl x":                `unknown flag --odl (see tool run --help)`,
		"run --json":                 `unknown flag --json, which tool show has (see tool run --help)`,
		"run -x":                     `unknown flag -x (see tool run --help)`,
		"run --=3":                   `unknown flag -- (see tool run --help)`,
		"run --dir -- ls":            `--dir: its value is missing: --dir=DIR (see tool run --help)`,
		"run --dir":                  `--dir: its value is missing: --dir=DIR (see tool run --help)`,
		"run --dir=":                 `--dir: empty value (see tool run --help)`,
		"run --dir-fd=":              `--dir-fd: empty value (see tool run --help)`,
		"run --bind=":                `--bind: empty value (see tool run --help)`,
		"run --quiet=perhaps":        `--quiet: "perhaps" is neither true nor false (1 and 0, or yes and no) (see tool run --help)`,
		"run --dir-fd 3 --dir x":     `--dir and --dir-fd can't be used together (see tool run --help)`,
		"run --wibble --drr --dir x": `unknown flag --wibble (see tool run --help)`,
		"run --dir= --wibble":        `--dir: empty value (see tool run --help)`,
		"run --wibble --dir=":        `unknown flag --wibble (see tool run --help)`,
		"page":                       `<topic> is missing: a or b (see tool page --help)`,
		"page c":                     `<topic> must be one of a, b, not "c" (see tool page --help)`,
		"page a x y":                 `unexpected argument y (see tool page --help)`,
	} {
		line, err := parse(strings.Fields(in)...)
		if err == nil || err.Error() != want {
			t.Errorf("%q:\n\t%v; want\n\t%s", in, err, want)
		}
		if line == nil {
			t.Errorf("%q: no line", in)
		}
	}
}

// What is right of a line with a mistake is there: somebody may have to be told.
func TestMistakesLeaveTheRest(t *testing.T) {
	line, err := app.Read([]string{"run", "--dir=a", "--wibble", "--env", "B", "x"})
	if got, want := shape(line), "--dir=a --env=B | x"; err == nil || got != want {
		t.Errorf("Read = %q, %v; want %q and an error", got, err, want)
	}
}

// Long command lines, as xargs(1) makes them, are the program's.
func TestWordsOfTheProgram(t *testing.T) {
	line, err := parse(append([]string{"run", "--quiet", "echo"}, slices.Repeat([]string{"--dir"}, 100_000)...)...)
	if err != nil || len(line.Given) != 1 || len(line.Rest) != 100_001 {
		t.Errorf("%d flags, %d words of the program, %v; want 1 and 100001", len(line.Given), len(line.Rest), err)
	}
}

func TestHelp(t *testing.T) {
	for _, tt := range []struct {
		command *Command
		on      string
		width   int
		want    string
	}{
		{nil, "", 40, `
Usage: tool <command>

Does things.

Commands:
  run     Run a program
  show    Show a program
  page    Print a page

tool help TOPIC, COMMAND or --FLAG says
more. Topics: places.
`},
		{&app.Commands[0], "", 46, `
Usage: tool run [flags] [--] <program> [<args> ...]

Run a program.

      --config=FILE  Take flags from a file
  -C, --dir=DIR      Work there
      --env=NAME[=VALUE]
                     Set a variable
      --bind=DIR     Mount it
  -q, --quiet        Say nothing
      --trace[=FILE]
                     Tell

tool help TOPIC, COMMAND or --FLAG says more.
Topics: places.
tool run --help=all lists all 11 flags.

Notes:
  None.
`},
		{&app.Commands[0], "dirs", 40, `
Places

Files:
  -C, --dir=DIR   Work there. Really.
      --dir-fd=N  Or there.

Times:
  A text with more words than there is
    room for.
`},
		{&app.Commands[0], "all", 46, `
Usage: tool run [flags] [--] <program> [<args> ...]

Run a program.

Flags:
  -h, --help         Show this help.
      --color=auto|always|never
                     Whether what sprog prints
                     has colours (default: in
                     a terminal, unless
                     NO_COLOR is set).
      --config=FILE  Take flags from a file.
      --env=NAME[=VALUE]
                     Set a variable.
      --bind=DIR     Mount it.
  -q, --quiet        Say nothing.
      --trace[=FILE]
                     Tell.

Files:
  -C, --dir=DIR   Work there. Really.
      --dir-fd=N  Or there.

The network:
  --net-raw-tcp  Raw.
  --net-port=N   The port.

Times:
  A text with more words than there is room
    for.

Notes:
  None.
`},
	} {
		got, err := app.HelpText(tt.command, tt.on, tt.width)
		if diff := cmp.Diff(tt.want[1:], got); err != nil || diff != "" {
			t.Errorf("help on %q: %v (-want +got):\n%s", tt.on, err, diff)
		}
	}
	if got, err := app.HelpText(&app.Commands[0], "plces", 80); err == nil || !strings.Contains(err.Error(), `"places"`) {
		t.Errorf("help on no topic is %q, %v", got, err)
	}
}

func TestHelpOn(t *testing.T) {
	for word, want := range map[string]string{
		"page": "Usage: tool page", "places": "Places\n", "all": "Usage: tool run", "-C": "  -C, --dir=DIR  Work there. Really.\n\nA flag of tool run. \"tool help places\"",
		"--dir": "  -C, --dir=DIR  Work there.", "json": "  --json  Print JSON.",
	} {
		if got, err := app.HelpOn(word, 80); err != nil || !strings.HasPrefix(got, want) {
			t.Errorf("HelpOn(%s) = %q, %v; want %q", word, got, err, want)
		}
	}
	if _, err := app.HelpOn("--dirr", 80); err == nil || err.Error() != `help: "--dirr" is no sub-command, topic or flag, did you mean "--dir"?` {
		t.Errorf("HelpOn(--dirr) = %v", err)
	}
}

func TestNames(t *testing.T) {
	for field, want := range map[string]string{
		"Dir": "dir", "UnsetEnv": "unset-env", "JSON": "json", "CttyFD": "ctty-fd", "HTTPServer": "http-server", "NoNewPrivs": "no-new-privs", "A": "a", "Argv0": "argv0",
	} {
		if got := string(appendDashed(nil, field)); got != want {
			t.Errorf("the flag of %s is %q; want %q", field, got, want)
		}
	}
}

func TestHint(t *testing.T) {
	names := []string{"user-namespaces", "net-namespaces", "landlock", "landlock-ports", "seccomp", "boottime", "sched-runtime", "no-thp-except-advised", "timer-slack", "timeout"}
	for name, want := range map[string]string{
		"userns": `, did you mean "user-namespaces"?`, "landlok": `, did you mean "landlock" or "landlock-ports"?`, "secomp": `, did you mean "seccomp"?`,
		"ports": `, did you mean "landlock-ports"?`, "xyzzy": "", "": "",
		"time": `, did you mean "timer-slack", "timeout" or "boottime"?`, "net": `, did you mean "net-namespaces"?`,
	} {
		if got := Hint(name, names); got != want {
			t.Errorf("Hint(%q) = %q; want %q", name, got, want)
		}
	}
}

type badCmd struct {
	Number int  `placeholder:"N"`
	Word   text `sep:"none" group:"nowhere"`
	Word2  bool `name:"word"`
}

func (*badCmd) Run(*Line) error { return nil }

func TestCheck(t *testing.T) {
	if err := app.Check(); err != nil {
		t.Errorf("Check = %v; want nil", err)
	}
	bad := App{Commands: []Command{{Name: "bad", New: func() Runner { return new(badCmd) }}}}
	want := `bad: --number: int has no method Set
bad: --word: there is no group "nowhere"
bad: --word: its value has no placeholder
bad: --word: the tag "sep" means nothing
bad: two flags are called --word`
	if got := fmt.Sprint(bad.Check()); got != want {
		t.Errorf("Check =\n%s\nwant\n%s", got, want)
	}
}
