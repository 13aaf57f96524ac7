//go:build !linux || !(amd64 || arm64)

package sprog

import "syscall"

type (
	ender      struct{}
	programEnd struct{}
	flight     struct{}
)

func newFlight() *flight    { return nil }
func (f *flight) end(error) {}

func (e *ender) end(Cause) error { return nil }
func (e *ender) finish()         {}

func (c *Cmd) checkCPUTime() *StartError { return nil }
func (c *Cmd) watchTime()                {}
func (c *Cmd) findProgram()              {}
func (c *Cmd) protections() []string     { return nil }
func (c *Cmd) readEnd()                  {}
func (r *Result) use(*Cmd)               {}
func (r *Result) explain(*Cmd)           {}
func errnoText(syscall.Errno) string     { return "" }
