//go:build linux

package main

import (
	"strings"
	"testing"
)

// Every flag of every sub-command that people type is completed by each shell,
// and in the manual.
func TestEveryFlagIsKnown(t *testing.T) {
	model := newParser(new(cli)).Model
	var bash, zsh, fish strings.Builder
	bashCompletion(&bash, model)
	zshCompletion(&zsh, model)
	fishCompletion(&fish, model)
	for _, node := range subcommands(model) {
		page := strings.ReplaceAll(commandPage(node).String(), `\-`, "-")
		_, ofBash, _ := strings.Cut(bash.String(), "\t"+node.Name+")\n")
		ofBash, _, _ = strings.Cut(ofBash, ";;")
		for _, flag := range node.Flags {
			name := "--" + flag.Name
			for _, where := range []struct{ what, text, want string }{
				{"the page of " + node.Name, page, name},
				{"bash's completion of " + node.Name, ofBash, " " + name + " "},
				{"zsh's completion", zsh.String(), name},
				{"fish's completion", fish.String(), "'__fish_seen_subcommand_from " + node.Name + "' -l " + flag.Name + " "},
			} {
				if !strings.Contains(where.text, where.want) && !(flag.Hidden && strings.HasPrefix(where.what, "the page")) {
					t.Errorf("%s lacks %q", where.what, where.want)
				}
			}
		}
	}
}
