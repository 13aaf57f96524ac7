//go:build linux && (amd64 || arm64)

package sprog

import (
	"os"
	"reflect"
	"testing"

	"github.com/sprog-dev/sprog/internal/spec"
)

// Whatever a caller asks for, in each field that there is, crosses to package spec as it
// is: nothing is forgotten in the translation, and no field is taken for another.
func TestEveryFieldCrosses(t *testing.T) {
	a := new(Attr)
	n := int64(0)
	fill(reflect.ValueOf(a).Elem(), &n)
	sameValue(t, "Attr", reflect.ValueOf(*a), reflect.ValueOf(*a.spec()))
	if n < 100 {
		t.Errorf("only %d values were set", n)
	}
}

// fill sets every value below one to another, if it can hold so many.
func fill(v reflect.Value, n *int64) {
	*n++
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(true)
	case reflect.String:
		v.SetString(string(rune('a' + *n)))
	case reflect.Int, reflect.Int32, reflect.Int64:
		v.SetInt(*n)
	case reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		v.SetUint(uint64(*n) % 250)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range 2 {
			fill(v.Index(i), n)
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		if v.Type() != reflect.TypeFor[*os.File]() {
			fill(v.Elem(), n)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i), n)
		}
	default:
		panic("no value for " + v.Type().String())
	}
}

// sameValue compares values of types that are alike.
func sameValue(t *testing.T, name string, a, b reflect.Value) {
	t.Helper()
	if a.Kind() != b.Kind() {
		t.Errorf("%s is a %v, and was a %v", name, b.Kind(), a.Kind())
		return
	}
	switch a.Kind() {
	case reflect.Slice:
		if a.Len() != b.Len() {
			t.Errorf("%s has %d entries, and had %d", name, b.Len(), a.Len())
			return
		}
		for i := range a.Len() {
			sameValue(t, spec.Index(name, i), a.Index(i), b.Index(i))
		}
	case reflect.Pointer:
		switch {
		case a.IsNil() || b.IsNil():
			t.Errorf("%s is lost", name)
		case a.Type() == reflect.TypeFor[*os.File]():
			if a.Pointer() != b.Pointer() {
				t.Errorf("%s is another file", name)
			}
		default:
			sameValue(t, name, a.Elem(), b.Elem())
		}
	case reflect.Struct:
		if a.NumField() != b.NumField() {
			t.Errorf("%s has %d fields, and had %d", name, b.NumField(), a.NumField())
			return
		}
		for i := range a.NumField() {
			field := a.Type().Field(i).Name
			sameValue(t, name+"."+field, a.Field(i), b.FieldByName(field))
		}
	default:
		if !a.Equal(b.Convert(a.Type())) {
			t.Errorf("%s is %v, and was %v", name, b, a)
		}
	}
}
