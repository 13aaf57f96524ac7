// Package profile reads seccomp profiles in the JSON of the OCI's runtime
// specification.
package profile

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/sprog-dev/sprog"
)

// A document is the object linux.seccomp of the specification, and what is no
// part of it but likely to be met.
type document struct {
	DefaultAction    sprog.SeccompAction `json:"defaultAction"`
	DefaultErrnoRet  *uint16             `json:"defaultErrnoRet"`
	Architectures    []string            `json:"architectures"`
	Flags            []string            `json:"flags"`
	ListenerPath     string              `json:"listenerPath"`
	ListenerMetadata string              `json:"listenerMetadata"`
	Syscalls         []rule              `json:"syscalls"`

	ArchMap json.RawMessage `json:"archMap"` // of docker
}

type rule struct {
	Names    []string            `json:"names"`
	Action   sprog.SeccompAction `json:"action"`
	ErrnoRet *uint16             `json:"errnoRet"`
	Args     []arg               `json:"args"`

	Includes json.RawMessage `json:"includes"` // of docker
	Excludes json.RawMessage `json:"excludes"`
	Comment  json.RawMessage `json:"comment"`
}

type arg struct {
	Index    int             `json:"index"`
	Value    uint64          `json:"value"`
	ValueTwo uint64          `json:"valueTwo"`
	Op       sprog.SeccompOp `json:"op"`
}

// Parse translates a profile. An unknown key is an error.
//
// The specification leaves open which of several rules decides. As in the
// runtimes that use libseccomp, a rule that does what is done by default has
// no effect, a rule without conditions decides before those that have some,
// and conditions of one rule on the same argument are alternatives.
func Parse(text []byte) (*sprog.Seccomp, error) {
	var d document
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&d); err != nil {
		return nil, err
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, errors.New("something follows the profile")
	}
	if err := d.check(); err != nil {
		return nil, err
	}
	s := &sprog.Seccomp{Default: d.DefaultAction, DefaultErrno: d.DefaultErrnoRet, Archs: d.Architectures}
	if err := d.setFlags(s); err != nil {
		return nil, err
	}
	for _, r := range d.Syscalls {
		if r.Action != d.DefaultAction || errnoOf(r.ErrnoRet) != errnoOf(d.DefaultErrnoRet) {
			s.Rules = append(s.Rules, r.translate()...)
		}
	}
	slices.SortStableFunc(s.Rules, func(a, b sprog.SeccompRule) int { return min(len(a.Args), 1) - min(len(b.Args), 1) })
	return s, nil
}

// check refuses what cannot be translated.
func (d *document) check() error {
	const docker = "is of docker's own format: give what docker hands to its runtime"
	switch {
	case d.ArchMap != nil:
		return errors.New(`"archMap" ` + docker)
	case d.DefaultAction == 0:
		return errors.New(`"defaultAction" is missing`)
	case d.ListenerPath != "" || d.ListenerMetadata != "":
		return errors.New(`"listenerPath" is a socket for SCMP_ACT_NOTIFY, which is for callers of the Go package`)
	}
	for i, r := range d.Syscalls {
		switch {
		case r.Includes != nil || r.Excludes != nil || r.Comment != nil:
			return fmt.Errorf(`syscalls[%d]: "includes", "excludes" or "comment" %s`, i, docker)
		case len(r.Names) == 0:
			return fmt.Errorf(`syscalls[%d]: "names" is missing`, i)
		case r.Action == 0:
			return fmt.Errorf(`syscalls[%d]: "action" is missing`, i)
		}
	}
	return nil
}

func (d *document) setFlags(s *sprog.Seccomp) error {
	for _, flag := range d.Flags {
		switch flag {
		case "SECCOMP_FILTER_FLAG_TSYNC": // one thread sets the filter, and is the only one
		case "SECCOMP_FILTER_FLAG_LOG":
			s.Log = true
		case "SECCOMP_FILTER_FLAG_SPEC_ALLOW":
			s.SpecAllow = true
		case "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV":
			s.WaitKillable = true
		default:
			return fmt.Errorf("%q is no flag of a filter", flag)
		}
	}
	return nil
}

// errnoOf is the errno that one stands for.
func errnoOf(errno *uint16) uint16 {
	const eperm = 1
	if errno == nil {
		return eperm
	}
	return *errno
}

// translate returns the rule, or several if its conditions are alternatives.
func (r *rule) translate() (list []sprog.SeccompRule) {
	one := sprog.SeccompRule{Names: r.Names, Action: r.Action, Errno: r.ErrnoRet}
	again := false
	for i, a := range r.Args {
		again = again || slices.ContainsFunc(r.Args[:i], func(b arg) bool { return a.Index == b.Index })
		cond := sprog.SeccompArg{Index: a.Index, Op: a.Op, Value: a.Value}
		if a.Op == sprog.SeccompMaskedEQ {
			cond.Value, cond.Mask = a.ValueTwo, a.Value
		}
		one.Args = append(one.Args, cond)
	}
	if !again {
		return []sprog.SeccompRule{one}
	}
	for i := range one.Args {
		alternative := one
		alternative.Args = one.Args[i : i+1]
		list = append(list, alternative)
	}
	return list
}
