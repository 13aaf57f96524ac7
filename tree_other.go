//go:build !linux || !(amd64 || arm64)

package sprog

import "errors"

func (c *Cmd) killTree() (Reach, error) { return ReachNothing, errors.ErrUnsupported }

func (c *Cmd) reachOfKill() Reach { return ReachChildren }
