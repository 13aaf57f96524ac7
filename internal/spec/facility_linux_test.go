//go:build amd64 || arm64

package spec

import (
	"reflect"
	"testing"
)

// Each field of Attr has one record, and each record a field.
func TestFacilities(t *testing.T) {
	fields := map[string]int{}
	for _, f := range reflect.VisibleFields(reflect.TypeFor[Attr]()) {
		fields[f.Name] = 0
	}
	for _, f := range Facilities {
		n, is := fields[f.Field]
		if !is {
			t.Errorf("the record %s is of no field", f.Field)
		}
		if (f.confines != nil) != (f.Confines != "") {
			t.Errorf("%s confines without words, or has words and does not confine", f.Field)
		}
		fields[f.Field] = n + 1
	}
	for name, n := range fields {
		if n != 1 {
			t.Errorf("Attr.%s has %d records; want one in Facilities", name, n)
		}
	}
}
