//go:build !linux || !(amd64 || arm64)

package sprog

import (
	"errors"
	"os"
	"syscall"
)

// Nothing is started on other systems, so that nothing runs either.

func (c *Cmd) mayChangeClocks() bool { return false }
func (r *Result) use(*Cmd)           {}
func (r *Result) explain(*Cmd)       {}
func errnoText(syscall.Errno) string { return "" }

func newPipe(bool) (*os.File, int, error) { return nil, -1, errors.ErrUnsupported }

func closeRaw(int) {}

func (c *Cmd) startPTY(WindowSize) (*os.File, error) { return nil, errors.ErrUnsupported }
func ptySize(*os.File) (WindowSize, error)           { return WindowSize{}, errors.ErrUnsupported }
func setPTYSize(*os.File, WindowSize) error          { return errors.ErrUnsupported }

func updateProcess(int, *Attr, bool) error { return errors.ErrUnsupported }
func (g *CgroupHandle) set(*Cgroup) error  { return errors.ErrUnsupported }
func (g *CgroupHandle) update(*Attr) error { return errors.ErrUnsupported }

func followStops(*os.Process, func(EventKind, syscall.Signal)) {}

func wantsPidFD(*syscall.SysProcAttr) bool { return false }
