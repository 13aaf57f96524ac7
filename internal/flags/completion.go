package flags

import (
	"fmt"
	"maps"
	"slices"
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

// words are those that a flag's placeholder has as they are, such as allow|deny.
func words(flag *Flag) (list []string) {
	for word := range strings.SplitSeq(flag.Placeholder(), "|") {
		if strings.Trim(word, "abcdefghijklmnopqrstuvwxyz-") == "" && strings.Contains(flag.Placeholder(), "|") {
			list = append(list, word)
		}
	}
	return list
}

// arguments are what the argument of a sub-command without a program can be.
func (a *App) arguments(c *Command) []string {
	_, args := declared(c.New())
	switch {
	case len(args) == 0:
		return nil
	case args[0].Name() == "command":
		return a.names()
	}
	return strings.Split(args[0].tag.Get("enum"), ",")
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
	local cur=${COMP_WORDS[COMP_CWORD]} i flags= valued= files= dirs= users= groups= given= program=
	COMPREPLY=()
	if ((COMP_CWORD == 1)); then
		COMPREPLY=($(compgen -W '%s' -- "$cur"))
		return
	fi
	case ${COMP_WORDS[1]} in
`, strings.Join(a.names(), " "))
	for i := range a.Commands {
		a.bashCase(b, &a.Commands[i])
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
	if [[ -n $program ]] && ((i < COMP_CWORD)) && [[ $valued != *" $flag "* ]]; then
		if declare -F _command_offset >/dev/null; then
			compopt +o filenames 2>/dev/null # it quotes the space that another's completion ends in
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
		case $flag in
` + a.bashWords() + `		esac
	elif [[ $cur == -* ]]; then
		COMPREPLY=($(compgen -W "$flags" -- "$cur"))
	elif [[ -n $program ]]; then
		COMPREPLY=($(compgen -c -- "$cur"))
	elif ((i == COMP_CWORD)); then
		COMPREPLY=($(compgen -W "$given" -- "$cur"))
	fi
}
complete -o filenames -F _@NAME@ @NAME@
`)
}

// bashCase is what the script knows of a sub-command.
func (a *App) bashCase(b *strings.Builder, c *Command) {
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
	fmt.Fprintf(b, "\t%s)\n\t\tflags=%s valued=%s\n\t\tfiles=%s dirs=%s users=%s groups=%s", c.Name,
		list(all), list(valued), list(byKind[files]), list(byKind[directories]), list(byKind[users]), list(byKind[groupNames]))
	if c.Program {
		b.WriteString(" program=1 ;;\n")
	} else {
		fmt.Fprintf(b, " given=%s ;;\n", list(a.arguments(c)))
	}
}

// bashWords are the cases of flags that take words.
func (a *App) bashWords() string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(a.flagsWithWords())) {
		fmt.Fprintf(&b, "\t\t--%s) COMPREPLY+=($(compgen -W '%s' -- \"$cur\")) ;;\n", name, strings.Join(a.flagsWithWords()[name], " "))
	}
	return b.String()
}

// flagsWithWords are the flags that take words, and the words: a name means the same for all sub-commands.
func (a *App) flagsWithWords() map[string][]string {
	all := map[string][]string{}
	for i := range a.Commands {
		for _, flag := range a.Commands[i].Flags() {
			if list := words(flag); len(list) > 0 {
				all[flag.Name()] = list
			}
		}
	}
	return all
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
				action := actions[kindOf(flag)]
				if list := words(flag); len(list) > 0 && kindOf(flag) == anything {
					action = "(" + strings.Join(list, " ") + ")"
				}
				spec = "*" + spec + "=[" + quote.Replace(firstSentence(flag.Help())) + "]:" + quote.Replace(flag.Placeholder()) + ":" + action
			}
			fmt.Fprintf(b, "\t\t\t'%s' \\\n", spec)
		}
		if c.Program {
			b.WriteString("\t\t\t'(-)1:program:_command_names -e' '*::arguments:_normal' ;;\n")
		} else {
			fmt.Fprintf(b, "\t\t\t'1: :(%s)' ;;\n", strings.Join(a.arguments(c), " "))
		}
	}
	b.WriteString("\tesac\n}\n\nif [[ $zsh_eval_context[-1] == loadautofunc ]]; then _@NAME@ \"$@\"; else compdef _@NAME@ @NAME@; fi\n")
}

func (a *App) fish(b *strings.Builder) {
	actions := map[completionKind]string{anything: "-x", files: "-rF", directories: "-xa '(__fish_complete_directories)'",
		users: "-xa '(__fish_complete_users)'", groupNames: "-xa '(__fish_complete_groups)'"}
	quote := strings.NewReplacer(`\`, `\\`, `'`, `\'`)
	fmt.Fprintf(b, fishFunctions, strings.Join(a.valued(), " "))
	for i := range a.Commands {
		c := &a.Commands[i]
		fmt.Fprintf(b, "complete -c @NAME@ -f -n 'test (count (commandline -opc)) = 1' -a %s -d '%s'\n", c.Name, quote.Replace(firstSentence(c.Help)))
	}
	for i := range a.Commands {
		c := &a.Commands[i]
		for _, flag := range c.Flags() {
			action := ""
			if flag.Takes() == Something {
				action = " " + actions[kindOf(flag)]
			}
			if list := words(flag); len(list) > 0 && !strings.Contains(action, " '") {
				action = strings.Replace(action, "-", "-a '"+strings.Join(list, " ")+"' -", 1)
			}
			fmt.Fprintf(b, "complete -c @NAME@ -n '__@NAME@_flags %s' -l %s%s -d '%s'\n", c.Name, flag.Name(), action, quote.Replace(firstSentence(flag.Help())))
		}
		if c.Program {
			fmt.Fprintf(b, "complete -c @NAME@ -n '__@NAME@_is %s' -xa '(__fish_complete_subcommand --fcs-skip=2 - (__@NAME@_valued))'\n", c.Name)
		} else {
			fmt.Fprintf(b, "complete -c @NAME@ -f -n '__@NAME@_flags %s' -a '%s'\n", c.Name, strings.Join(a.arguments(c), " "))
		}
	}
}

// fishFunctions tell which sub-command there is, and whether flags can follow: a word that is neither
// a flag nor the value of one begins the program.
const fishFunctions = `# fish completion for @NAME@
function __@NAME@_valued
	string split ' ' -- '%s'
end
function __@NAME@_is
	set -l words (commandline -opc)
	test (count $words) -gt 1; and test $words[2] = $argv[1]
end
function __@NAME@_flags
	__@NAME@_is $argv[1]; or return 1
	set -l words (commandline -opc)
	set -l valued (__@NAME@_valued)
	set -l value no
	for word in $words[3..-1]
		switch "$value$word"
			case 'yes*'
				set value no
			case no--
				return 1
			case 'no-*'
				contains -- $word $valued; and set value yes
			case '*'
				return 1
		end
	end
end
`

// valued are the flags that take a value as the next word, of all sub-commands.
func (a *App) valued() (list []string) {
	for i := range a.Commands {
		for _, flag := range a.Commands[i].Flags() {
			if name := "--" + flag.Name(); flag.Takes() == Something && !slices.Contains(list, name) {
				list = append(list, name)
			}
		}
	}
	return list
}
