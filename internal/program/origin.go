package program

import "strings"

// An Origin is the part of a start that a step belongs to: what a field asks for, by
// the field's name, or one of those below. Package explain has the reasons for which
// steps fail by their origins, not by their calls. What a call answers means one
// thing to one part of a start, and another to the next.
type Origin string

const (
	OfBirth   Origin = "the making of a process"
	OfStage   Origin = "the second stage" // which the step's field makes necessary
	OfRoot    Origin = "the private root" // of a new mount namespace
	OfProgram Origin = "the program's execution"
)

// Origin is what a step belongs to.
func (p *Program) Origin(step int) Origin {
	s := &p.Steps[step]
	if s.Origin != "" {
		return s.Origin
	}
	return OriginOf(s.Field)
}

// OriginOf is the origin of what a field asks for: Attr.Landlock for all that is
// within Attr.Landlock, and Attr.Files for each entry of Attr.Files.
func OriginOf(field string) Origin {
	field, _, _ = strings.Cut(field, "[")
	of, within, _ := strings.Cut(field, ".")
	if within, _, _ = strings.Cut(within, "."); within == "" {
		return Origin(of)
	}
	return Origin(field[:len(of)+1+len(within)])
}
