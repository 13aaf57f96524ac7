//go:build !linux || !(amd64 || arm64)

package sprog

import (
	"errors"
	"os"
)

func (c *Cmd) startPTY(WindowSize) (*os.File, error) { return nil, errors.ErrUnsupported }
func ptySize(*os.File) (WindowSize, error)           { return WindowSize{}, errors.ErrUnsupported }
func setPTYSize(*os.File, WindowSize) error          { return errors.ErrUnsupported }
