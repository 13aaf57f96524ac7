package flags

import (
	"cmp"
	"fmt"
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

// A completed is how the values of some flags are completed.
type completed struct {
	kind   string // file, directory, user, group or list, or "" for the words alone
	list   bool   // with commas between
	values Values
	flags  []string // as they are typed
}

// completions are all ways in which values are completed. A flag means the same for all sub-commands.
func (a *App) completions() (all []completed) {
	seen := map[string]bool{}
	byKey := map[string]int{}
	for i := range a.Commands {
		for _, flag := range a.Commands[i].Flags() {
			if flag.Takes() == Nothing || seen[flag.Name()] {
				continue
			}
			seen[flag.Name()] = true
			key, c := a.completionOf(flag)
			if key == "" {
				continue
			}
			at, known := byKey[key]
			if !known {
				at = len(all)
				byKey[key] = at
				all = append(all, c)
			}
			all[at].flags = append(all[at].flags, flag.typed()...)
		}
	}
	return all
}

// completionOf is how a flag's value is completed, and a key that is the same for those alike. Without
// a kind of its own it goes by the placeholder, which people see in the help.
func (a *App) completionOf(flag *Flag) (key string, c completed) {
	p := flag.Placeholder()
	c.list = strings.Contains(p, "...")
	switch kind := flag.tag.Get("values"); {
	case kind == "group":
		c.kind = "group"
	case kind != "":
		c.values = a.Values(kind)
		c.list = c.list || strings.HasPrefix(p, "LIST")
		return fmt.Sprint(kind, c.list), c
	case strings.HasPrefix(p, "NAME|UID"):
		c.kind = "user"
	case strings.HasPrefix(p, "NAME|GID"):
		c.kind = "group"
	case strings.Contains(p, "FILE"), strings.Contains(p, "PATH"), strings.HasPrefix(p, "SRC"):
		c.kind, c.list = "file", false
	case strings.Contains(p, "DIR"):
		c.kind, c.list = "directory", false
	}
	if c.values.Words = words(flag); c.kind == "" && c.values.Words == nil {
		return "", c
	}
	return fmt.Sprint(c.kind, c.list, c.values.Words), c
}

// typed are the flag's names with their dashes.
func (f *Flag) typed() (names []string) {
	for _, letter := range f.shorts() {
		names = append(names, "-"+letter)
	}
	for _, alias := range f.aliases() {
		names = append(names, "--"+alias)
	}
	return append(names, "--"+f.Name())
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
	case args[0].Name() == "topic" && c.Words:
		return append(a.names(), a.topicNames()...)
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
	b.WriteString("# bash completion for @NAME@\n")
	a.bashValues(b)
	fmt.Fprintf(b, `_@NAME@() {
	local cur=${COMP_WORDS[COMP_CWORD]} i flags= valued= given= program=
	COMPREPLY=()
	if ((COMP_CWORD == 1)); then
		COMPREPLY=($(compgen -W '%s' -- "$cur"))
		return
	fi
	case ${COMP_WORDS[1]} in
`, strings.Join(a.names(), " "))
	for i := range a.Commands {
		c := &a.Commands[i]
		var all, valued []string
		for _, flag := range c.Flags() {
			all = append(all, "--"+flag.Name())
			if flag.Takes() == Something {
				valued = append(valued, flag.typed()...)
			}
		}
		list := func(words []string) string { return "' " + strings.Join(words, " ") + " '" }
		fmt.Fprintf(b, "\t%s)\n\t\tflags=%s valued=%s", c.Name, list(all), list(valued))
		if c.Program {
			b.WriteString(" program=1 ;;\n")
		} else {
			fmt.Fprintf(b, " given=%s ;;\n", list(a.arguments(c)))
		}
	}
	b.WriteString(bashEnd)
}

// bashValues is the function that completes values.
func (a *App) bashValues(b *strings.Builder) {
	b.WriteString("_@NAME@_values() { # FLAG WORD\n\tlocal before= words= file one=\n\tcase $1 in\n")
	for _, c := range a.completions() {
		fmt.Fprintf(b, "\t%s)\n", strings.Join(c.flags, "|"))
		if c.list {
			b.WriteString("\t\t[[ $2 == *,* ]] && before=${2%,*},\n")
		}
		switch c.kind {
		case "file":
			b.WriteString("\t\tCOMPREPLY=($(compgen -f -- \"$2\"))\n")
		case "directory":
			b.WriteString("\t\tCOMPREPLY=($(compgen -d -- \"$2\"))\n")
		case "user", "group":
			fmt.Fprintf(b, "\t\tCOMPREPLY=($(compgen -P \"$before\" -A %s -- \"${2##*,}\"))\n", c.kind)
		}
		fmt.Fprintf(b, "\t\twords='%s'\n", strings.Join(c.values.Words, " "))
		if len(c.values.Files) > 0 {
			fmt.Fprintf(b, "\t\tfor file in %s; do\n\t\t\t[[ -e $file ]] && one=${file##*/} words+=\" ${one%%.*}\"\n\t\tdone\n", strings.Join(c.values.Files, " "))
		}
		b.WriteString("\t\t;;\n")
	}
	b.WriteString(`	esac
	[[ -n $words ]] || return
	compopt +o filenames 2>/dev/null # which would quote what is in a word
	COMPREPLY+=($(compgen -P "$before" -W "$words" -- "${2##*,}"))
	if [[ ${COMPREPLY[0]} == *= ]]; then compopt -o nospace 2>/dev/null; fi
}
`)
}

const bashEnd = `	esac
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
		_@NAME@_values "$flag" "$cur"
	elif [[ $cur == -* ]]; then
		COMPREPLY=($(compgen -W "$flags" -- "$cur"))
	elif [[ -n $program ]]; then
		COMPREPLY=($(compgen -c -- "$cur"))
	elif ((i == COMP_CWORD)); then
		COMPREPLY=($(compgen -W "$given" -- "$cur"))
	fi
}
complete -o filenames -F _@NAME@ @NAME@
`

func (a *App) zsh(b *strings.Builder) {
	actions := a.zshActions(b)
	quote := strings.NewReplacer(`'`, `'\''`, "[", `\[`, "]", `\]`, ":", `\:`)
	b.WriteString("_@NAME@() {\n\tlocal -a commands=(\n")
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
				action := cmp.Or(actions["--"+flag.Name()], " ")
				about := "[" + quote.Replace(firstSentence(flag.Help())) + "]:" + quote.Replace(flag.Placeholder()) + ":" + action
				for _, letter := range flag.shorts() {
					fmt.Fprintf(b, "\t\t\t'*-%s%s' \\\n", letter, about)
				}
				spec = "*" + spec + "=" + about
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

// zshActions writes a function for each way in which values are completed, and returns those of the
// flags.
func (a *App) zshActions(b *strings.Builder) map[string]string {
	b.WriteString("#compdef @NAME@\n\n")
	kinds := map[string]string{"file": "_files", "directory": "_files -/", "user": "_users", "group": "_groups"}
	actions := map[string]string{}
	for i, c := range a.completions() {
		name := fmt.Sprintf("_@NAME@_values_%d", i)
		fmt.Fprintf(b, "%s() {\n", name)
		if c.list {
			b.WriteString("\tcompset -P '*,'\n")
		}
		if c.kind != "" {
			fmt.Fprintf(b, "\t%s\n", kinds[c.kind])
		}
		for _, pattern := range c.values.Files {
			fmt.Fprintf(b, "\tcompadd - %s(N:t:r)\n", pattern)
		}
		var going, whole []string
		for _, word := range c.values.Words {
			if strings.HasSuffix(word, "=") {
				going = append(going, "'"+word+"'")
			} else {
				whole = append(whole, "'"+word+"'")
			}
		}
		if whole != nil {
			fmt.Fprintf(b, "\tcompadd - %s\n", strings.Join(whole, " "))
		}
		if going != nil {
			fmt.Fprintf(b, "\tcompadd -S '' - %s\n", strings.Join(going, " "))
		}
		b.WriteString("}\n")
		for _, flag := range c.flags {
			actions[flag] = name
		}
	}
	return actions
}

func (a *App) fish(b *strings.Builder) {
	actions := a.fishActions()
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
				action = " " + cmp.Or(actions["--"+flag.Name()], "-x")
			}
			for _, letter := range flag.shorts() {
				action = " -s " + letter + action
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

// fishActions are what the flags' values are completed with.
func (a *App) fishActions() map[string]string {
	actions := map[string]string{}
	for _, c := range a.completions() {
		args := strings.Join(append(slices.Clone(c.values.Words), c.values.Files...), " ")
		action := ""
		switch {
		case c.kind == "file" && args == "":
			action = "-rF"
		case c.kind == "file":
			action = "-rFa '" + args + "'"
		case c.kind == "directory":
			action = "-xa '(__fish_complete_directories) " + args + "'"
		case c.kind == "user":
			action = "-xa '(__fish_complete_users)'"
		case c.kind == "group" && !c.list:
			action = "-xa '(__fish_complete_groups)'"
		case c.kind == "group":
			action = "-xa '(__@NAME@_list (__fish_complete_groups))'"
		case len(c.values.Files) > 0:
			action = "-xa '(set -l files " + args + "; __@NAME@_files $files)'"
		case c.list:
			action = "-xa '(__@NAME@_list " + args + ")'"
		default:
			action = "-xa '" + args + "'"
		}
		for _, flag := range c.flags {
			actions[flag] = action
		}
	}
	return actions
}

// fishFunctions tell which sub-command there is, and whether flags can follow: a word that is neither
// a flag nor the value of one begins the program.
const fishFunctions = `# fish completion for @NAME@
function __@NAME@_valued
	string split ' ' -- '%s'
end
function __@NAME@_list
	set -l word (commandline -ct | string replace -r '^--?[a-z0-9-]*=' '')
	set -l before (string replace -r '[^,]*$' '' -- $word)
	for value in $argv
		echo $before$value
	end
end
function __@NAME@_files
	for file in $argv
		test -e $file; and string replace -r '^.*/(.*)\.[^.]*$' '$1' -- $file
	end
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
			if typed := flag.typed(); flag.Takes() == Something && !slices.Contains(list, typed[0]) {
				list = append(list, typed...)
			}
		}
	}
	return list
}
