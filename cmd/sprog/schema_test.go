//go:build linux

package main

import (
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/pelletier/go-toml/v2"

	"github.com/sprog-dev/sprog/internal/flags"
)

// docs has the schema of a configuration file, and one with all flags.
func TestConfigFiles(t *testing.T) {
	run := &app.Commands[0]
	schema, err := app.Schema(run)
	if err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]string{"../../docs/config.schema.json": schema, "../../docs/config.toml": app.Example(run, "./config.schema.json")} {
		got, err := os.ReadFile(file)
		if *update {
			err = os.WriteFile(file, []byte(want), 0o644)
		} else if string(got) != want {
			t.Errorf("%s is not what the flags say: run go generate ./cmd/sprog", file)
		}
		if err != nil {
			t.Error(err)
		}
	}
}

// The example says what is the case without it, and has each flag. With its comments taken away it is a
// file whose keys are all flags.
func TestConfigExample(t *testing.T) {
	text := app.Example(&app.Commands[0], "x")
	with, err := readText("run", text)
	if err != nil {
		t.Fatal(err)
	}
	if without, _ := readText("run", ""); !reflect.DeepEqual(with.Runner, without.Runner) {
		t.Error("the example is not the default")
	}
	for _, name := range flagsOfRun() {
		if !strings.Contains(text, "\n#"+name+" = ") && !strings.Contains(text, "\n"+name+" = false\n") {
			t.Errorf("the example lacks %s", name)
		}
	}
	var all strings.Builder
	for line := range strings.Lines(text) {
		if rest, ok := strings.CutPrefix(line, "#"); ok && rest != "" && rest[0] >= 'a' && rest[0] <= 'z' {
			line = rest
		}
		all.WriteString(line)
	}
	keys, err := flags.Keys([]byte(all.String()))
	if err != nil || len(keys) < len(flagsOfRun()) {
		t.Errorf("%d keys, %v; want more than %d", len(keys), err, len(flagsOfRun()))
	}
}

// What the parser takes, the schema allows, and what the schema forbids, the parser refuses.
func TestSchema(t *testing.T) {
	text, err := app.Schema(&app.Commands[0])
	if err != nil {
		t.Fatal(err)
	}
	var schema map[string]any
	if err := json.Unmarshal([]byte(text), &schema); err != nil {
		t.Fatal(err)
	}
	taken, refused := 0, 0
	try := func(file string) {
		line, err := readText("run", file)
		_ = line
		var values map[string]any
		if toml.Unmarshal([]byte(file), &values) != nil {
			return
		}
		wrong := violation(schema, plainValue(values))
		switch {
		case err == nil && wrong != "":
			t.Errorf("the parser takes\n%s\nwhich the schema forbids: %s", file, wrong)
		case err == nil:
			taken++
		case wrong != "":
			refused++
		}
	}
	for _, name := range flagsOfRun() {
		for _, word := range slices.Concat(words, oddWords) {
			try(fmt.Sprintf("%s = %q\n", name, word))
			try(fmt.Sprintf("%s = [%q, %q]\n", name, word, word))
			try(fmt.Sprintf("view = [ { %s = %q } ]\n", name, word))
		}
		for _, value := range []string{"true", "false", "7", "1.5", "[1, 2]", "[[1]]", "{ a = 1 }", "2026-01-02", "[true]"} {
			try(name + " = " + value + "\n")
		}
	}
	for _, file := range []string{"nonsense = 1", "view = []", "view = 3", "view = [ { tmpfs = \"/a\", bind = \"/b\" } ]", "program = [\"a\", 1]", "program = true", "config = \"x\"", "help = true"} {
		try(file)
	}
	for _, file := range []string{"nonsense = 1", "umask = true", "setsid = \"yes\"", "view = [ { umask = 3 } ]", "nice = { a = 1 }"} {
		var values map[string]any
		if err := toml.Unmarshal([]byte(file), &values); err != nil || violation(schema, plainValue(values)) == "" {
			t.Errorf("the schema allows %s (%v)", file, err)
		}
	}
	if taken < 500 || refused < 500 {
		t.Errorf("%d files were taken and %d forbidden; want hundreds of both", taken, refused)
	}
}

// plainValue is a value of TOML as JSON has it.
func plainValue(v any) any {
	text, _ := json.Marshal(v)
	var out any
	json.Unmarshal(text, &out)
	if s, ok := out.(string); ok && reflect.TypeOf(v).Kind() != reflect.String {
		return map[string]any{"a date": s}
	}
	if m, ok := v.(map[string]any); ok {
		all := map[string]any{}
		for key, one := range m {
			all[key] = plainValue(one)
		}
		return all
	}
	return out
}

// violation is what a schema forbids of a value, or "". It knows the words that the schema has.
func violation(schema map[string]any, v any) string {
	for key, rule := range schema {
		switch key {
		case "type":
			types, several := rule.([]any)
			if !several {
				types = []any{rule}
			}
			if !slices.ContainsFunc(types, func(t any) bool { return typeOf(v) == t }) {
				return fmt.Sprintf("%v is no %v", v, rule)
			}
		case "enum":
			if !slices.Contains(rule.([]any), v) {
				return fmt.Sprintf("%v is none of %v", v, rule)
			}
		case "anyOf":
			if !slices.ContainsFunc(rule.([]any), func(one any) bool { return violation(one.(map[string]any), v) == "" }) {
				return fmt.Sprintf("%v is of no form", v)
			}
		case "items":
			for _, one := range asList(v) {
				if wrong := violation(rule.(map[string]any), one); wrong != "" {
					return wrong
				}
			}
		case "required":
			if missing := missingOf(rule.([]any), v); missing != "" {
				return "lacks " + missing
			}
		case "minItems":
			if len(asList(v)) < int(rule.(float64)) {
				return "too few"
			}
		case "properties":
			if wrong := wrongProperty(schema, rule.(map[string]any), v); wrong != "" {
				return wrong
			}
		case "minProperties", "maxProperties":
			if m, _ := v.(map[string]any); len(m) != 1 {
				return "not one property"
			}
		}
	}
	return ""
}

// missingOf is the first required property that an object lacks.
func missingOf(required []any, v any) string {
	object, is := v.(map[string]any)
	for _, name := range required {
		if _, has := object[name.(string)]; is && !has {
			return name.(string)
		}
	}
	return ""
}

func wrongProperty(schema, properties map[string]any, v any) string {
	object, _ := v.(map[string]any)
	for name, one := range object {
		property, known := properties[name].(map[string]any)
		if !known && schema["additionalProperties"] == false {
			return "no property " + name
		}
		if wrong := violation(property, one); wrong != "" {
			return name + ": " + wrong
		}
	}
	return ""
}

func typeOf(v any) string {
	switch v.(type) {
	case string:
		return "string"
	case float64:
		return "number"
	case bool:
		return "boolean"
	case []any:
		return "array"
	case nil:
		return "null"
	}
	return "object"
}

func asList(v any) []any {
	list, _ := v.([]any)
	return list
}
