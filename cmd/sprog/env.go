//go:build linux

package main

import (
	"fmt"
	"os"
	"slices"
	"strings"
)

// An envList is a list of variables, NAME=VALUE, or NAME to copy the caller's.
type envList []string

func (l *envList) Set(s string) error { return decodeMore(s, l, parseVariable) }

func parseVariable(s string) (string, error) {
	if name, _, _ := strings.Cut(s, "="); name == "" {
		return "", fmt.Errorf("%q has no name", s)
	}
	return s, nil
}

// environment returns the program's environment, made from base. It is never
// nil, which would stand for the caller's.
func (f *startFlags) environment(base []string) []string {
	if f.ClearEnv {
		base = nil
	}
	env := f.sandbox.environment(append([]string{}, base...))
	for _, name := range f.UnsetEnv {
		env = unsetEnv(env, name)
	}
	for _, s := range f.Env {
		name, _, isSet := strings.Cut(s, "=")
		if !isSet {
			value, ok := os.LookupEnv(name)
			if !ok {
				continue
			}
			s = name + "=" + value
		}
		env = append(unsetEnv(env, name), s)
	}
	return env
}

func unsetEnv(env []string, name string) []string {
	return slices.DeleteFunc(env, func(s string) bool { return strings.HasPrefix(s, name+"=") })
}

func lookupEnv(env []string, name string) (string, bool) {
	for _, s := range env {
		if value, ok := strings.CutPrefix(s, name+"="); ok {
			return value, true
		}
	}
	return "", false
}
