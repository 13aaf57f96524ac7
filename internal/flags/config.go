package flags

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"
)

// A configuration file has the names of the flags for keys. Its values become
// flags that are given before those of the command line: it can say nothing
// that flags cannot, and is refused for the same reasons.

// configFlag names a file with flags. No field gets its value.
const configFlag = "config"

// programKey is the one key that is no flag: the program with its arguments,
// for a command line without one.
const programKey = "program"

// Expand puts the flags of configuration files in the place of --config. A flag
// that is given has none of the files' values, and one that a file has none of
// those of the files before it.
func (l *Line) Expand(read func(path string) ([]byte, error)) error {
	var paths []string
	l.Given = slices.DeleteFunc(l.Given, func(g Given) bool {
		isConfig := g.Name() == configFlag
		if isConfig {
			paths = append(paths, g.Value)
		}
		return isConfig
	})
	taken := map[*Flag]bool{}
	for _, g := range l.Given {
		taken[g.Flag] = true
	}
	for _, path := range slices.Backward(paths) {
		if err := l.include(path, read, taken); err != nil {
			return fmt.Errorf("--%s: %w", configFlag, err)
		}
	}
	return nil
}

// Include puts the flags of a file in front of those that are given. A flag that can be repeated has
// its values in addition; of others, those that are given count.
func (l *Line) Include(path string, text []byte) error {
	taken := map[*Flag]bool{}
	for _, g := range l.Given {
		taken[g.Flag] = !g.isList()
	}
	return l.include(path, func(string) ([]byte, error) { return text, nil }, taken)
}

// Keys are the keys of a file.
func Keys(text []byte) (keys []string, err error) {
	entries, err := parseConfig(text)
	for _, e := range entries {
		keys = append(keys, e.key)
	}
	return keys, err
}

// isList reports whether what a flag is given is added to what it was given before.
func (f *Flag) isList() bool {
	_, ordered := f.ordered()
	return ordered || f.value.Kind() == reflect.Slice
}

// include puts the flags of one file in front, but those that are taken.
func (l *Line) include(path string, read func(string) ([]byte, error), taken map[*Flag]bool) error {
	text, err := read(path)
	if err != nil {
		return err
	}
	entries, err := parseConfig(text)
	if err != nil {
		var at lineError
		if errors.As(err, &at) {
			return fmt.Errorf("%s:%d: %w", path, at.line, at.error)
		}
		return fmt.Errorf("%s: %w", path, err)
	}
	var front []Given
	var flags []*Flag
	program := l.Rest
	for _, e := range entries {
		if e.key == programKey {
			if program, err = stringsOf(e.key, e.value); len(l.Rest) > 0 {
				program = l.Rest
			}
		} else {
			var all []Given
			all, err = l.giveEntries(e)
			for _, g := range all {
				g.from = fmt.Sprintf("%s:%d", path, e.line)
				if flags = append(flags, g.Flag); !taken[g.Flag] && !g.off {
					front = append(front, g)
				}
			}
		}
		if err != nil {
			return fmt.Errorf("%s:%d: %w", path, e.line, err)
		}
	}
	for _, f := range flags {
		taken[f] = true
	}
	l.Given, l.Rest = append(front, l.Given...), program
	return nil
}

// A lineError is a mistake in a line of a file.
type lineError struct {
	error
	line int
}

// An entry is a key of a file with its value.
type entry struct {
	key   string
	value any
	line  int
}

// parseConfig returns the keys of a file in their order.
func parseConfig(text []byte) (entries []entry, err error) {
	var values map[string]any
	if err := toml.Unmarshal(text, &values); err != nil {
		var syntax *toml.DecodeError
		if errors.As(err, &syntax) {
			line, _ := syntax.Position()
			return nil, lineError{err, line}
		}
		return nil, err
	}
	var p unstable.Parser
	p.Reset(text)
	for p.NextExpression() {
		key := p.Expression().Key()
		if !key.Next() {
			continue
		}
		e := entry{key: string(key.Node().Data), line: p.Shape(key.Node().Raw).Start.Line}
		if value, ok := values[e.key]; ok { // a table may have several parts
			e.value = value
			entries = append(entries, e)
			delete(values, e.key)
		}
	}
	return entries, p.Error()
}

