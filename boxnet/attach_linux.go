package boxnet

import (
	"errors"
	"fmt"
	"net"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog"
)

// Attach adds to cmd what the network takes: a new network namespace, sockets in it, and a
// meeting with the child before it executes. It must be called once, before Start. An
// ordinary user needs a new user namespace as well (CLONE_NEWUSER in SysProcAttr.Cloneflags).
// Whatever fails in the set-up ends the start: the program never runs with less, or with more.
func (n *Network) Attach(cmd *sprog.Cmd) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	switch {
	case n.closed:
		return fmt.Errorf("boxnet: %w", net.ErrClosed)
	case n.attached:
		return errors.New("boxnet: a network is for one command")
	case cmd.Process != nil:
		return errors.New("boxnet: the command is started already")
	case cmd.Attr != nil && (cmd.Attr.Meet != nil || len(cmd.Attr.Sockets) > 0):
		return errors.New("boxnet: the command has Attr.Meet or Attr.Sockets already")
	case cmd.SysProcAttr != nil && cmd.SysProcAttr.Unshareflags&unix.CLONE_NEWNET != 0:
		return errors.New("boxnet: the network namespace is made by Cloneflags, not by Unshareflags")
	}
	n.attached = true
	var sys syscall.SysProcAttr
	if cmd.SysProcAttr != nil {
		sys = *cmd.SysProcAttr
	}
	sys.Cloneflags |= unix.CLONE_NEWNET
	var attr sprog.Attr
	if cmd.Attr != nil {
		attr = *cmd.Attr
	}
	for _, b := range n.born() {
		attr.Sockets = append(attr.Sockets, sprog.Socket{Domain: b.domain, Type: b.kind, Protocol: b.protocol})
	}
	attr.Meet = func(m *sprog.Meeting) error { return n.meet(m.Sockets) }
	cmd.SysProcAttr, cmd.Attr = &sys, &attr
	return nil
}
