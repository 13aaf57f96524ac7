//go:build linux

package main

import (
	"github.com/sprog-dev/sprog"
)

// An rlimit is the value of --rlimit.
type rlimit sprog.Rlimit

func (r *rlimit) Set(s string) error {
	return decodeTo(s, (*sprog.Rlimit)(r), sprog.ParseRlimit)
}
