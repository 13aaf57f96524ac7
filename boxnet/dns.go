package boxnet

import (
	"net/netip"

	"golang.org/x/net/dns/dnsmessage"
)

// answerTTL is in seconds. It says nothing of the real addresses.
const answerTTL = 60

// A verdict is what the rules say of a name that was asked for.
type verdict struct {
	addr netip.Addr // what stands for the name
	code dnsmessage.RCode
}

// answer answers a question of DNS, or returns nil where there is nothing to be said: what is no
// question gets no answer, so that two servers never talk to each other. Only A has an address.
// Everything else of an allowed name is empty, HTTPS and SVCB among it: no hint makes the program
// take another way.
func answer(packet []byte, decide func(name string, ok bool) verdict) []byte {
	var p dnsmessage.Parser
	h, err := p.Start(packet)
	if err != nil || h.Response {
		return nil
	}
	reply := dnsmessage.Header{ID: h.ID, Response: true, OpCode: h.OpCode, RecursionDesired: h.RecursionDesired, RecursionAvailable: true}
	if h.OpCode != 0 {
		reply.RCode = dnsmessage.RCodeNotImplemented
		return build(reply, nil, netip.Addr{})
	}
	q, err := p.Question()
	if _, more := p.Question(); err != nil || more != dnsmessage.ErrSectionDone {
		reply.RCode = dnsmessage.RCodeFormatError
		return build(reply, nil, netip.Addr{})
	}
	if q.Class != dnsmessage.ClassINET {
		reply.RCode = dnsmessage.RCodeRefused
		return build(reply, &q, netip.Addr{})
	}
	v := decide(canonical(q.Name.String()))
	reply.RCode = v.code
	if q.Type != dnsmessage.TypeA {
		v.addr = netip.Addr{}
	}
	return build(reply, &q, v.addr)
}

// build writes an answer. The name is that of the question, letter by letter: some resolvers
// compare the case.
func build(h dnsmessage.Header, q *dnsmessage.Question, a netip.Addr) []byte {
	m := dnsmessage.Message{Header: h}
	if q != nil {
		m.Questions = []dnsmessage.Question{*q}
	}
	if a.Is4() {
		m.Answers = []dnsmessage.Resource{{
			Header: dnsmessage.ResourceHeader{Name: q.Name, Class: dnsmessage.ClassINET, TTL: answerTTL},
			Body:   &dnsmessage.AResource{A: a.As4()},
		}}
	}
	packet, err := m.Pack()
	if err != nil {
		return nil
	}
	return packet
}
