//go:build !linux || !(amd64 || arm64)

package sprog

import "github.com/sprog-dev/sprog/internal/spec"

func probeLandlock(*spec.Landlock) spec.LandlockResult {
	return spec.LandlockResult{Reason: "this system has no Landlock"}
}
