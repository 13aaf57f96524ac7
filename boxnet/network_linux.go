package boxnet

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"sync"
)

// A Network is the network of one program.
type Network struct {
	policy    Policy
	rules     rules
	check     addressCheck
	servers   []netip.Addr
	journal   journal
	published []*net.TCPListener

	mu       sync.Mutex
	attached bool
	closed   bool
	inside   *inside // of the child that is there, or was last

	fault func(call string) error // of tests
}

// New prepares a network. It listens where Policy.Publish says, and nothing is there
// to be reached yet. Close the network when the program has ended, or has not started.
func New(p Policy) (*Network, error) {
	servers, err := nameservers(p.Nameservers)
	if err != nil {
		return nil, fmt.Errorf("boxnet: %w", err)
	}
	n := &Network{policy: p, rules: slices.Clone(p.Allow), servers: servers}
	n.check = addressCheck{private: slices.Clone(p.Private), own: ownAddresses}
	n.journal.log = p.Log
	if err := n.checkPolicy(); err != nil {
		return nil, fmt.Errorf("boxnet: %w", err)
	}
	for _, f := range p.Publish {
		l, err := net.ListenTCP("tcp", net.TCPAddrFromAddrPort(f.Listen))
		if err != nil {
			n.Close()
			return nil, fmt.Errorf("boxnet: publish %s: %w", f.Listen, err)
		}
		n.published = append(n.published, l)
	}
	return n, nil
}

// checkPolicy refuses what cannot be meant.
func (n *Network) checkPolicy() error {
	for _, r := range n.rules {
		if r.port == 0 {
			return errors.New("a rule is empty")
		}
	}
	for _, p := range n.check.private {
		if !p.IsValid() || classify(p.Masked().Addr()) != private || classify(lastOf(p)) != private {
			return fmt.Errorf("%s is no range of private addresses", p)
		}
	}
	for _, f := range n.policy.Publish {
		if !f.Listen.IsValid() || f.Port == 0 {
			return fmt.Errorf("publish %s to port %d: an address and a port are missing", f.Listen, f.Port)
		}
	}
	if slices.Contains(n.policy.HostPorts, 0) {
		return errors.New("port 0 of this machine")
	}
	return nil
}

// Published are where this machine listens for the program, in the order of Policy.Publish.
func (n *Network) Published() (list []net.Addr) {
	for _, l := range n.published {
		list = append(list, l.Addr())
	}
	return list
}

// Counts are what has happened so far.
func (n *Network) Counts() Counts {
	j := &n.journal
	return Counts{
		Connections: j.connections.Load(), Failed: j.failed.Load(), Refused: j.refused.Load(),
		In: j.in.Load(), Out: j.out.Load(),
	}
}

// Close ends all connections, and waits until nothing of the network is left in this process.
// From then on the program reaches nothing, if it still runs.
func (n *Network) Close() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed {
		return nil
	}
	n.closed = true
	for _, l := range n.published {
		l.Close()
	}
	if n.inside != nil {
		n.inside.close()
	}
	n.journal.end()
	return n.journal.works()
}
