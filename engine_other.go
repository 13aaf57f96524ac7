//go:build !linux || !(amd64 || arm64)

package sprog

import (
	"errors"
	"os"
	"syscall"

	"github.com/sprog-dev/sprog/internal/spec"
)

// Nothing is started on other systems, so that nothing runs either.
type (
	limiter    struct{}
	programEnd struct{}
)

func (l *limiter) end(Cause) error { return nil }
func (l *limiter) finish()         {}

func natureOf(*spec.Start) nature        { return nature{} }
func (c *Cmd) mayChangeClocks() bool     { return false }
func (c *Cmd) checkCPUTime() *StartError { return nil }
func (c *Cmd) watchTime()                {}
func (c *Cmd) findProgram()              {}
func (c *Cmd) protections() []string     { return nil }
func (c *Cmd) readEnd()                  {}
func (r *Result) use(*Cmd)               {}
func (r *Result) explain(*Cmd)           {}
func errnoText(syscall.Errno) string     { return "" }

func newPipe(bool) (*os.File, int, error) { return nil, -1, errors.ErrUnsupported }

func closeRaw(int) {}

func (c *Cmd) startPTY(WindowSize) (*os.File, error) { return nil, errors.ErrUnsupported }
func ptySize(*os.File) (WindowSize, error)           { return WindowSize{}, errors.ErrUnsupported }
func setPTYSize(*os.File, WindowSize) error          { return errors.ErrUnsupported }

func stopped(*os.ProcessState) bool { return false }

func wantsPidFD(*syscall.SysProcAttr) bool { return false }

func (c *Cmd) killTree() (Reach, error) { return ReachNothing, errors.ErrUnsupported }

func (c *Cmd) reachOfKill() Reach { return ReachChildren }
