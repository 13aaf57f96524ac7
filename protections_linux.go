//go:build amd64 || arm64

package sprog

import "github.com/sprog-dev/sprog/internal/spec"

// protections lists what keeps the program from something. Every one of its steps has
// succeeded.
func (c *Cmd) protections() []string {
	landlock := ""
	if l := c.Birth.Landlock; l != nil && l.Applied != (LandlockSet{}) {
		landlock = "Landlock " + l.Applied.String()
	}
	asked := spec.Start{Sys: c.nature.sys, Attr: c.nature.attr}
	return asked.Protections(landlock)
}
