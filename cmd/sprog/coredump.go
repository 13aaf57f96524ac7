//go:build linux

package main

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/sprog-dev/sprog"
)

// A coreMaps is a set of the mappings that a core file has.
type coreMaps sprog.CoredumpFilter

func mappingKinds() map[string]sprog.CoredumpFilter {
	return map[string]sprog.CoredumpFilter{
		"anonymous-private": sprog.DumpAnonymousPrivate, "anonymous-shared": sprog.DumpAnonymousShared,
		"mapped-private": sprog.DumpMappedPrivate, "mapped-shared": sprog.DumpMappedShared, "elf-headers": sprog.DumpELFHeaders,
		"huge-private": sprog.DumpHugePrivate, "huge-shared": sprog.DumpHugeShared, "dax-private": sprog.DumpDAXPrivate,
		"dax-shared": sprog.DumpDAXShared, "all": sprog.DumpDAXShared<<1 - 1,
		"default": sprog.DumpAnonymousPrivate | sprog.DumpAnonymousShared | sprog.DumpELFHeaders | sprog.DumpHugePrivate,
	}
}

func (c *coreMaps) Set(s string) error {
	return decodeNames(s, func(name string) error {
		kind, known := mappingKinds()[name]
		n, err := strconv.ParseUint(name, 0, 32)
		switch {
		case known:
			n = uint64(kind)
		case err != nil:
			return fmt.Errorf("%q is no kind of mapping: %s", name, strings.Join(slices.Sorted(maps.Keys(mappingKinds())), ", "))
		}
		*c |= coreMaps(n)
		return nil
	})
}
