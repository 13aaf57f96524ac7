//go:build !linux

package sprog

import (
	"errors"
	"os"
)

func newPipe(bool) (*os.File, int, error) { return nil, -1, errors.ErrUnsupported }

func closeRaw(int) {}
