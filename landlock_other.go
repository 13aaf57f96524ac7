//go:build !linux || !(amd64 || arm64)

package sprog

func (l *Landlock) probe() LandlockResult {
	return LandlockResult{Reason: "this system has no Landlock"}
}
