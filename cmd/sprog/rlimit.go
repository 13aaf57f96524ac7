//go:build linux

package main

import (
	"github.com/alecthomas/kong"

	"github.com/sprog-dev/sprog"
)

// An rlimit is the value of --rlimit.
type rlimit sprog.Rlimit

func (r *rlimit) Decode(ctx *kong.DecodeContext) error {
	return decodeTo(ctx, (*sprog.Rlimit)(r), sprog.ParseRlimit)
}
