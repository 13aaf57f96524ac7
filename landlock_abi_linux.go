//go:build amd64 || arm64

package sprog

import (
	"github.com/sprog-dev/sprog/internal/kernel"
	"github.com/sprog-dev/sprog/internal/spec"
)

// landlockABI asks the kernel once. A plan is made for one that has all.
func (s *starter) landlockABI() kernel.Landlock {
	if s.describing {
		return kernel.Landlock{ABI: spec.LandlockNewestABI}
	}
	return kernel.Known.Landlock.Ask()
}

// probeLandlock tells what a start would apply.
func probeLandlock(l *spec.Landlock) spec.LandlockResult {
	l = &spec.Landlock{ABI: l.ABI, Files: l.Files, Ports: l.Ports, Scopes: l.Scopes, Log: l.Log, BestEffort: true}
	res, _ := l.Resolve(kernel.Known.Landlock.Ask())
	return res
}
