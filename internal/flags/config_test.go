package flags

import (
	"errors"
	"strings"
	"testing"
)

// disk are configuration files for Expand.
type disk map[string]string

func (d disk) read(path string) ([]byte, error) {
	if text, ok := d[path]; ok {
		return []byte(text), nil
	}
	return nil, errors.New("no such file")
}

func TestExpand(t *testing.T) {
	names := disk{
		"job":   "variable = ['A', 'B']\ndir = 'x' # a comment\nquiet = false\nprogram = ['ls', '-l']\nbind = 7\ntrace = true",
		"later": "dir = 'y'\nprogram = 'pwd'\n\"trace\" = 'f'\nquiet = true",
		"wrong": "dir = 'x'\n\n  umsk = 3",
		"type":  "quiet = 'yes'", "nested": "[limits]\nx = 1", "lists": "env = [['a']]", "syntax": "dir = = 3", "date": "dir = 2026-01-02",
	}
	for in, want := range map[string]string{
		"run":                             "| ",
		"run --config job":                "--env=A --env=B --dir=x --bind=7 --trace | ls -l",
		"run --config=job --dir z id":     "--env=A --env=B --bind=7 --trace --dir=z | id",
		"run --config job --env C":        "--dir=x --bind=7 --trace --env=C | ls -l",
		"run --config job --quiet=no":     "--env=A --env=B --dir=x --bind=7 --trace --quiet=no | ls -l",
		"run --config job --config=later": "--env=A --env=B --bind=7 --dir=y --trace=f --quiet | pwd",
		"run --config later --config job": "--env=A --env=B --dir=x --bind=7 --trace | ls -l",
		"run --config absent":             "--config: no such file",
		"run --config wrong":              `--config: wrong:3: there is no flag --umsk for the key "umsk"`,
		"run --config type":               "--config: type:1: quiet is true or false, not yes",
		"run --config nested":             `--config: nested:1: there is no flag --limits for the key "limits"`,
		"run --config lists":              "--config: lists:1: env is a list of lists",
		"run --config syntax":             "--config: syntax:1: toml: ",
		"run --config date":               "--config: date:1: dir cannot be 2026-01-02, of type ",
		"run --config job --config date":  "--config: date:1: dir cannot be 2026-01-02, of type ",
	} {
		line, err := app.Read(strings.Fields(in))
		if err == nil {
			err = line.Expand(names.read)
		}
		got := shape(line)
		if err != nil {
			got = err.Error()
		}
		if got != want && !(err != nil && strings.HasSuffix(want, " ") && strings.HasPrefix(got, want)) {
			t.Errorf("%s:\n\t%q; want\n\t%q", in, got, want)
		}
	}
}

func TestTOML(t *testing.T) {
	for in, want := range map[string]string{
		"run":                               "",
		"run x -y":                          "program = ['x', '-y']\n",
		"run --quiet --dir d --quiet=no x":  "quiet = false\ndir = 'd'\nprogram = ['x']\n",
		"run --env A --bind=1 --variable B": "env = ['A', 'B']\nbind = '1'\n",
		"run --trace --dir-fd=3":            "trace = true\ndir-fd = '3'\n",
		"run --trace=a --trace=b":           "trace = 'b'\n",
		"show --json --dir=d":               "dir = 'd'\n",
	} {
		line, err := app.Read(strings.Fields(in))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := line.TOML("json"); got != want || err != nil {
			t.Errorf("%s as a file = %q, %v; want %q", in, got, err, want)
		}
	}
}
