//go:build amd64 || arm64

package doctor

import (
	"errors"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/launch"
	"github.com/sprog-dev/sprog/internal/spec"
	"github.com/sprog-dev/sprog/internal/terms"
)

// A featureProbe is a feature with the way to find out about it: attributes
// for a start to be tried with, another way to try it with new namespaces, or a
// question that this process can ask itself.
type featureProbe struct {
	name, since string
	what        terms.Text
	try         func(*trial)
	with        func(*featureProbe, way) Support
	ask         func() Support
	takes       *right
	// inside says that a user namespace of the child's own gives the right.
	inside bool
}

// A right is a capability that allows what is tried.
type right struct {
	capability int
	initial    bool // it counts in the initial user namespace only
}

func here(capability int) *right      { return &right{capability: capability} }
func initially(capability int) *right { return &right{capability, true} }

// Features are all features, by their groups.
func Features() (list []Feature) {
	for _, g := range featureGroups() {
		for _, f := range g.probes {
			list = append(list, Feature{f.name, g.name, f.since, f.what})
		}
	}
	return list
}

// probePatience is how long a probe may take. Nothing that probes do waits for
// others, unless something is wrong with the machine.
const probePatience = 10 * time.Second

// Probe tries a feature. It answers Unknown for a name that is none, and for a probe
// that takes too long.
func Probe(name string) Support {
	for _, g := range featureGroups() {
		for _, f := range g.probes {
			if f.name == name {
				return f.within(probePatience)
			}
		}
	}
	return Support{Reason: "no feature is called " + terms.Plain(name)}
}

func (f *featureProbe) within(limit time.Duration) Support {
	answer := make(chan Support, 1)
	go func() { answer <- f.answer() }()
	late := time.NewTimer(limit)
	defer late.Stop()
	select {
	case s := <-answer:
		return s
	case <-late.C:
		return Support{Reason: "no answer within " + terms.Plain(limit.String())}
	}
}

func (f *featureProbe) answer() Support {
	if f.ask != nil {
		return f.ask()
	}
	plain := f.tryWith(asItIs)
	if plain.Answer == Yes || !f.inside {
		return plain
	}
	inside := f.tryWith(asRootInside)
	if inside.Answer != Yes {
		inside = f.tryWith(asNobodyInside)
	}
	switch {
	case inside.Answer == Yes && plain.Capability != "":
		return Support{Yes, "with a user namespace of its own; without it takes " + terms.Plain(plain.Capability), plain.Capability}
	case inside.Answer == Yes:
		return Support{Yes, "with a user namespace of its own; without it: " + plain.Reason, ""}
	case plain.Capability == "":
		return plain
	}
	plain.Reason = "takes " + terms.Plain(plain.Capability)
	userNamespace := featureProbe{try: makes(unix.CLONE_NEWUSER)}
	if userNamespace.tryWith(asItIs).Answer == Yes {
		plain.Reason += "; in a user namespace of its own: " + inside.Reason
	} else {
		plain.Reason += ", and user namespaces are not available"
	}
	return plain
}

// A way is how a feature is tried.
type way int

const (
	asItIs         way = iota
	asRootInside       // with a user namespace of its own, in which its user is root
	asNobodyInside     // and in which its user has no number
)

// tryWith tries the feature in one of the ways.
func (f *featureProbe) tryWith(w way) Support {
	if f.with != nil {
		return f.with(f, w)
	}
	t := &trial{inside: w != asItIs}
	f.try(t)
	switch {
	case w == asRootInside:
		mapsItself(t)
	case w == asNobodyInside:
		t.sys.Cloneflags |= unix.CLONE_NEWUSER
	}
	return f.start(t)
}

// A trial is a start that fails on purpose, at its very end.
type trial struct {
	sys    syscall.SysProcAttr
	attr   spec.Attr
	inside bool     // it is tried with a user namespace of its own
	answer *Support // there is nothing to be tried
}

// isNot answers no without a start.
func (t *trial) isNot(reason terms.Text) { t.answer = &Support{Answer: No, Reason: reason} }

// noPath is the path of no program, and of nothing else: the kernel refuses it
// for its length, before it looks for the file and whatever the root directory
// is, whoever asks.
func noPath() string { return strings.Repeat("x", unix.PathMax) }

// start goes the way of every other: through all its steps up to the execution
// of the program.
func (f *featureProbe) start(t *trial) Support {
	if t.answer != nil {
		return *t.answer
	}
	r := &spec.Start{Path: noPath(), Argv: []string{"sprog-probe"}, Sys: &t.sys, Attr: &t.attr}
	_, err := launch.Start(r, launch.Options{Birth: new(launch.Birth)})
	var e *spec.Error
	if !errors.As(err, &e) {
		return Support{Reason: "the start did not come to the end that it should"}
	}
	if e.Step == "execve" && errors.Is(e.Err, unix.ENAMETOOLONG) {
		return Support{Answer: Yes}
	}
	return f.refusal(e)
}
