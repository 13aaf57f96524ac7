package flags

import (
	"fmt"
	"strings"
)

// Completion returns a script that has a shell complete the command line, or ""
// for a shell that is not known.
func (a *App) Completion(shell string) string {
	var b strings.Builder
	switch shell {
	case "bash":
		a.bash(&b)
	case "zsh":
		a.zsh(&b)
	case "fish":
		a.fish(&b)
	}
	return strings.ReplaceAll(b.String(), "@NAME@", a.Name)
}

// A completionKind is what the value of a flag is completed with.
type completionKind int

const (
	anything completionKind = iota
	files
	directories
	users
	groupNames
)

// kindOf is found by the placeholder, which people see in the help.
func kindOf(flag *Flag) completionKind {
	switch p := flag.Placeholder(); {
	case strings.Contains(p, "FILE"), strings.Contains(p, "PATH"):
		return files
	case strings.Contains(p, "DIR"):
		return directories
	case strings.HasPrefix(p, "NAME|UID"):
		return users
	case strings.HasPrefix(p, "NAME|GID"):
		return groupNames
	}
	return anything
}

// firstSentence is what there is room for beside a flag.
func firstSentence(help string) string {
	if i := strings.Index(help, ". "); i >= 0 {
		help = help[:i]
	}
	return strings.TrimSuffix(help, ".")
}

func (a *App) bash(b *strings.Builder) {
	fmt.Fprintf(b, `# bash completion for @NAME@
_@NAME@() {
	local cur=${COMP_WORDS[COMP_CWORD]} i flags= valued= files= dirs= users= groups=
	COMPREPLY=()
	if ((COMP_CWORD == 1)); then
		COMPREPLY=($(compgen -W '%s' -- "$cur"))
		return
	fi
	case ${COMP_WORDS[1]} in
`, strings.Join(a.names(), " "))
	for i := range a.Commands {
		c := &a.Commands[i]
		byKind := map[completionKind][]string{}
		var all, valued []string
		for _, flag := range c.Flags() {
			name := "--" + flag.Name()
			all = append(all, name)
			if flag.Takes() == Something {
				valued = append(valued, name)
				byKind[kindOf(flag)] = append(byKind[kindOf(flag)], name)
			}
		}
		list := func(words []string) string { return "' " + strings.Join(words, " ") + " '" }
		fmt.Fprintf(b, "\t%s)\n\t\tflags=%s valued=%s\n\t\tfiles=%s dirs=%s users=%s groups=%s ;;\n", c.Name,
			list(all), list(valued), list(byKind[files]), list(byKind[directories]), list(byKind[users]), list(byKind[groupNames]))
	}
	b.WriteString(`	esac
	# A word that is neither a flag nor the value of one begins the program.
	for ((i = 2; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
		--) ((i++)); break ;;
		-*) [[ $valued == *" ${COMP_WORDS[i]} "* ]] && ((i++)) ;;
		=) ;;
		*) [[ ${COMP_WORDS[i-1]} == = ]] || break ;;
		esac
	done
	local flag=${COMP_WORDS[COMP_CWORD-1]}
	[[ $flag == = ]] && flag=${COMP_WORDS[COMP_CWORD-2]}
	[[ $cur == = ]] && flag=${COMP_WORDS[COMP_CWORD-1]} cur=
	if ((i < COMP_CWORD)) && [[ $valued != *" $flag "* ]]; then
		if declare -F _command_offset >/dev/null; then
			_command_offset "$i"
		else
			COMPREPLY=($(compgen -f -- "$cur"))
		fi
	elif [[ $valued == *" $flag "* ]]; then
		if [[ $files == *" $flag "* ]]; then COMPREPLY=($(compgen -f -- "$cur"))
		elif [[ $dirs == *" $flag "* ]]; then COMPREPLY=($(compgen -d -- "$cur"))
		elif [[ $users == *" $flag "* ]]; then COMPREPLY=($(compgen -u -- "$cur"))
		elif [[ $groups == *" $flag "* ]]; then COMPREPLY=($(compgen -g -- "$cur"))
		fi
	elif [[ $cur == -* ]]; then
		COMPREPLY=($(compgen -W "$flags" -- "$cur"))
	else
		COMPREPLY=($(compgen -c -- "$cur"))
	fi
}
complete -o filenames -F _@NAME@ @NAME@
`)
}

func (a *App) zsh(b *strings.Builder) {
	actions := map[completionKind]string{anything: " ", files: "_files", directories: "_files -/", users: "_users", groupNames: "_groups"}
	quote := strings.NewReplacer(`'`, `'\''`, "[", `\[`, "]", `\]`, ":", `\:`)
	b.WriteString("#compdef @NAME@\n\n_@NAME@() {\n\tlocal -a commands=(\n")
	for i := range a.Commands {
		c := &a.Commands[i]
		fmt.Fprintf(b, "\t\t'%s:%s'\n", c.Name, quote.Replace(firstSentence(c.Help)))
	}
	b.WriteString("\t)\n\tif ((CURRENT == 2)); then\n\t\t_describe command commands\n\t\treturn\n\tfi\n\tlocal command=$words[2]\n\tshift words\n\t((CURRENT--))\n\tcase $command in\n")
	for i := range a.Commands {
		c := &a.Commands[i]
		fmt.Fprintf(b, "\t%s)\n\t\t_arguments -S \\\n", c.Name)
		for _, flag := range c.Flags() {
			spec := "--" + flag.Name()
			if flag.Takes() != Something {
				spec += "[" + quote.Replace(firstSentence(flag.Help())) + "]"
			} else {
				spec = "*" + spec + "=[" + quote.Replace(firstSentence(flag.Help())) + "]:" + quote.Replace(flag.Placeholder()) + ":" + actions[kindOf(flag)]
			}
			fmt.Fprintf(b, "\t\t\t'%s' \\\n", spec)
		}
		if c.Program {
			b.WriteString("\t\t\t'(-)1:program:_command_names -e' '*::arguments:_normal' ;;\n")
		} else {
			b.WriteString("\t\t\t'*: :' ;;\n")
		}
	}
	b.WriteString("\tesac\n}\n\nif [[ $zsh_eval_context[-1] == loadautofunc ]]; then _@NAME@ \"$@\"; else compdef _@NAME@ @NAME@; fi\n")
}

func (a *App) fish(b *strings.Builder) {
	actions := map[completionKind]string{anything: "-x", files: "-rF", directories: "-xa '(__fish_complete_directories)'",
		users: "-xa '(__fish_complete_users)'", groupNames: "-xa '(__fish_complete_groups)'"}
	quote := strings.NewReplacer(`\`, `\\`, `'`, `\'`)
	b.WriteString("# fish completion for @NAME@\n")
	for i := range a.Commands {
		c := &a.Commands[i]
		fmt.Fprintf(b, "complete -c @NAME@ -f -n __fish_use_subcommand -a %s -d '%s'\n", c.Name, quote.Replace(firstSentence(c.Help)))
	}
	for i := range a.Commands {
		c := &a.Commands[i]
		when := "'__fish_seen_subcommand_from " + c.Name + "'"
		for _, flag := range c.Flags() {
			action := ""
			if flag.Takes() == Something {
				action = " " + actions[kindOf(flag)]
			}
			fmt.Fprintf(b, "complete -c @NAME@ -n %s -l %s%s -d '%s'\n", when, flag.Name(), action, quote.Replace(firstSentence(flag.Help())))
		}
		if c.Program {
			fmt.Fprintf(b, "complete -c @NAME@ -n %s -xa '(__fish_complete_subcommand --fcs-skip=2)'\n", when)
		}
	}
}
