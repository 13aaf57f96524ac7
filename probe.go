package sprog

// A Feature is something of the kernel's that attributes of a start depend on.
type Feature struct {
	// Name is what [Probe] takes, such as "user-namespaces".
	Name string `json:"name"`
	// Since is the version of Linux that has it first.
	Since string `json:"since"`
	// For is the attribute that needs it, or what it is used for.
	For string `json:"for"`
}

// A Support is the answer of a probe.
type Support struct {
	// Answer says whether the feature can be used.
	Answer Answer `json:"answer"`
	// Reason is why not, or what keeps the question open.
	Reason string `json:"reason,omitempty"`
}

// An Answer is yes, no, or that it could not be found out.
type Answer int

const (
	Unknown Answer = iota
	Yes
	No
)

func (a Answer) String() string { return [...]string{"unknown", "yes", "no"}[a] }

// MarshalText makes the answer a word in JSON.
func (a Answer) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// Features are all features that [Probe] knows of.
func Features() []Feature { return listFeatures() }

// Probe finds out whether this process can use a feature here and now: the
// kernel may lack it, be configured without it, or refuse it to this process.
// It tries it in a short-lived child where it can, which leaves nothing behind.
// A name that is not known is answered with [Unknown].
func Probe(name string) Support { return probe(name) }
