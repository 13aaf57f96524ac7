//go:build linux

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/sprog-dev/sprog"
	"github.com/sprog-dev/sprog/internal/flags"
	"github.com/sprog-dev/sprog/internal/terms"
)

// A compileCmd is sprog compile.
type compileCmd struct {
	Output     word `group:"launcher" short:"o" placeholder:"FILE" help:"Write the launcher to FILE; - is standard output."`
	Arch       word `group:"launcher" placeholder:"ARCH" help:"The architecture that it is for: amd64 or arm64 (default: this machine's)."`
	AppendArgs bool `group:"launcher" help:"Append the arguments that the launcher gets to those of the program. Without it they are ignored."`
	Freeze     bool `group:"launcher" help:"Look up now what depends on a machine: names of users and groups, files with content, and which capabilities \"all\" are. Otherwise such flags are refused."`
	Privileged bool `group:"launcher" help:"Allow the launcher to run with rights that its caller lacks: with a set-user-ID bit, or capabilities of its file, which sprog never sets. Insists on flags that leave nothing to the caller."`
	startFlags

	flagOf map[int]string // what gives the program a descriptor
}

// Run writes the launcher.
func (c *compileCmd) Run(line *flags.Line) error {
	c.becomes = true
	if c.Output == "" {
		return errors.New("--output is missing: -o FILE")
	}
	file, err := c.compiled(line)
	if err != nil {
		return err
	}
	if c.Output == dash {
		_, err = os.Stdout.Write(file)
		return err
	}
	if err := writeExecutable(string(c.Output), file); err != nil {
		return fmt.Errorf("--output: %w", err)
	}
	if c.Privileged {
		warnOfWriters(string(c.Output), "the launcher")
		warnOfWriters(line.Rest[0], "the program")
	}
	return nil
}

// compiled is the launcher.
func (c *compileCmd) compiled(line *flags.Line) ([]byte, error) {
	if err := c.refuse(line); err != nil {
		return nil, err
	}
	cmd, o, err := c.launcher(terms.With(context.Background(), c.words(line)), line)
	if err != nil {
		return nil, err
	}
	var file bytes.Buffer
	err = cmd.Compile(&file, o)
	return file.Bytes(), err
}

// words are those of the command. A file of the program's is called by the flag that gives it.
func (c *compileCmd) words(line *flags.Line) terms.Words {
	usual := inFlags(line)
	return func(r terms.Reference) string {
		index, is := strings.CutPrefix(r.Field, "Attr.Files[")
		var n int
		if _, err := fmt.Sscanf(index, "%d]", &n); is && err == nil && c.flagOf[n] != "" {
			return c.flagOf[n]
		}
		return usual(r)
	}
}

// launcher makes the command and the options that the flags describe.
func (c *compileCmd) launcher(ctx context.Context, line *flags.Line) (*sprog.Cmd, sprog.CompileOptions, error) {
	o := sprog.CompileOptions{Arch: string(c.Arch), AppendArgs: c.AppendArgs, Cgroup: string(c.Cgroup), Freeze: c.Freeze,
		Privileged: c.Privileged, Line: shellLine(line)}
	if len(line.Rest) == 0 {
		return nil, o, errors.New("no program given")
	}
	cmd := newCommand(ctx)
	cmd.Dir, cmd.Path, cmd.Args = string(c.Dir), line.Rest[0], line.Rest
	if c.Argv0 != nil {
		cmd.Args = append([]string{string(*c.Argv0)}, line.Rest[1:]...)
	}
	cmd.Attr = c.attr()
	if cmd.Attr.Init != nil {
		cmd.Attr.Init.ReportStops = false
	}
	for _, set := range []func(*sprog.Cmd, *sprog.CompileOptions) error{c.setSys, c.setWho, c.setAttrs, c.setVariables, c.setLauncherFiles} {
		if err := set(cmd, &o); err != nil {
			return nil, o, err
		}
	}
	apart := c.Setsid || c.Ctty || c.CttyFD != nil
	cmd.Attr.DenyTIOCSTI = !c.AllowTIOCSTI && !apart && (c.changesUser() || confines(cmd))
	return cmd, o, nil
}

