//go:build linux

package main

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/alecthomas/kong"
)

// The types below parse the values of flags. The error of a Decode is shown
// behind the flag's name.

// decode reads the value of a flag.
func decode(ctx *kong.DecodeContext) (string, error) {
	if ctx.Scan.Peek().IsEOL() {
		return "", errors.New("its value is missing")
	}
	token, err := ctx.Scan.PopValue("value") // PopValueInto would go through JSON
	s, _ := token.Value.(string)
	return s, err
}

// decodeTo parses the value of a flag, and keeps what it comes to.
func decodeTo[T any](ctx *kong.DecodeContext, to *T, parse func(string) (T, error)) error {
	s, err := decode(ctx)
	if err != nil {
		return err
	}
	v, err := parse(s)
	if err == nil {
		*to = v
	}
	return err
}

// decodeMore parses the value of a flag that can be repeated.
func decodeMore[L ~[]T, T any](ctx *kong.DecodeContext, to *L, parse func(string) (T, error)) error {
	var v T
	err := decodeTo(ctx, &v, parse)
	if err == nil {
		*to = append(*to, v)
	}
	return err
}

// decodeNames calls f for each name of a list.
func decodeNames(ctx *kong.DecodeContext, f func(name string) error) error {
	var names nameList
	if err := names.Decode(ctx); err != nil {
		return err
	}
	for _, name := range names {
		if err := f(name); err != nil {
			return err
		}
	}
	return nil
}

// decodeList parses each name of a list.
func decodeList[L ~[]T, T any](ctx *kong.DecodeContext, to *L, parse func(name string) (T, error)) error {
	return decodeNames(ctx, func(name string) error {
		v, err := parse(name)
		if err == nil {
			*to = append(*to, v)
		}
		return err
	})
}

// decodePair reads a name and a value with = between.
func decodePair(ctx *kong.DecodeContext, form string) (name, value string, err error) {
	s, err := decode(ctx)
	if err != nil {
		return "", "", err
	}
	name, value, ok := strings.Cut(s, "=")
	if !ok || name == "" || value == "" {
		return "", "", fmt.Errorf("%q is not %s", s, form)
	}
	return name, value, nil
}

// A text is any value.
type text string

func (t *text) Decode(ctx *kong.DecodeContext) (err error) {
	*(*string)(t), err = decode(ctx)
	return err
}

// A word is a value that cannot be empty.
type word string

func (w *word) Decode(ctx *kong.DecodeContext) error { return decodeTo(ctx, w, parseWord) }

func parseWord(s string) (word, error) {
	if s == "" {
		return "", errors.New("empty value")
	}
	return word(s), nil
}

// A dash is sprog's standard input or output where a flag takes a file that
// sprog itself reads or writes.
const dash = "-"

var errDash = errors.New(`"-" is no file here: a file of that name is ./-`)

// A fileName is the name of a file that the program is given.
type fileName string

func (n *fileName) Decode(ctx *kong.DecodeContext) error { return decodeTo(ctx, n, parseFileName) }

func parseFileName(s string) (fileName, error) {
	if s == dash {
		return "", errDash
	}
	w, err := parseWord(s)
	return fileName(w), err
}

// A nameList is a list of names, by commas or by repeating the flag.
type nameList []string

func (l *nameList) Decode(ctx *kong.DecodeContext) error {
	s, err := decode(ctx)
	if err != nil {
		return err
	}
	return l.split(s)
}

func (l *nameList) split(s string) error {
	if s == "" {
		return nil
	}
	for name := range strings.SplitSeq(s, ",") {
		if name == "" {
			return fmt.Errorf("%q has an empty name", s)
		}
		*l = append(*l, name)
	}
	return nil
}

// A numbers is a list of numbers that are not negative.
type numbers []int

func (l *numbers) Decode(ctx *kong.DecodeContext) error { return decodeList(ctx, l, parseNumber) }

// A number is a number that is not negative.
type number int

func (n *number) Decode(ctx *kong.DecodeContext) error { return decodeTo(ctx, (*int)(n), parseNumber) }

func parseNumber(s string) (int, error) {
	n, err := strconv.ParseUint(s, 10, 31)
	if err != nil {
		return 0, fmt.Errorf("%q is not a number from 0", s)
	}
	return int(n), nil
}

// A umask is a file mode creation mask.
type umask uint32

func (m *umask) Decode(ctx *kong.DecodeContext) error { return decodeTo(ctx, m, parseUmask) }

func parseUmask(s string) (umask, error) {
	n, err := strconv.ParseUint(s, 8, 32)
	if err != nil || n > 0o777 {
		return 0, fmt.Errorf("%q is not an octal mode from 0 to 777", s)
	}
	return umask(n), nil
}

// A span is a length of time above zero: seconds, as timeout(1) takes them, or
// a number with a unit.
type span time.Duration

func (d *span) Decode(ctx *kong.DecodeContext) error {
	return decodeTo(ctx, (*time.Duration)(d), parseSpan)
}

func parseSpan(s string) (time.Duration, error) {
	var t time.Duration
	seconds, err := strconv.ParseFloat(s, 64)
	if err == nil && !math.IsNaN(seconds) && seconds < math.MaxInt64/1e9 {
		t = time.Duration(seconds * 1e9)
	} else if days, isDays := strings.CutSuffix(s, "d"); isDays {
		if n, err := strconv.ParseUint(days, 10, 16); err == nil {
			t = time.Duration(n) * 24 * time.Hour
		}
	} else {
		t, _ = time.ParseDuration(s)
	}
	if t <= 0 {
		return 0, fmt.Errorf("%q is not a time above zero, such as 1.5, 90s or 2h", s)
	}
	return t, nil
}
