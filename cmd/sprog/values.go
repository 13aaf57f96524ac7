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

// A text is any value.
type text string

func (t *text) Decode(ctx *kong.DecodeContext) error {
	s, err := decode(ctx)
	*t = text(s)
	return err
}

// A word is a value that cannot be empty.
type word string

func (w *word) Decode(ctx *kong.DecodeContext) error {
	s, err := decode(ctx)
	if err == nil && s == "" {
		return errors.New("empty value")
	}
	*w = word(s)
	return err
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

func (l *numbers) Decode(ctx *kong.DecodeContext) error {
	var names nameList
	if err := names.Decode(ctx); err != nil {
		return err
	}
	for _, name := range names {
		n, err := parseNumber(name)
		if err != nil {
			return err
		}
		*l = append(*l, n)
	}
	return nil
}

// A number is a number that is not negative.
type number int

func (n *number) Decode(ctx *kong.DecodeContext) error {
	s, err := decode(ctx)
	if err != nil {
		return err
	}
	i, err := parseNumber(s)
	*n = number(i)
	return err
}

func parseNumber(s string) (int, error) {
	n, err := strconv.ParseUint(s, 10, 31)
	if err != nil {
		return 0, fmt.Errorf("%q is not a number from 0", s)
	}
	return int(n), nil
}

// A umask is a file mode creation mask.
type umask uint32

func (m *umask) Decode(ctx *kong.DecodeContext) error {
	s, err := decode(ctx)
	if err != nil {
		return err
	}
	n, err := strconv.ParseUint(s, 8, 32)
	if err != nil || n > 0o777 {
		return fmt.Errorf("%q is not an octal mode from 0 to 777", s)
	}
	*m = umask(n)
	return nil
}

// A span is a length of time above zero: seconds, as timeout(1) takes them, or
// a number with a unit.
type span time.Duration

func (d *span) Decode(ctx *kong.DecodeContext) error {
	s, err := decode(ctx)
	if err != nil {
		return err
	}
	t, err := parseSpan(s)
	*d = span(t)
	return err
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
