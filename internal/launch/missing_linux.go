//go:build amd64 || arm64

package launch

import (
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/kernel"
	"github.com/sprog-dev/sprog/internal/machine"
	"github.com/sprog-dev/sprog/internal/program"
)

// missingInSecond is missing for a second stage: the first one may have made no call that tells.
func missingInSecond(res machine.Result, p *program.Program) kernel.Missing {
	if res.Place == machine.InSecond && p.Steps[res.Step].Call == program.CloseRange && (res.Errno == unix.ENOSYS || res.Errno == unix.EINVAL || res.Errno == unix.EPERM) {
		return kernel.NoCloseRange
	}
	return 0
}

// missing looks whether the launch failed because the kernel lacks a call that
// there is a substitute for.
func missing(res machine.Result, p *program.Program) kernel.Missing {
	enosys := res.Errno == unix.ENOSYS
	switch {
	case res.Place == machine.AtBirth:
		switch {
		case enosys, res.Errno == unix.EPERM && kernel.Clone3Denied():
			return kernel.NoClone3
		case res.Errno == unix.E2BIG:
			return kernel.NoIntoCgroup
		}
	case res.Place == machine.InChild && p.Steps[res.Step].Call == program.CloseRange:
		// EPERM is a filter's answer: the call itself has none.
		if enosys || res.Errno == syscall.EINVAL || res.Errno == syscall.EPERM {
			return kernel.NoCloseRange
		}
	case res.Place == machine.InChild && p.Steps[res.Step].Call == program.Execveat && (enosys || res.Errno == unix.EPERM && kernel.ExecveatDenied()):
		return kernel.NoExecveat
	}
	return 0
}
