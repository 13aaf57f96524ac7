//go:build !linux

package sprog

import (
	"os"
	"syscall"
)

func traced(*syscall.SysProcAttr) bool { return false }

func stopped(*os.ProcessState) bool { return false }

func wantsPidFD(*syscall.SysProcAttr) bool { return false }
