//go:build linux

package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// A setEdit changes a set of flags that have names. It is written as
// setpriv(1) has it: +NAME adds and -NAME drops, one after the other. Names
// without a sign are the whole set, and an empty list is the empty set.
type setEdit struct {
	drop, add []string
}

// edit applies a list. The names must be valid, and known lists those that
// "all" stands for.
func (e *setEdit) edit(list string, valid func(string) error, known func() []string) error {
	var names nameList
	if err := names.split(list); err != nil {
		return err
	}
	signed := 0
	for _, name := range names {
		if strings.HasPrefix(name, "+") || strings.HasPrefix(name, "-") {
			signed++
		}
	}
	switch {
	case signed == 0:
		names = append(nameList{"-all"}, plus(names)...)
	case signed != len(names):
		return errors.New("some names have a sign and others have none: signs change a set, without one it is exactly what is named")
	}
	for _, name := range names {
		if name[1:] != "all" {
			if err := valid(name[1:]); err != nil {
				return err
			}
		}
		e.change(name[0] == '+', name[1:], known)
	}
	return nil
}

func plus(names []string) (list []string) {
	for _, name := range names {
		if name != "none" {
			list = append(list, "+"+name)
		}
	}
	return list
}

// change adds or drops one name. What is added is added after everything else
// is dropped, so that a name has to leave the one list for the other.
func (e *setEdit) change(add bool, name string, known func() []string) {
	is := func(other string) bool { return other == name }
	switch {
	case add && name == "all":
		e.drop, e.add = nil, []string{name}
	case add:
		e.drop = slices.DeleteFunc(e.drop, is)
		e.add = append(e.add, name)
	case name == "all":
		e.drop, e.add = []string{name}, nil
	default:
		if slices.Contains(e.add, "all") {
			e.add = known()
		}
		e.add = slices.DeleteFunc(e.add, is)
		e.drop = append(e.drop, name)
	}
}

// oneOf accepts some names.
func oneOf(names []string, what string) func(string) error {
	return func(name string) error {
		if !slices.Contains(names, name) {
			return fmt.Errorf("%q is no %s: %s", name, what, strings.Join(names, ", "))
		}
		return nil
	}
}
