//go:build linux

package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/alecthomas/kong"
	"github.com/pelletier/go-toml/v2"
)

// A configuration file has the names of the flags for keys. Its values become
// words of the command line, before those that are there: it can say nothing
// that flags cannot, and is refused for the same reasons.

// givenFlags are the flags of a command line, each as one word, without
// --config.
type givenFlags []string

// programKey is the one key that is no flag: the program with its arguments,
// for a command line without one.
const programKey = "program"

// mentionsConfig reports whether a command line may have --config; a word of
// the program's can look like it.
func mentionsConfig(args []string) bool {
	return slices.ContainsFunc(args, func(word string) bool { return strings.HasPrefix(word, "--config") })
}

// configFiles are the values of --config among the words.
func configFiles(own []string) (paths []string) {
	for _, word := range own {
		if value, ok := strings.CutPrefix(word, "--config="); ok {
			paths = append(paths, value)
		}
	}
	return paths
}

// withConfig puts the flags of configuration files among the words of a
// command line: own[0] is the sub-command. A flag that is given has none of the
// files' values, and one that a file has none of those of the files before it.
func withConfig(model *kong.Application, own []string, program programArgs) ([]string, programArgs, error) {
	paths := configFiles(own)
	if len(paths) == 0 {
		return own, program, nil
	}
	command := own[0]
	valued, name := valuedFlags(model, command), flagNames(model, command)
	given := slices.DeleteFunc(slices.Clone(own[1:]), func(word string) bool { return strings.HasPrefix(word, "--config=") })
	taken := map[string]bool{programKey: len(program) > 0}
	for _, word := range given {
		flag, _, _ := strings.Cut(strings.TrimPrefix(word, "--"), "=")
		taken[name(flag)] = true
	}
	for _, path := range slices.Backward(paths) {
		flags, err := readConfig(valued, path)
		if err != nil {
			return nil, nil, fmt.Errorf("--config: %w", err)
		}
		var words []string
		for _, key := range sortedKeys(flags) {
			switch {
			case taken[name(key)]:
			case key == programKey:
				program = flags[key]
			default:
				words = append(words, flags[key]...)
			}
		}
		for key := range flags {
			taken[name(key)] = true
		}
		given = append(words, given...)
	}
	return append([]string{command}, given...), program, nil
}

// readConfig returns the words that each key of a file stands for.
func readConfig(valued map[string]bool, path string) (flags map[string][]string, err error) {
	text, err := readInput(path)
	if err != nil {
		return nil, err
	}
	values, err := parseConfig(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	flags = map[string][]string{}
	for _, name := range sortedKeys(values) {
		if flags[name], err = configWords(valued, name, values[name]); err != nil {
			return nil, fmt.Errorf("%s: %w", position(path, text, name), err)
		}
	}
	return flags, nil
}

// readInput reads a file that is sprog's own standard input by the name of "-".
func readInput(path string) ([]byte, error) {
	if path == dash {
		return io.ReadAll(os.Stdin)
	}
	return os.ReadFile(path)
}

func parseConfig(text []byte) (values map[string]any, err error) {
	err = toml.Unmarshal(text, &values)
	var syntax *toml.DecodeError
	if errors.As(err, &syntax) {
		line, _ := syntax.Position()
		return nil, fmt.Errorf("line %d: %w", line, err)
	}
	return values, err
}

func sortedKeys[T any](values map[string]T) []string {
	keys := make([]string, 0, len(values))
	for key := range values {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

// position is the file with the line of a key, if it can be found.
func position(path string, text []byte, key string) string {
	at := regexp.MustCompile(`(?m)^[ \t]*["']?` + regexp.QuoteMeta(key) + `["']?[ \t]*=`).FindIndex(text)
	if at == nil {
		return path
	}
	return fmt.Sprintf("%s:%d", path, 1+strings.Count(string(text[:at[0]]), "\n"))
}

// configWords are the words that a key and its value stand for.
func configWords(valued map[string]bool, name string, value any) ([]string, error) {
	takesValue, known := valued["--"+name]
	switch {
	case name == programKey:
		return stringsOf(name, value)
	case !known || name == "config" || name == "help":
		return nil, fmt.Errorf("there is no flag --%s for the key %q", name, name)
	case !takesValue && !(valued[name+"="] && isText(value)):
		on, ok := value.(bool)
		if !ok {
			return nil, fmt.Errorf("%s is true or false, not %v", name, value)
		}
		if !on {
			return nil, nil
		}
		return []string{"--" + name}, nil
	}
	list, err := stringsOf(name, value)
	for i := range list {
		list[i] = "--" + name + "=" + list[i]
	}
	return list, err
}

func isText(value any) bool { _, ok := value.(string); return ok }

// stringsOf turns a value into what would be typed, once for each element of a
// list.
func stringsOf(name string, value any) ([]string, error) {
	switch v := value.(type) {
	case string:
		return []string{v}, nil
	case int64:
		return []string{strconv.FormatInt(v, 10)}, nil
	case float64:
		return []string{strconv.FormatFloat(v, 'f', -1, 64)}, nil
	case []any:
		var list []string
		for _, one := range v {
			if _, nested := one.([]any); nested {
				return nil, fmt.Errorf("%s is a list of lists", name)
			}
			words, err := stringsOf(name, one)
			if err != nil {
				return nil, err
			}
			list = append(list, words...)
		}
		return list, nil
	}
	return nil, fmt.Errorf("%s cannot be %v, of type %T: strings, numbers and lists of them can be given", name, value, value)
}

// toml writes the flags, of which some take a value, and the program as a
// configuration file.
func (g givenFlags) toml(valued map[string]bool, program programArgs) (string, error) {
	values := map[string]any{}
	for _, word := range slices.Concat(g, givenFlags(program)) {
		if !utf8.ValidString(word) {
			return "", fmt.Errorf("%q is not UTF-8, which all of a configuration file is", word)
		}
	}
	for _, word := range g {
		name, value, hasValue := strings.Cut(strings.TrimPrefix(word, "--"), "=")
		before, again := values[name]
		list, isList := before.([]string)
		switch {
		case !valued["--"+name] && !valued[name+"="]:
			values[name] = !hasValue || isOn(value)
		case !hasValue:
			values[name] = true
		case isList:
			values[name] = append(list, value)
		case again && valued["--"+name]:
			values[name] = []string{before.(string), value}
		default:
			values[name] = value
		}
	}
	if len(program) > 0 {
		values[programKey] = []string(program)
	}
	b, err := toml.Marshal(values)
	return string(b), err
}

// isOn reads the value of a switch, as kong does.
func isOn(value string) bool {
	return slices.Contains([]string{"true", "1", "yes"}, strings.ToLower(value))
}
