//go:build amd64 || arm64

package spec

// Tells reports whether the init tells when the program stops.
func (in *Init) Tells() bool { return in != nil && (in.JobControl || in.ReportStops || in.Linger) }
