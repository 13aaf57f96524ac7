//go:build amd64 || arm64

package spec

import (
	"reflect"
	"slices"
	"syscall"
)

// Changeable are the fields of Attr that a running process can be given, in the order
// in which it is: what may allow the rest comes first.
var Changeable = []string{"Rlimits", "CPUs", "Nice", "Scheduler", "IOPriority", "OOMScoreAdj"}

// CheckUpdate refuses what no running process can be given.
func (a *Attr) CheckUpdate() *Error {
	value := reflect.ValueOf(a).Elem()
	asked := false
	for i := range value.NumField() {
		name := value.Type().Field(i).Name
		switch set := !value.Field(i).IsZero(); {
		case set && !slices.Contains(Changeable, name):
			return Invalid("Attr."+name, "", "cannot be changed from outside of a process that runs")
		case set:
			asked = true
		}
	}
	if !asked {
		return Invalid("", "", "nothing is to be changed")
	}
	r := &Start{Attr: a, Sys: new(syscall.SysProcAttr)}
	for _, f := range Facilities {
		if slices.Contains(Changeable, f.Field) && f.check != nil {
			if err := f.check(r); err != nil {
				return err
			}
		}
	}
	return nil
}

// CheckUpdate refuses what no cgroup that exists can be given.
func (c *Cgroup) CheckUpdate() *Error {
	value := reflect.ValueOf(c).Elem()
	for _, name := range []string{"Parent", "Name", "Controllers", "Evacuate", "Keep"} {
		if !value.FieldByName(name).IsZero() {
			return Invalid(CgroupField+"."+name, "", "is for a cgroup that is to be made")
		}
	}
	if len(c.Writes()) == 0 {
		return Invalid(CgroupField, "", "has no limit")
	}
	if err := c.checkNumbers(); err != nil {
		return err
	}
	return c.checkFiles()
}
