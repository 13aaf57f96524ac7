//go:build linux

package main

import (
	"slices"
	"testing"
)

func TestSetEdit(t *testing.T) {
	known := func() []string { return []string{"a", "b", "c"} }
	valid := oneOf(known(), "letter")
	for _, test := range []struct {
		list      string
		drop, add []string
	}{
		{"", []string{"all"}, nil},
		{"none", []string{"all"}, nil},
		{"a,b", []string{"all"}, []string{"a", "b"}},
		{"all", nil, []string{"all"}},
		{"+a,-b", []string{"b"}, []string{"a"}},
		{"-a,+a", nil, []string{"a"}},
		{"+a,-a", []string{"a"}, nil},
		{"-all,+b,+c,-b", []string{"all", "b"}, []string{"c"}},
		{"+all,-b", []string{"b"}, []string{"a", "c"}},
		{"+a,-all", []string{"all"}, nil},
	} {
		var e setEdit
		if err := e.edit(test.list, valid, known); err != nil {
			t.Errorf("edit(%q): %v", test.list, err)
		}
		if !slices.Equal(e.drop, test.drop) || !slices.Equal(e.add, test.add) {
			t.Errorf("edit(%q) = drop %q, add %q; want %q, %q", test.list, e.drop, e.add, test.drop, test.add)
		}
	}
	for _, list := range []string{"a,,b", "d", "+d", "+", "-", "+a,b", "a,+b", "all,none,d"} {
		if err := new(setEdit).edit(list, valid, known); err == nil {
			t.Errorf("edit(%q) = nil; want an error", list)
		}
	}
}
