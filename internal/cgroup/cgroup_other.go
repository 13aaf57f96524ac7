//go:build !linux

package cgroup

import "errors"

// A Group is a cgroup, of which there are none.
type Group struct{}

func Open(string) (*Group, error)      { return nil, errors.ErrUnsupported }
func Of(int) (*Group, error)           { return nil, errors.ErrUnsupported }
func (g *Group) Path() string          { return "" }
func (g *Group) Stats() (Stats, error) { return Stats{}, errors.ErrUnsupported }
func (g *Group) Close()                {}
func (g *Group) Kill() error           { return errors.ErrUnsupported }
func (g *Group) Freeze(bool) error     { return errors.ErrUnsupported }
func (g *Group) Remove() error         { return errors.ErrUnsupported }
