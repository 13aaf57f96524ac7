//go:build linux && (amd64 || arm64)

package main

import (
	"strings"
	"testing"

	"github.com/sprog-dev/sprog/internal/spec"
)

// The command has a flag for each facility, or says why not.
func TestFacilitiesHaveFlags(t *testing.T) {
	for _, f := range spec.Facilities {
		has := false
		for _, named := range flagsOfFields {
			has = has || strings.HasPrefix(named.field+".", "Attr."+f.Field+".")
		}
		if has == (f.NoFlag != "") {
			t.Errorf("Attr.%s: has a flag %v, and NoFlag is %q", f.Field, has, f.NoFlag)
		}
	}
}
