package flags

import (
	"fmt"
	"reflect"
	"strings"
)

// Takes is whether a flag takes a value.
type Takes int

const (
	Nothing   Takes = iota // a switch: on, or off by --flag=no
	Perhaps                // behind an equals sign
	Something              // behind an equals sign, or as the next word
)

// Takes returns whether the flag takes a value.
func (f *Flag) Takes() Takes {
	if !f.value.IsValid() {
		return f.takes
	}
	switch f.value.Addr().Interface().(type) {
	case *bool:
		return Nothing
	case Optional:
		return Perhaps
	}
	return Something
}

// ordered is the value of a flag that stands in order with others.
func (f *Flag) ordered() (v Ordered, ok bool) {
	if f.value.IsValid() {
		v, ok = f.value.Addr().Interface().(Ordered)
	}
	return v, ok
}

// takesWord reports whether a value that may be left out is the next word.
func (f *Flag) takesWord(words []string) bool {
	v, ok := f.value.Addr().Interface().(Recognizer)
	return ok && len(words) > 0 && v.Recognizes(words[0])
}

// set reads one value into the field: a switch, a Value, a pointer to one, or a
// list of them.
func (f *Flag) set(value string, has bool) error {
	switch v := f.value.Addr().Interface().(type) {
	case *bool:
		return setSwitch(v, value, has)
	case Optional:
		if !has {
			return v.SetBare()
		}
		return v.Set(value)
	case Value:
		if f.value.Kind() == reflect.Slice && f.value.IsNil() { // one that is given is not nil, be it empty
			f.value.Set(reflect.MakeSlice(f.value.Type(), 0, 0))
		}
		return v.Set(value)
	}
	elem := reflect.New(f.value.Type().Elem())
	if f.value.Kind() == reflect.Pointer {
		if !f.value.IsNil() {
			elem = f.value
		}
		err := elem.Interface().(Value).Set(value)
		f.value.Set(elem)
		return err
	}
	err := elem.Interface().(Value).Set(value)
	f.value.Set(reflect.Append(f.value, elem.Elem()))
	return err
}

// isSettable reports whether the field is of a type that set knows.
func (f *Flag) isSettable() bool {
	switch f.value.Addr().Interface().(type) {
	case *bool, Value:
		return true
	}
	if kind := f.value.Kind(); kind != reflect.Pointer && kind != reflect.Slice {
		return false
	}
	_, ok := reflect.New(f.value.Type().Elem()).Interface().(Value)
	return ok
}

func setSwitch(on *bool, value string, has bool) error {
	switch word := strings.ToLower(value); {
	case !has, word == "true", word == "1", word == "yes":
		*on = true
	case word == "false", word == "0", word == "no":
		*on = false
	default:
		return fmt.Errorf("%q is neither true nor false (1 and 0, or yes and no)", value)
	}
	return nil
}
