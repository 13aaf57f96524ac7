package flags

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Check reports mistakes in the declarations, for a test: a field that no value
// can be read into, a tag or a heading that means nothing, two flags of a name.
func (a *App) Check() error {
	var all []error
	for i := range a.Commands {
		c := &a.Commands[i]
		flags, _ := declared(c.New())
		seen := []string{"help", "color", "h", "V", programKey}
		for i := range flags {
			f := &flags[i]
			for _, name := range slices.Concat(f.shorts(), f.aliases(), []string{f.Name()}) {
				if slices.Contains(seen, name) {
					all = append(all, fmt.Errorf("%s: two flags are called --%s", c.Name, name))
				}
				seen = append(seen, name)
			}
			for _, wrong := range a.mistakes(f) {
				all = append(all, fmt.Errorf("%s: --%s: %s", c.Name, f.Name(), wrong))
			}
		}
	}
	return errors.Join(all...)
}

// mistakes are those of one declaration.
func (a *App) mistakes(f *Flag) (list []string) {
	known := func(g Group) bool { return g.Key == f.Group() }
	if f.Group() != "" && !slices.ContainsFunc(a.Groups, known) {
		list = append(list, fmt.Sprintf("there is no group %q", f.Group()))
	}
	if !f.isSettable() {
		list = append(list, fmt.Sprintf("%s has no method Set", f.value.Type()))
	} else if f.Takes() != Nothing && f.Placeholder() == "" {
		list = append(list, "its value has no placeholder")
	}
	for _, key := range tagKeys(string(f.tag)) {
		if !slices.Contains([]string{"name", "aliases", "group", "short", "xor", "placeholder", "help", "brief", "hidden", "values"}, key) {
			list = append(list, fmt.Sprintf("the tag %q means nothing", key))
		}
	}
	return list
}

// tagKeys are the keys of a struct's tag.
func tagKeys(tag string) (keys []string) {
	for {
		key, rest, ok := strings.Cut(strings.TrimLeft(tag, " "), `:"`)
		if !ok {
			return keys
		}
		keys = append(keys, key)
		for rest != "" && rest[0] != '"' {
			if rest[0] == '\\' {
				rest = rest[1:]
			}
			rest = rest[1:]
		}
		tag = strings.TrimPrefix(rest, `"`)
	}
}
