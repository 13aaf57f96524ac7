//go:build linux

package main

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// The types below parse the values of flags. The error of a Set is shown
// behind the flag's name.

// decodeTo parses the value of a flag, and keeps what it comes to.
func decodeTo[T any](s string, to *T, parse func(string) (T, error)) error {
	v, err := parse(s)
	if err == nil {
		*to = v
	}
	return err
}

// decodeMore parses the value of a flag that can be repeated.
func decodeMore[L ~[]T, T any](s string, to *L, parse func(string) (T, error)) error {
	var v T
	err := decodeTo(s, &v, parse)
	if err == nil {
		*to = append(*to, v)
	}
	return err
}

// decodeNames calls f for each name of a list.
func decodeNames(s string, f func(name string) error) error {
	var names nameList
	if err := names.Set(s); err != nil {
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
func decodeList[L ~[]T, T any](s string, to *L, parse func(name string) (T, error)) error {
	return decodeNames(s, func(name string) error {
		v, err := parse(name)
		if err == nil {
			*to = append(*to, v)
		}
		return err
	})
}

// decodePair reads a name and a value with = between.
func decodePair(s string, form string) (name, value string, err error) {
	name, value, ok := strings.Cut(s, "=")
	if !ok || name == "" || value == "" {
		return "", "", fmt.Errorf("%q is not %s", s, form)
	}
	return name, value, nil
}

// A text is any value.
type text string

func (t *text) Set(s string) error {
	*t = text(s)
	return nil
}

// A word is a value that cannot be empty.
type word string

func (w *word) Set(s string) error { return decodeTo(s, w, parseWord) }

func parseWord(s string) (word, error) {
	if s == "" {
		return "", errors.New("empty value")
	}
	return word(s), nil
}

// A dash is sprog's standard input or output where a flag takes a file that
// sprog itself reads or writes.
const dash = "-"

var errDash = errors.New(`"-" is not standard input or output here: a file of that name is ./-`)

// A fileName is the name of a file that the program is given.
type fileName string

func (n *fileName) Set(s string) error { return decodeTo(s, n, parseFileName) }

func parseFileName(s string) (fileName, error) {
	if s == dash {
		return "", errDash
	}
	w, err := parseWord(s)
	return fileName(w), err
}

// A nameList is a list of names, by commas or by repeating the flag.
type nameList []string

func (l *nameList) Set(s string) error {
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

func (l *numbers) Set(s string) error { return decodeList(s, l, parseNumber) }

// A number is a number that is not negative.
type number int

func (n *number) Set(s string) error { return decodeTo(s, (*int)(n), parseNumber) }

func parseNumber(s string) (int, error) {
	n, err := strconv.ParseUint(s, 10, 31)
	if err != nil {
		return 0, fmt.Errorf("%q is not a number from 0", s)
	}
	return int(n), nil
}

// A umask is a file mode creation mask.
type umask uint32

func (m *umask) Set(s string) error { return decodeTo(s, m, parseUmask) }

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

func (d *span) Set(s string) error {
	return decodeTo(s, (*time.Duration)(d), parseSpan)
}

func parseSpan(s string) (time.Duration, error) {
	var t time.Duration
	seconds, err := strconv.ParseFloat(s, 64)
	if err == nil && !math.IsNaN(seconds) && seconds < math.MaxInt64/1e9 {
		t = time.Duration(seconds * 1e9)
	} else if days, isDays := strings.CutSuffix(s, "d"); isDays {
		if n, err := strconv.ParseUint(days, 10, 64); err == nil && n <= uint64(math.MaxInt64/(24*time.Hour)) {
			t = time.Duration(n) * 24 * time.Hour
		}
	} else {
		t, _ = time.ParseDuration(s)
	}
	if t <= 0 {
		return 0, fmt.Errorf("%q is not a time above zero and below 292 years, such as 1.5, 90s or 2h", s)
	}
	return t, nil
}

// shown is a path that nothing obeys, neither a terminal nor whoever pastes it into a shell.
func shown(path string) string {
	const plain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/._-+,:@%="
	switch quoted := strconv.Quote(path); {
	case path != "" && strings.Trim(path, plain) == "":
		return path
	case quoted == `"`+path+`"` && !strings.Contains(path, "'"):
		return "'" + path + "'"
	default:
		return strings.NewReplacer("$", `\$`, "`", "\\`").Replace(quoted)
	}
}

// parseLimit parses a limit; max is the greatest number.
func parseLimit(s string) (uint64, error) {
	if s == "max" || s == "unlimited" {
		return math.MaxUint64, nil
	}
	digits := strings.TrimRight(s, "KMGTkmgt")
	shift := 0
	if len(digits) < len(s) {
		shift = 10 * (strings.Index("KMGT", strings.ToUpper(s[len(digits):])) + 1)
	}
	n, err := strconv.ParseUint(digits, 10, 64)
	if err != nil || shift == 0 && len(digits) < len(s) || len(s)-len(digits) > 1 {
		return 0, fmt.Errorf("%q is not a number, with K, M, G or T if need be, or max", s)
	}
	if n > math.MaxUint64>>shift {
		return 0, fmt.Errorf("%q is too large; say max", s)
	}
	return n << shift, nil
}
