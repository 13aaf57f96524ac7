package boxnet

import (
	"context"
	"net"
	"net/netip"
	"time"
)

// A Policy is what may be reached. The zero value is nothing.
type Policy struct {
	// Allow are the hosts and ports that may be reached. All else is refused.
	Allow []Rule

	// Private are the private addresses that allowed names may have. A name that
	// resolves to one that is not here is not dialled: whoever rules over a name would
	// else choose a host of your network. Addresses of this machine, link-local ones and others
	// that no host on the Internet has are never dialled for a name.
	Private []netip.Prefix

	// HostPorts are TCP ports of this machine's 127.0.0.1. Each is the same port of
	// the program's 127.0.0.1.
	HostPorts []uint16

	// Publish are ports of this machine that lead to the program.
	Publish []Forward

	// Nameservers are where the program asks for names: three at most. Nil means
	// those of this machine's /etc/resolv.conf.
	Nameservers []netip.Addr

	// Log, if not nil, is told of each attempt, and must not take long. It is called by one
	// goroutine at a time. If it returns an error, nothing more is connected: what cannot be logged does
	// not happen.
	Log func(Event) error

	// Dial connects to an address that the Policy allows; network is "tcp" or "udp". Nil
	// means from the network that this process is in. Ports of HostPorts
	// are not dialled by it.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)

	// Resolve finds the addresses of a name. Nil means by this machine's resolver. Only names that
	// are allowed are asked for, and only when they are to be dialled.
	Resolve func(ctx context.Context, name string) ([]netip.Addr, error)
}

// A Forward leads from this machine to the program.
type Forward struct {
	// Listen is where this machine listens. Port zero means one that is free
	// ([Network.Published]).
	Listen netip.AddrPort

	// Port is the TCP port of the program's 127.0.0.1.
	Port uint16
}

// An Event is an attempt, or a part of one. No string of it is the program's own words: names are
// in their canonical form, or absent. What a connection carries is not looked at.
type Event struct {
	Time time.Time `json:"time"`

	// Op is "start", "dns" for a question, "connect", "close" for the end of what was
	// connected, "publish" for a connection to the program, or "limit".
	Op string `json:"op"`

	Proto   string     `json:"proto,omitempty"` // "tcp" or "udp"
	Name    string     `json:"name,omitempty"`
	Addr    netip.Addr `json:"addr,omitzero"` // for a rule with an address
	Port    uint16     `json:"port,omitempty"`
	Dialled string     `json:"dialled,omitempty"` // the address and port that were reached

	// Verdict is "allow", "deny" for what the policy or a limit forbids, or "fail" for
	// what is allowed and did not work. Reason says why.
	Verdict string `json:"verdict"`
	Reason  string `json:"reason,omitempty"`
	Rule    string `json:"rule,omitempty"` // that allows it

	In  int64 `json:"in,omitempty"`  // bytes to the program
	Out int64 `json:"out,omitempty"` // bytes from the program
	MS  int64 `json:"ms,omitempty"`  // how long it took

	// Times, if not zero, is how often a denial that was told before has been repeated, altogether.
	Times int64 `json:"times,omitempty"`
}

// Counts are sums since the start.
type Counts struct {
	Connections int64 // that were made for the program, UDP flows among them
	Failed      int64 // that were allowed and did not work
	Refused     int64 // questions and connections that the policy or a limit forbids
	In, Out     int64 // bytes to the program and from it, of what has ended
}

// What one program may have at a time.
const (
	mostConns     = 1024
	mostFlows     = 256 // of UDP
	mostDials     = 100 // under way
	mostListeners = 1024
	dialTime      = 10 * time.Second
	flowIdle      = 60 * time.Second
	dnsIdle       = 10 * time.Second // of a connection for DNS
	mostDNSConns  = 16
	dnsRate       = 100 // questions in a second
	dnsBurst      = 200
)
