//go:build linux && !(amd64 || arm64)

package main

import "github.com/sprog-dev/sprog"

type denials struct{}

func hearDenials() *denials                     { return nil }
func (*denials) readable() bool                 { return false }
func (*denials) of(*sprog.Cmd)                  {}
func (*denials) refused() []string              { return nil }
func (*denials) byLandlock(any) (list []string) { return nil }
func (*denials) tell()                          {}

const boxFlag = 0
