//go:build !linux

package exitwait

import "os"

func wait(*os.Process) {}
