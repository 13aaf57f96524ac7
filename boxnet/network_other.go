//go:build !linux

package boxnet

import (
	"errors"
	"net"

	"github.com/sprog-dev/sprog"
)

// A Network is the network of one program. Only Linux has them.
type Network struct{}

func New(Policy) (*Network, error)       { return nil, errors.ErrUnsupported }
func (*Network) Attach(*sprog.Cmd) error { return errors.ErrUnsupported }
func (*Network) Published() []net.Addr   { return nil }
func (*Network) Counts() Counts          { return Counts{} }
func (*Network) Close() error            { return nil }
