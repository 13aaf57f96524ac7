//go:build amd64 || arm64

package spec

import (
	"syscall"
)

// The IDMaps are the id maps: those of SysProcAttr, and what Attr.IDMap adds.
type IDMaps struct {
	Uids, Gids []syscall.SysProcIDMap
}
