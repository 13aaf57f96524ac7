package sprog

import "github.com/sprog-dev/sprog/internal/doctor"

// A Feature is something of the kernel's that attributes of a start depend on.
type Feature struct {
	// Name is what [Probe] takes, such as "user-namespaces".
	Name string `json:"name"`
	// Group is what it belongs to, such as "namespaces". Features of a group
	// follow each other.
	Group string `json:"group"`
	// Since is the version of Linux that has it first.
	Since string `json:"since"`
	// For is the attribute that needs it, or what it is used for.
	For string `json:"for"`
}

// A Support is the answer of a probe.
type Support struct {
	// Answer says whether the feature can be used.
	Answer Answer `json:"answer"`
	// Reason is why not, what keeps the question open, or the condition of a
	// yes: there are rights that this process has in a user namespace of its
	// own only.
	Reason string `json:"reason,omitempty"`
	// Capability is one that this process lacks and that the kernel asks for,
	// or has asked for where the answer is a yes with a condition: root has it
	// outside of containers. It is empty where no capability would help.
	Capability string `json:"capability,omitempty"`
}

// An Answer is yes, no, or that it could not be found out.
type Answer int

const (
	Unknown Answer = iota
	Yes
	No
)

func (a Answer) String() string { return doctor.Answer(a).String() }

// MarshalText makes the answer a word in JSON.
func (a Answer) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// Features are all features that [Probe] knows of.
func Features() []Feature {
	return each(doctor.Features(), func(f doctor.Feature) Feature {
		return Feature{f.Name, f.Group, f.Since, f.For.String()}
	})
}

// Probe finds out whether this process can use a feature here and now: the
// kernel may lack it, be configured without it, or refuse it to this process,
// as may a filter of system calls. It is tried: a child is started with the
// attribute, and fails on purpose where it would execute a program. That
// leaves nothing behind. A name that is not known is answered with [Unknown],
// and so is a probe that does not come back within ten seconds.
func Probe(name string) Support {
	s := doctor.Probe(name)
	return Support{Answer(s.Answer), s.Reason.String(), s.Capability}
}
