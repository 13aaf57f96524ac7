//go:build linux

package main

import (
	"fmt"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog"
	"github.com/sprog-dev/sprog/internal/atstart"
)

// An rlimit is the value of --rlimit. As with prlimit(1), a missing one of the
// two limits is the caller's.
type rlimit sprog.Rlimit

func (r *rlimit) Set(s string) error { return decodeTo(s, (*sprog.Rlimit)(r), parseRlimit) }

func parseRlimit(s string) (sprog.Rlimit, error) {
	name, values, _ := strings.Cut(s, "=")
	soft, hard, both := strings.Cut(values, ":")
	if !both || (soft == "") == (hard == "") {
		return sprog.ParseRlimit(s)
	}
	limit, err := sprog.ParseRlimit(name + "=" + soft + hard)
	if err != nil {
		return limit, err
	}
	own, err := ownRlimit(limit.Resource)
	if err != nil {
		return limit, err
	}
	if soft == "" {
		limit.Cur = own.Cur
	} else {
		limit.Max = own.Max
	}
	if limit.Cur > limit.Max {
		return limit, fmt.Errorf("%s: the soft limit is above the hard one", limit)
	}
	return limit, nil
}

// ownRlimit is a limit that sprog was started with. Package syscall raises the
// soft one on open files.
func ownRlimit(resource sprog.RlimitResource) (own unix.Rlimit, err error) {
	err = unix.Prlimit(0, int(resource), nil, &own)
	if resource == unix.RLIMIT_NOFILE && atstart.NofileKnown {
		own.Cur = atstart.NofileCur
	}
	return own, err
}
