//go:build amd64 || arm64

package spec

func (r *Start) checkPersonality() *Error {
	if p := r.Attr.Personality; p != nil && *p == ^Personality(0) {
		return Invalid("Attr.Personality", "0xffffffff", "asks for the personality instead of setting it")
	}
	return nil
}
