// Package terms has what messages say, with references to fields. A Go program knows
// the fields by their names, and whoever uses the command knows flags. So a message
// stays a [Text] until it is shown: to Go by [Text.String], and otherwise by [Text.In].
package terms

import (
	"fmt"
	"reflect"
	"strings"
)

// A Text is what a message says. Where it is about a field it refers to that, in braces:
//
//	{Attr.Umask}                           a field, by its name
//	{Attr.Scheduler: SCHED_RR}             and with a value
//	{Ctty|SysProcAttr.Ctty}                in other words
//	{SCHED_RR|Attr.Scheduler: SCHED_RR}
//
// Go programs read what stands before the bar. Two opening braces stand for one. A constant
// is a Text as it is. What is not known beforehand comes into one by [Plain], [Sprintf] or
// [Of], so that no path can pass for a reference.
type Text string

// A Reference is a field that a text refers to.
type Reference struct {
	Words string // for Go programs
	Field string // "Attr.Umask", with indices if it has them
	Value string // that the field is to have, or ""
}

// Words say how a field is called where it is not by its name.
type Words func(Reference) string

// String is the text for Go programs.
func (t Text) String() string { return t.In(nil) }

// In is the text with references in other words.
func (t Text) In(words Words) string {
	if strings.IndexByte(string(t), '{') < 0 {
		return string(t)
	}
	var b strings.Builder
	t.Walk(func(plain string) { b.WriteString(plain) }, func(r Reference) {
		if words == nil {
			b.WriteString(r.Words)
		} else {
			b.WriteString(words(r))
		}
	})
	return b.String()
}

// Walk goes through a text, from one reference to the next.
func (t Text) Walk(plain func(string), refer func(Reference)) {
	for rest := string(t); rest != ""; {
		before, after, found := strings.Cut(rest, "{")
		plain(before)
		inner, behind, closed := strings.Cut(after, "}")
		switch {
		case !found:
			return
		case strings.HasPrefix(after, "{") || !closed:
			plain("{")
			rest = strings.TrimPrefix(after, "{")
		default:
			refer(reference(inner))
			rest = behind
		}
	}
}

// reference reads what stands between braces.
func reference(inner string) (r Reference) {
	words, field, other := strings.Cut(inner, "|")
	if !other {
		field = words
	}
	r.Words = words
	r.Field, r.Value, _ = strings.Cut(field, ": ")
	return r
}

// Trim is the text without space at its beginning.
func (t Text) Trim() Text { return Text(strings.TrimLeft(string(t), " ")) }

// Plain is a text without references.
func Plain(s string) Text { return Text(strings.ReplaceAll(s, "{", "{{")) }

// Field is a reference to a field by its name.
func Field(name string) Text { return "{" + Text(name) + "}" }

// Ref is a reference to a field in other words.
func Ref(words, field string) Text { return "{" + Text(words) + "|" + Text(field) + "}" }

// Sprintf is fmt.Sprintf for a format with references, which has no verb but %s.
func Sprintf(format Text, values ...any) Text {
	for i, v := range values {
		values[i] = string(text(v))
	}
	return Text(fmt.Sprintf(string(format), values...))
}

// text is the text of a value.
func text(v any) Text {
	switch v := v.(type) {
	case Text:
		return v
	case error:
		return Of(v)
	case fmt.Stringer:
		return Plain(v.String())
	}
	if s := reflect.ValueOf(v); s.Kind() == reflect.String {
		return Plain(s.String())
	}
	return Plain(fmt.Sprint(v))
}
