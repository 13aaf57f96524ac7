//go:build !linux || !(amd64 || arm64)

package sprog

import "errors"

func (g *CgroupHandle) stats() (CgroupStats, error) { return CgroupStats{}, errors.ErrUnsupported }
func (g *CgroupHandle) kill() error                 { return errors.ErrUnsupported }
func (g *CgroupHandle) freeze(string) error         { return errors.ErrUnsupported }
func (g *CgroupHandle) remove() error               { return errors.ErrUnsupported }
