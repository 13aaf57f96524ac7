//go:build !linux || !(amd64 || arm64)

package sprog

func listFeatures() []Feature { return nil }

func probe(string) Support { return Support{Reason: "sprog starts no processes on this system"} }