// giveEntries is what a key and its value stand for: flags, of which one that is switched off
// only takes the place of those in earlier files.
func (l *Line) giveEntries(e entry) (all []Given, err error) {
	if e.key != l.app.InOrder || e.key == "" {
		f, given, err := l.giveEntry(e)
		if err == nil && len(given) == 0 {
			given = []Given{{Flag: f, off: true}}
		}
		return given, err
	}
	tables, _ := e.value.([]any)
	for _, one := range tables {
		table, _ := one.(map[string]any)
		if len(table) != 1 {
			return nil, fmt.Errorf("%s is a list of tables with one flag each", e.key)
		}
		for key, value := range table {
			f, given, err := l.giveEntry(entry{key, value, e.line})
			if err != nil {
				return nil, err
			}
			if _, ordered := f.ordered(); !ordered {
				return nil, fmt.Errorf("%s: the order of %s does not count: make it a key of its own", e.key, key)
			}
			all = append(all, given...)
		}
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%s is a list of tables with one flag each", e.key)
	}
	return all, nil
}

// giveEntry is what a key and its value stand for.
func (l *Line) giveEntry(e entry) (f *Flag, given []Given, err error) {
	f = find(l.flags, e.key)
	if f == nil || f.Name() == configFlag {
		var names []string
		for i := range l.flags {
			names = append(names, l.flags[i].Name())
		}
		return nil, nil, fmt.Errorf("there is no flag --%s for the key %q%s", e.key, e.key, Hint(e.key, names))
	}
	_, isText := e.value.(string)
	if takes := f.Takes(); takes == Nothing || takes == Perhaps && !isText {
		on, ok := e.value.(bool)
		if !ok {
			return nil, nil, fmt.Errorf("%s is true or false, not %v", e.key, e.value)
		}
		if on {
			given = []Given{{Flag: f}}
		}
		return f, given, nil
	}
	values, err := stringsOf(e.key, e.value)
	for _, value := range values {
		given = append(given, Given{Flag: f, Value: value, HasValue: true})
	}
	return f, given, err
}

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

// TOML writes the flags that are given, but one of them, and the program as a
// configuration file.
func (l *Line) TOML(but string) (string, error) {
	var b strings.Builder
	interleaved := l.interleaves()
	if interleaved {
		if err := l.writeInOrder(&b); err != nil {
			return "", err
		}
	}
	for i, g := range l.Given {
		if _, ordered := g.ordered(); ordered && interleaved {
			continue
		}
		if !utf8.ValidString(g.Value) {
			return "", notUTF8("--" + g.Name() + "=" + g.Value)
		}
		same := func(other Given) bool { return other.Flag == g.Flag }
		if g.Name() == but || slices.ContainsFunc(l.Given[:i], same) {
			continue
		}
		var all []Given
		for _, other := range l.Given[i:] {
			if same(other) {
				all = append(all, other)
			}
		}
		if err := writeKey(&b, g.Name(), valueOf(all)); err != nil {
			return "", err
		}
	}
	for _, word := range l.Rest {
		if !utf8.ValidString(word) {
			return "", notUTF8(word)
		}
	}
	if len(l.Rest) == 0 {
		return b.String(), nil
	}
	err := writeKey(&b, programKey, l.Rest)
	return b.String(), err
}

// interleaves reports whether the order of flags is lost where each name has all of its values.
func (l *Line) interleaves() bool {
	var names []*Flag
	for _, g := range l.Given {
		if _, ordered := g.ordered(); !ordered {
			continue
		}
		if i := slices.Index(names, g.Flag); i >= 0 && (i < len(names)-1 || g.Takes() == Perhaps) {
			return true
		} else if i < 0 {
			names = append(names, g.Flag)
		}
	}
	return false
}

// writeInOrder writes the flags that stand in order, under the key that is for them.
func (l *Line) writeInOrder(b *strings.Builder) error {
	fmt.Fprintf(b, "%s = [\n", l.app.InOrder)
	for _, g := range l.Given {
		if _, ordered := g.ordered(); !ordered {
			continue
		}
		if !utf8.ValidString(g.Value) {
			return notUTF8("--" + g.Name() + "=" + g.Value)
		}
		var one strings.Builder
		if err := writeKey(&one, g.Name(), valueOf([]Given{g})); err != nil {
			return err
		}
		fmt.Fprintf(b, "  { %s },\n", strings.TrimSpace(one.String()))
	}
	b.WriteString("]\n")
	return nil
}

// valueOf is the value of a flag that is given once or several times.
func valueOf(all []Given) any {
	last := all[len(all)-1]
	switch takes := last.Takes(); {
	case takes == Nothing:
		var on bool
		setSwitch(&on, last.Value, last.HasValue)
		return on
	case takes == Perhaps && !last.HasValue:
		return true
	case takes == Perhaps || len(all) == 1:
		return last.Value
	}
	var values []string
	for _, g := range all {
		values = append(values, g.Value)
	}
	return values
}

func writeKey(b *strings.Builder, key string, value any) error {
	text, err := toml.Marshal(map[string]any{key: value})
	b.Write(text)
	return err
}

func notUTF8(word string) error {
	return fmt.Errorf("%q is not UTF-8, which all of a configuration file is", word)
}
