//go:build !linux || !(amd64 || arm64)

package sprog

import (
	"os"
	"syscall"
)

type ender struct{}

func (e *ender) end(Cause) error { return nil }
func (e *ender) finish()         {}

func (c *Cmd) watchTime()              {}
func (c *Cmd) findProgram()            {}
func (c *Cmd) protections() []string   { return nil }
func (r *Result) use(*os.ProcessState) {}
func (r *Result) explain(*Cmd)         {}
func errnoText(syscall.Errno) string   { return "" }
