package boxnet

import (
	"errors"
	"io"
	"net"
	"net/netip"

	"golang.org/x/net/dns/dnsmessage"
)

// listening is what a name's address listens with.
type listening struct {
	listeners []*net.TCPListener
	asked     int64
}

var errManyNames = errors.New("more names than there are addresses")

// decide answers a question from the rules alone.
func (in *inside) decide(proto, name string, ok bool) verdict {
	e := Event{Op: "dns", Proto: proto, Name: name, Verdict: "deny", Reason: "no rule allows the name"}
	if !ok {
		e.Name, e.Reason = "", "no name of a host"
	}
	if !ok || !in.rules.covers(name) {
		in.journal.tell(e)
		return verdict{code: dnsmessage.RCodeNameError}
	}
	a, first, err := in.standIn(name)
	switch {
	case err != nil:
		e.Verdict, e.Reason = "fail", err.Error()
		in.journal.tell(e)
		return verdict{code: dnsmessage.RCodeServerFailure}
	case first:
		e.Verdict, e.Reason = "allow", ""
		if in.journal.tell(e) != nil {
			return verdict{code: dnsmessage.RCodeServerFailure}
		}
	}
	return verdict{addr: a}
}

// standIn is the address of an allowed name, which listens by now.
func (in *inside) standIn(name string) (a netip.Addr, first bool, err error) {
	n := &in.names
	n.Lock()
	defer n.Unlock()
	a, ok := n.of(name)
	if !ok {
		return a, false, errManyNames
	}
	n.asked++
	if l := n.listening[name]; l != nil {
		l.asked = n.asked
		return a, false, nil
	}
	l := &listening{asked: n.asked}
	for port, rule := range in.rules.ports(name, false) {
		in.makeRoom()
		t := target{network: "tcp", name: name, port: port, rule: rule}
		listener, err := in.listen(netip.AddrPortFrom(a, port))
		if err != nil {
			in.forget(l)
			return a, false, err
		}
		n.listeners++
		l.listeners = append(l.listeners, listener)
		in.run(func() { in.accept(listener, func(c *net.TCPConn) { in.serve(c, t) }) })
	}
	n.listening[name] = l
	return a, true, nil
}

// makeRoom closes the listeners of the name that was asked for longest ago, if there are too many.
// When it is asked for again it gets the same address.
func (in *inside) makeRoom() {
	n := &in.names
	if n.listeners < mostListeners {
		return
	}
	in.journal.limit("listeners: names that were asked for long ago are to be asked for again")
	oldest := ""
	for name, l := range n.listening {
		if o := n.listening[oldest]; len(l.listeners) > 0 && (o == nil || l.asked < o.asked) {
			oldest = name
		}
	}
	if l := n.listening[oldest]; l != nil {
		in.forget(l)
		delete(n.listening, oldest)
	}
}

// forget closes the listeners of a name. Connections go on.
func (in *inside) forget(l *listening) {
	in.names.listeners -= len(l.listeners)
	for _, listener := range l.listeners {
		in.drop(io.Closer(listener))
	}
}
