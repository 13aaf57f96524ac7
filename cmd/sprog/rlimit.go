//go:build linux

package main

import (
	"github.com/alecthomas/kong"

	"github.com/sprog-dev/sprog"
)

// An rlimit is the value of --rlimit.
type rlimit sprog.Rlimit

func (r *rlimit) Decode(ctx *kong.DecodeContext) error {
	s, err := decode(ctx)
	if err != nil {
		return err
	}
	limit, err := sprog.ParseRlimit(s)
	*r = rlimit(limit)
	return err
}
