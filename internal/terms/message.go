package terms

import (
	"context"
	"strings"
)

// A Message is an error with a text. Errors of package sprog that are made elsewhere
// become one by errors.As, which is how their text is shown in other words.
type Message struct {
	Text Text
	Err  error // that it wraps, or nil
	Hint Text  // of a start's error: the last part of the text
}

func (m Message) Error() string { return m.Text.String() }
func (m Message) Unwrap() error { return m.Err }

// Of is the text of an error. One that wraps others and says what they say, as those of
// fmt.Errorf do, refers to fields where they do.
func Of(err error) Text {
	if m, is := err.(Message); is {
		return m.Text
	}
	if as, can := err.(interface{ As(any) bool }); can {
		if m := (Message{}); as.As(&m) {
			return m.Text
		}
	}
	var wrapped []error
	switch w := err.(type) {
	case interface{ Unwrap() error }:
		wrapped = []error{w.Unwrap()}
	case interface{ Unwrap() []error }:
		wrapped = w.Unwrap()
	}
	said, rest := Text(""), err.Error()
	for _, inner := range wrapped {
		if inner == nil {
			continue
		}
		if before, after, found := strings.Cut(rest, inner.Error()); found {
			said, rest = said+Plain(before)+Of(inner), after
		}
	}
	return said + Plain(rest)
}

// key is that of the words in a context.
type key struct{}

// With returns a context for a start whose messages nobody can put into words when they
// are shown: when an Exec fails, no Go code is left. Such messages are made beforehand,
// in these words.
func With(ctx context.Context, words Words) context.Context {
	return context.WithValue(ctx, key{}, words)
}

// From returns the words of a context, or nil.
func From(ctx context.Context) Words {
	if ctx == nil {
		return nil
	}
	words, _ := ctx.Value(key{}).(Words)
	return words
}
