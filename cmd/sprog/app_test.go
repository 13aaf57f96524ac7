//go:build linux

package main

import (
	"slices"
	"strings"
	"testing"
)

// What the structs declare means something to the parser.
func TestFlagsAreDeclaredWell(t *testing.T) {
	if err := app.Check(); err != nil {
		t.Error(err)
	}
}

// words are values that some flag or other takes, and some that none does.
var words = []string{
	"", "0", "1", "7", "-1", "a", "a,b", "/", "/tmp", "null", "A=1", "nobody", "user,net", "pid", "0:1000:1", "allow",
	"as=1G", "nofile=10:20", "core=x", "TERM", "10s", "1.5", "0-1", "027", "net_bind_service", "cap_chown,kill", "--", "--dir",
	"fifo:10", "batch", "idle", "3", "4:/dev/null", "x=y", "all", "none", "strict", "key=value", "read:/tmp", "unix,inet", "8080", "signal", "new-exec-on", "fs", "rw:/", "/dev/null", "64k", "t.svg", ".json", "ro", "/a=/b", "/tmp?:/x", "type=tmpfs,dst=/x",
}

// parsed is a command line whose flags are set, and nil if there is a mistake.
func parsed(words ...string) *runCmd {
	line, err := app.Read(words)
	if err == nil {
		err = line.Set()
	}
	if err != nil {
		return nil
	}
	return line.Runner.(*runCmd)
}

// flagsOfRun are the names of the flags of run, but those that no field is for.
func flagsOfRun() (names []string) {
	for _, f := range app.Commands[0].Flags() {
		if name := f.Name(); name != "config" && name != "help" && name != "color" {
			names = append(names, name)
		}
	}
	return names
}

// Each flag takes one of the words, or none, and says of others which flag they
// are no values of.
func TestFlagsTakeValues(t *testing.T) {
	for _, name := range flagsOfRun() {
		taken := parsed("run", "--"+name, "--", "program") != nil
		for _, word := range slices.Concat(words, oddWords) {
			line, err := app.Read([]string{"run", "--" + name + "=" + word, "program"})
			if err == nil {
				err = line.Set()
			}
			if err != nil && !strings.HasPrefix(err.Error(), "--"+name+": ") {
				t.Errorf("--%s=%s: %v; want an error that begins with the flag", name, word, err)
			}
			taken = taken || err == nil
		}
		if !taken {
			t.Errorf("no word is a value of --%s", name)
		}
	}
}

// Every flag of every sub-command is completed by each shell, and in the help and
// the manual.
func TestEveryFlagIsKnown(t *testing.T) {
	bash, zsh, fish := app.Completion("bash"), app.Completion("zsh"), app.Completion("fish")
	for i := range app.Commands {
		c := &app.Commands[i]
		page, err := app.Man(c.Name)
		if err != nil {
			t.Fatal(err)
		}
		help, err := app.HelpText(c, "all", 80)
		if err != nil {
			t.Fatal(err)
		}
		_, ofBash, _ := strings.Cut(bash, "\t"+c.Name+")\n")
		ofBash, _, _ = strings.Cut(ofBash, ";;")
		for _, flag := range c.Flags() {
			name := "--" + flag.Name()
			for _, where := range []struct{ what, text, want string }{
				{"the help of " + c.Name, help, flag.Form()},
				{"the page of " + c.Name, strings.ReplaceAll(page, `\-`, "-"), name},
				{"bash's completion of " + c.Name, ofBash, " " + name + " "},
				{"zsh's completion", zsh, name},
				{"fish's completion", fish, "'__sprog_flags " + c.Name + "' -l " + flag.Name() + " "},
			} {
				if !strings.Contains(where.text, where.want) {
					t.Errorf("%s lacks %q", where.what, where.want)
				}
			}
		}
	}
}
