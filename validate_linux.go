//go:build amd64 || arm64

package sprog

import "github.com/sprog-dev/sprog/internal/spec"

// Resolve completes a request by what the machine says, if it is valid.
func resolve(r *spec.Start) *spec.Error {
	if err := r.Validate(); err != nil {
		return err
	}
	for _, look := range resolutions {
		if err := look(r); err != nil {
			return err
		}
	}
	return nil
}

// resolutions look at this process and its machine: they complete what is asked for,
// and refuse what cannot be here.
var resolutions = [...]func(*spec.Start) *spec.Error{
	checkDiffering, checkGroups, checkCaps, checkMayRestrict, checkFiles, checkTIOCSTI,
	addSubordinates, checkHelpers, // which go by the lines of the maps
}
