//go:build !linux || !(amd64 || arm64)

package doctor

// Features are none on this system.
func Features() []Feature { return nil }

// Probe knows of no feature.
func Probe(string) Support {
	return Support{Reason: "sprog starts no processes on this system"}
}
