//go:build linux

package main

import (
	"reflect"
	"strings"

	"github.com/alecthomas/kong"
)

// A programArgs is the program and its arguments, exactly as given.
type programArgs []string

// splitArgs divides a command line into sprog's own arguments and the program
// with its arguments, which begin at the first word that is neither a flag nor
// the value of one, or after "--". The program's words never reach the flag
// parser, whose cost grows with their square.
//
// A flag and its value are joined, so that the value may begin with a dash, as
// in --argv0 -bash.
func splitArgs(model *kong.Application, args []string) (own []string, program programArgs) {
	if len(args) == 0 {
		return nil, nil
	}
	own = args[:1:1]
	valued := valuedFlags(model, args[0])
	if valued == nil {
		return args, nil
	}
	rest := args[1:]
	for len(rest) > 0 && strings.HasPrefix(rest[0], "-") && rest[0] != "-" {
		word := rest[0]
		rest = rest[1:]
		if word == "--" {
			break
		}
		if valued[word] && len(rest) > 0 {
			word += "=" + rest[0]
			rest = rest[1:]
		}
		own = append(own, word)
	}
	return own, rest
}

// valuedFlags is the set of flags of the sub-command name that take a value,
// or nil if there is no such sub-command or it starts no program, and so has
// no flags. A value that may be left out is under "NAME=".
func valuedFlags(model *kong.Application, name string) map[string]bool {
	for _, node := range model.Children {
		if node.Name != name || len(node.Flags) == 0 {
			continue
		}
		set := map[string]bool{}
		for _, group := range node.AllFlags(false) {
			for _, flag := range group {
				for _, name := range append(flag.Aliases, flag.Name) {
					set["--"+name] = !flag.IsBool()
					set[name+"="] = flag.IsBool() && flag.Target.Kind() != reflect.Bool
				}
			}
		}
		return set
	}
	return nil
}

// flagNames returns how the flags of a sub-command are called that have other
// names as well.
func flagNames(model *kong.Application, command string) (name func(string) string) {
	names := map[string]string{}
	for _, node := range model.Children {
		for _, flag := range node.Flags {
			for _, alias := range flag.Aliases {
				if node.Name == command {
					names[alias] = flag.Name
				}
			}
		}
	}
	return func(s string) string {
		if name, ok := names[s]; ok {
			return name
		}
		return s
	}
}
