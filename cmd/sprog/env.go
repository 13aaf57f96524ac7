//go:build linux

package main

import (
	"fmt"
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
