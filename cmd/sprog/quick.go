//go:build linux

package main

import (
	"reflect"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// Building kong's model of the whole command line takes longer than most
// programs take to start. The command lines that start a program are read here
// instead, from the same declarations: the fields of the sub-command, their
// tags, and the Decode methods of their types. Whatever is not plain (help, a
// mistake, a tag that is not known here) is left to kong, from the beginning.

// A starting is a sub-command that starts a program.
type starting interface {
	Run(program programArgs) error
}

// quick reads a command line that kong is not needed for.
func quick(args []string) (cmd starting, program programArgs, ok bool) {
	if len(args) == 0 {
		return nil, nil, false
	}
	switch args[0] {
	case "run":
		cmd = new(runCmd)
	case "exec":
		cmd = new(execCmd)
	default:
		return nil, nil, false
	}
	r := reader{target: reflect.ValueOf(cmd).Elem()}
	r.declare(r.target, "")
	program, ok = r.read(args[1:])
	return cmd, program, ok && r.setDefaults()
}

// A reader fills in the fields of one sub-command.
type reader struct {
	target reflect.Value
	flags  []quickFlag
	xor    []string // the groups of flags that exclude each other, of those given
}

// A quickFlag is a field that is a flag.
type quickFlag struct {
	name  string
	tag   reflect.StructTag
	value reflect.Value
	given bool
}

func (r *reader) declare(of reflect.Value, prefix string) {
	t := of.Type()
	for i := range t.NumField() {
		field := t.Field(i)
		if field.Anonymous || field.Type.Kind() == reflect.Struct && strings.Contains(string(field.Tag), `embed:"`) {
			r.declare(of.Field(i), prefix+field.Tag.Get("prefix"))
			continue
		}
		name := flagName(field.Name)
		if strings.Contains(string(field.Tag), `name:"`) {
			name = field.Tag.Get("name")
		}
		r.flags = append(r.flags, quickFlag{name: prefix + name, tag: field.Tag, value: of.Field(i)})
	}
}

// flagName is the name that kong gives to a field that has none: its words in
// lower case with dashes between. An upper-case letter begins a word if a
// lower-case one is beside it.
func flagName(field string) string {
	b := make([]byte, 0, len(field)+4)
	for i := range len(field) {
		c := field[i]
		if !isUpper(c) {
			if isDigit(c) != (i > 0 && isDigit(field[i-1])) && i > 0 {
				return "" // kong's rules for digits are not known here
			}
			b = append(b, c)
			continue
		}
		if i > 0 && (!isUpper(field[i-1]) || i+1 < len(field) && !isUpper(field[i+1])) {
			b = append(b, '-')
		}
		b = append(b, c-'A'+'a')
	}
	return string(b)
}

func isUpper(c byte) bool { return 'A' <= c && c <= 'Z' }
func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// read reads the flags, as splitArgs and kong would, up to the program.
func (r *reader) read(rest []string) (program programArgs, ok bool) {
	for len(rest) > 0 && strings.HasPrefix(rest[0], "-") && rest[0] != "-" {
		word := rest[0]
		rest = rest[1:]
		if word == "--" {
			break
		}
		name, value, joined := strings.Cut(word, "=")
		f := r.find(name)
		if f == nil || !f.plain() || !r.exclusive(f) {
			return nil, false
		}
		if f.value.Kind() == reflect.Bool {
			if joined {
				return nil, false
			}
			f.value.SetBool(true)
			continue
		}
		if optional, ok := f.value.Addr().Interface().(kong.BoolMapperValue); ok {
			if !decodeOptional(optional, value, joined) {
				return nil, false
			}
			continue
		}
		if !joined {
			if len(rest) == 0 {
				return nil, false
			}
			value, rest = rest[0], rest[1:]
		}
		if !f.set(value) {
			return nil, false
		}
	}
	return rest, true
}

func (r *reader) find(word string) *quickFlag {
	name, ok := strings.CutPrefix(word, "--")
	if !ok || name == "" {
		return nil
	}
	for i := range r.flags {
		if f := &r.flags[i]; f.name == name || f.hasAlias(name) {
			return f
		}
	}
	return nil
}

func (f *quickFlag) hasAlias(name string) bool {
	return strings.Contains(string(f.tag), `aliases:"`) && slices.Contains(strings.Split(f.tag.Get("aliases"), ","), name)
}

// plain reports whether the field's tags are all understood here.
func (f *quickFlag) plain() bool {
	for tag := string(f.tag); tag != ""; {
		key, rest, ok := strings.Cut(tag, `:"`)
		if !ok {
			return false
		}
		value, more, ok := cutQuoted(rest)
		if !ok {
			return false
		}
		switch key {
		case "name", "group", "placeholder", "help", "xor", "default", "hidden", "aliases":
		case "sep":
			if value != "none" {
				return false
			}
		default:
			return false
		}
		tag = strings.TrimLeft(more, " ")
	}
	return true
}

// cutQuoted cuts the rest of a quoted string off.
func cutQuoted(s string) (value, rest string, ok bool) {
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			return s[:i], s[i+1:], true
		}
	}
	return "", "", false
}

// exclusive reports whether the flag may be given with those before it.
func (r *reader) exclusive(f *quickFlag) bool {
	if !f.given {
		f.given = true
		for group := range strings.SplitSeq(f.tag.Get("xor"), ",") {
			for _, taken := range r.xor {
				if group != "" && group == taken {
					return false
				}
			}
			r.xor = append(r.xor, group)
		}
	}
	return true
}

// set decodes a value into the field: one of a type with a Decode method, a
// pointer to such a type, or a list of such values.
func (f *quickFlag) set(value string) bool {
	switch f.value.Kind() {
	case reflect.Slice: // a list that was given is not nil, be it empty
		if f.value.IsNil() {
			f.value.Set(reflect.MakeSlice(f.value.Type(), 0, 0))
		}
	case reflect.Map:
		return false
	}
	if decodeInto(f.value.Addr(), value) {
		return true
	}
	switch f.value.Kind() {
	case reflect.Pointer:
		if f.value.IsNil() {
			f.value.Set(reflect.New(f.value.Type().Elem()))
		}
		return decodeInto(f.value, value)
	case reflect.Slice:
		if f.tag.Get("sep") != "none" {
			return false
		}
		p := reflect.New(f.value.Type().Elem())
		ok := decodeInto(p, value)
		f.value.Set(reflect.Append(f.value, p.Elem()))
		return ok
	}
	return false
}

// decodeInto reports false where kong has to decide: at types that it treats
// in ways of its own, and at values that are wrong.
func decodeInto(p reflect.Value, value string) bool {
	m, ok := p.Interface().(kong.MapperValue)
	if !ok {
		return false
	}
	switch m.(type) {
	case kong.BoolMapperValue, interface{ Validate() error }:
		return false
	}
	return m.Decode(&kong.DecodeContext{Scan: kong.ScanAsType(kong.FlagValueToken, value)}) == nil
}

// decodeOptional decodes a value that may be missing.
func decodeOptional(m kong.BoolMapperValue, value string, given bool) bool {
	scan := kong.Scan()
	if given {
		scan = kong.ScanAsType(kong.FlagValueToken, value)
	}
	return m.IsBool() && m.Decode(&kong.DecodeContext{Scan: scan}) == nil
}

// setDefaults sets the fields of flags that have a default and were not given.
func (r *reader) setDefaults() bool {
	for i := range r.flags {
		f := &r.flags[i]
		if f.given || !strings.Contains(string(f.tag), `default:"`) {
			continue
		}
		if !f.plain() || !f.set(f.tag.Get("default")) {
			return false
		}
	}
	return true
}