// setAttrs fills in what flags say of the attributes.
func (c *compileCmd) setAttrs(cmd *sprog.Cmd, _ *sprog.CompileOptions) error {
	attr := cmd.Attr
	if c.Setgroups != nil {
		attr.IDMap = &sprog.IDMap{Setgroups: sprog.SetgroupsPolicy(*c.Setgroups)}
	}
	if c.Context.Personality == nil && c.Context.NoASLR {
		c.Context.Personality = new(persona) // not that of this process
	}
	c.Context.setContext(attr)
	c.setView(attr)
	c.setSignals(attr)
	for _, set := range []func(*sprog.Attr) error{c.setInside, c.Capabilities.setCaps, c.setLandlock, c.Scheduling.setSched, c.setSeccomp} {
		if err := set(attr); err != nil {
			return err
		}
	}
	return nil
}

// setSignals fills in what the flags say. Otherwise signals are what the launcher's caller has made them.
func (c *compileCmd) setSignals(attr *sprog.Attr) {
	f := &c.Signals
	if f.Default == 0 && f.Ignore == 0 && f.Mask == nil {
		return
	}
	attr.Signals = &sprog.Signals{Ignore: f.Ignore.list(), AllDefault: f.Default == allSignals}
	if !attr.Signals.AllDefault {
		attr.Signals.Default = f.Default.list()
	}
	if f.Mask != nil {
		attr.Signals.Mask = f.Mask.list()
	}
}

// setVariables fills in the environment, which is made when the launcher runs.
func (c *compileCmd) setVariables(cmd *sprog.Cmd, o *sprog.CompileOptions) error {
	set, passed, unset := []string{}, []string{}, append([]string{}, c.UnsetEnv...)
	if !c.ClearEnv {
		passed = append(passed, "*")
		switch {
		case filepath.IsAbs(string(c.Dir)):
			set = append(set, "PWD="+string(c.Dir))
		case c.Dir != "":
			unset = append(unset, "PWD")
		}
	}
	for _, name := range c.UnsetEnv {
		set = unsetEnv(set, name)
	}
	for _, s := range c.Env {
		name, _, isSet := strings.Cut(s, "=")
		set, passed, unset = unsetEnv(set, name), without(passed, name), without(unset, name)
		if isSet {
			set = append(set, s)
		} else {
			passed = append(passed, name)
		}
	}
	cmd.Env, o.PassEnv, o.UnsetEnv = set, passed, unset
	return nil
}

func without(list []string, name string) (left []string) {
	for _, other := range list {
		if other != name {
			left = append(left, other)
		}
	}
	return left
}

// writeExecutable puts a file in the place of what is there, at once. Somebody may be executing that.
func writeExecutable(path string, content []byte) error {
	temporary, err := os.CreateTemp(filepath.Dir(path), ".sprog-")
	if err != nil {
		return err
	}
	defer os.Remove(temporary.Name())
	_, err = temporary.Write(content)
	if err == nil {
		err = temporary.Chmod(0o755 &^ os.FileMode(currentUmask()))
	}
	if closed := temporary.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return err
	}
	return os.Rename(temporary.Name(), path)
}

// shellLine is the command line as a shell would read it, without the program's and the
// launcher's names.
func shellLine(line *flags.Line) string {
	words := []string{"sprog", line.Command.Name}
	for _, g := range line.Given {
		word := "--" + g.Name()
		if g.HasValue {
			word += "=" + g.Value
		}
		if g.Name() != "output" {
			words = append(words, quoted(word))
		}
	}
	words = append(words, "--")
	for _, word := range line.Rest {
		words = append(words, quoted(word))
	}
	return strings.Join(words, " ")
}

// quoted is a word as a shell reads it.
func quoted(word string) string {
	const plain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_=/.,:+@%"
	if word != "" && strings.Trim(word, plain) == "" {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
