//go:build linux

package main

import (
	"context"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/sprog-dev/sprog"

	"github.com/sprog-dev/sprog/internal/terms"
)

// Every flag that sets a field of a command is what an error about that field
// names, and nothing else is.
func TestErrorsNameFlags(t *testing.T) {
	all := flagsOfRun()
	plain := fieldsOf(commandOf(t, "run"))
	for _, name := range all {
		fields := setBy(t, name, plain)
		named := len(fields) == 0
		for _, field := range fields {
			said := flagsFor(terms.Reference{Words: field, Field: field}, []string{name})
			for _, flag := range regexp.MustCompile(`--[a-z0-9-]+`).FindAllString(said, -1) {
				named = named || flag == "--"+name
				known := func(n string) bool { return strings.HasPrefix(n, flag[2:]) }
				if !slices.ContainsFunc(all, known) {
					t.Errorf("%s: an error would name %s, which is no flag", field, flag)
				}
			}
			if said == field {
				t.Errorf("--%s sets %s, which an error would call so: flagsOfFields in terms.go lacks it", name, field)
			}
		}
		if !named {
			t.Errorf("--%s sets %q, and an error about those would not name it: see flagsOfFields in terms.go", name, fields)
		}
	}
}

// setBy are the fields that a flag sets, with any of the values that it takes.
func setBy(t *testing.T, flag string, plain map[string]string) (fields []string) {
	lines := [][]string{{"run", "--" + flag}}
	for _, word := range append(words, "0", "1:0", "deadline", "local", "new", "rt:1", "8:0,rbps=1", "2MB=64M", "memory.max=1", "kernel.shmall=1", "10M") {
		lines = append(lines, []string{"run", "--" + flag + "=" + word})
	}
	for _, line := range lines {
		cmd := commandOf(t, line...)
		if cmd == nil {
			continue
		}
		for field, value := range fieldsOf(cmd) {
			if plain[field] != value && !slices.Contains(fields, field) {
				fields = append(fields, field)
			}
		}
	}
	return fields
}

// commandOf is the command that a line describes, or nil.
func commandOf(t *testing.T, line ...string) *sprog.Cmd {
	t.Helper()
	run := parsed(line...)
	if run == nil {
		return nil
	}
	cmd, err := run.command(context.Background(), []string{"true"}, terminal{fd: 0}, openForExplain)
	if err != nil {
		return nil
	}
	closeFiles(cmd, nil, nil)
	return cmd
}

// fieldsOf are the fields that errors are about, and their values.
func fieldsOf(cmd *sprog.Cmd) map[string]string {
	fields := map[string]string{}
	addFields(fields, "SysProcAttr", reflect.ValueOf(cmd.SysProcAttr).Elem())
	addFields(fields, "Attr", reflect.ValueOf(cmd.Attr).Elem())
	for name, value := range map[string]any{"Dir": cmd.Dir, "Stdin": cmd.Stdin != nil, "Stdout": cmd.Stdout != nil, "Stderr": cmd.Stderr != nil} {
		addValue(fields, name, reflect.ValueOf(value))
	}
	return fields
}

func addFields(fields map[string]string, prefix string, of reflect.Value) {
	for i := range of.NumField() {
		addValue(fields, prefix+"."+of.Type().Field(i).Name, of.Field(i))
	}
}

// addValue notes a value that is not zero, and those within it.
func addValue(fields map[string]string, name string, v reflect.Value) {
	if v.IsZero() {
		return
	}
	if v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	if v.Kind() == reflect.Struct && v.Type().Name() != "File" {
		fields[name] = "is there"
		addFields(fields, name, v)
		return
	}
	fields[name] = fmt.Sprint(v)
}

// What errors say of fields is said of the flags that were given.
func TestTextsInFlags(t *testing.T) {
	words := func(r terms.Reference) string { return flagsFor(r, []string{"map-root", "landlock-ro", "landlock-rw"}) }
	for text, want := range map[terms.Text]string{
		"{SysProcAttr.Chroot}": "--chroot", "{Attr.Rlimits[3]}": "--rlimit", "{Dir}": "--dir",
		"{SysProcAttr.UidMappings[0]}":                             "--map-root",
		"{Attr.Landlock.Files.Rules[1]}":                           "--landlock-ro, --landlock-rw",
		"{Attr.Landlock.Files.Rules[1].Path}":                      "a path",
		"{Attr.Cgroup.Set[0]}":                                     "--cgroup-set",
		"takes it ({SysProcAttr.Credential.NoSetGroups}).":         "takes it (--keep-groups).",
		"{Args[1]} has 9 bytes, {Env[0]} and /tmp/{{Attr.Files} 2": "argument 1 has 9 bytes, variable 0 and /tmp/{Attr.Files} 2",
		"{Attr.Nonsense}, Landlock and Attr.Umask":                 "Attr.Nonsense, Landlock and Attr.Umask",
		"cannot be combined with {Foreground|SysProcAttr.Foreground}: both use {Ctty|SysProcAttr.Ctty}": "cannot be combined with --foreground: both use --ctty-fd",
		"add {CLONE_NEWNS to Cloneflags|SysProcAttr.Cloneflags: CLONE_NEWNS}":                           "add --unshare mount",
		"a {Attr.Scheduler: SCHED_RR} for {Stdin}":                                                      "a --sched rr:1 for stdin",
	} {
		if got := text.In(words); got != want {
			t.Errorf("%q is said as %q; want %q", text, got, want)
		}
	}
}

// A phrase that has flags in it has those of the command, with values that they take.
func TestPhrasesHaveFlags(t *testing.T) {
	for _, p := range phrases {
		for _, found := range regexp.MustCompile(`--([a-z0-9-]+)(?: ([a-z0-9:-]+))?`).FindAllStringSubmatch(p.phrase, -1) {
			switch name, value := found[1], found[2]; {
			case !slices.Contains(flagsOfRun(), name):
				t.Errorf("%s is called %q, and there is no --%s", p.reference, p.phrase, name)
			case value != "" && parsed("run", "--"+name+"="+value) == nil:
				t.Errorf("%s is called %q, which --%s does not take", p.reference, p.phrase, name)
			}
		}
	}
}

// Where several flags ask for the same, an error names those that were given.
func TestFlagsOfAParent(t *testing.T) {
	for given, want := range map[string]string{
		"memory nice": "--memory", "memory cgroup-new": "--cgroup-new", "cgroup-parent pids": "--cgroup-parent", "nice": "--cgroup-parent",
	} {
		if got := flagsFor(terms.Reference{Field: "Attr.Cgroup.Parent"}, strings.Fields(given)); got != want {
			t.Errorf("with %s an error about Attr.Cgroup.Parent names %s; want %s", given, got, want)
		}
	}
}
