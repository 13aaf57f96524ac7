package boxnet

import (
	"bytes"
	"net/netip"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
)

func question(t testing.TB, name string, kind dnsmessage.Type, class dnsmessage.Class) []byte {
	n, err := dnsmessage.NewName(name)
	if err != nil {
		t.Fatal(err)
	}
	m := dnsmessage.Message{Header: dnsmessage.Header{ID: 7, RecursionDesired: true}, Questions: []dnsmessage.Question{{Name: n, Type: kind, Class: class}}}
	b, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// byTheRules allows api.example.
func byTheRules(name string, ok bool) verdict {
	if !ok || name != "api.example" {
		return verdict{code: dnsmessage.RCodeNameError}
	}
	return verdict{addr: netip.AddrFrom4([4]byte{198, 18, 0, 1})}
}

func TestAnswer(t *testing.T) {
	in := dnsmessage.ClassINET
	for _, test := range []struct {
		name    string
		kind    dnsmessage.Type
		class   dnsmessage.Class
		code    dnsmessage.RCode
		answers int
	}{
		{"api.example.", dnsmessage.TypeA, in, 0, 1},
		{"aPi.exAmple.", dnsmessage.TypeA, in, 0, 1},
		{"api.example.", dnsmessage.TypeAAAA, in, 0, 0},
		{"api.example.", dnsmessage.TypeTXT, in, 0, 0},
		{"api.example.", dnsmessage.TypeHTTPS, in, 0, 0},
		{"api.example.", dnsmessage.TypeALL, in, 0, 0},
		{"evil.example.", dnsmessage.TypeA, in, dnsmessage.RCodeNameError, 0},
		{"api.example\x00.", dnsmessage.TypeA, in, dnsmessage.RCodeNameError, 0},
		{"api.example%00.evil.", dnsmessage.TypeA, in, dnsmessage.RCodeNameError, 0},
		{"[api.example].", dnsmessage.TypeA, in, dnsmessage.RCodeNameError, 0},
		{"127.0.0.1.", dnsmessage.TypeA, in, dnsmessage.RCodeNameError, 0},
		{".", dnsmessage.TypeNS, in, dnsmessage.RCodeNameError, 0},
		{"api.example.", dnsmessage.TypeA, dnsmessage.ClassCHAOS, dnsmessage.RCodeRefused, 0},
	} {
		var m dnsmessage.Message
		if err := m.Unpack(answer(question(t, test.name, test.kind, test.class), byTheRules)); err != nil {
			t.Errorf("%s %s: %v", test.name, test.kind, err)
			continue
		}
		if m.ID != 7 || !m.Response || m.RCode != test.code || len(m.Answers) != test.answers || len(m.Questions) != 1 || m.Questions[0].Name.String() != test.name {
			t.Errorf("%q %s: %+v", test.name, test.kind, m)
		}
	}
}

func TestAnswerToGarbage(t *testing.T) {
	q := question(t, "api.example.", dnsmessage.TypeA, dnsmessage.ClassINET)
	response, update, two, cut := bytes.Clone(q), bytes.Clone(q), append(bytes.Clone(q), q[12:]...), q[:len(q)-3]
	response[2] |= 0x80
	update[2] |= 5 << 3
	two[5] = 2
	dotted := append(append(bytes.Clone(q[:12]), "\x0bapi.example\x00"...), 0, 1, 0, 1) // one label with a dot in it
	loop := append(bytes.Clone(q[:12]), 0xc0, 12, 0, 1, 0, 1)
	for what, test := range map[string]struct {
		packet []byte
		want   int // -1 for no answer
	}{
		"nothing": {nil, -1}, "short": {q[:11], -1}, "a response": {response, -1},
		"an update": {update, int(dnsmessage.RCodeNotImplemented)}, "two questions": {two, int(dnsmessage.RCodeFormatError)}, "no question": {make([]byte, 12), int(dnsmessage.RCodeFormatError)},
		"cut": {cut, int(dnsmessage.RCodeFormatError)}, "a dot in a label": {dotted, int(dnsmessage.RCodeFormatError)}, "a loop": {loop, int(dnsmessage.RCodeFormatError)},
	} {
		reply := answer(test.packet, func(string, bool) verdict { panic("asked for " + what) })
		if got := rcode(reply); got != test.want {
			t.Errorf("%s: %d; want %d", what, got, test.want)
		}
	}
}

func rcode(reply []byte) int {
	if len(reply) < 12 {
		return -1
	}
	return int(reply[3] & 15)
}

// An answer is one of its question, no longer than UDP carries, and has an address only for
// the name that is allowed, in any case of its letters.
func FuzzAnswer(f *testing.F) {
	f.Add(question(f, "api.example.", dnsmessage.TypeA, dnsmessage.ClassINET))
	f.Add(question(f, "API.example.", dnsmessage.TypeAAAA, dnsmessage.ClassINET))
	f.Add(question(f, "evil.example.", dnsmessage.TypeA, dnsmessage.ClassCHAOS))
	f.Fuzz(func(t *testing.T, packet []byte) {
		reply := answer(packet, byTheRules)
		if reply == nil {
			return
		}
		var m dnsmessage.Message
		if err := m.Unpack(reply); err != nil || !m.Response || len(reply) > 512 || !bytes.Equal(reply[:2], packet[:2]) {
			t.Fatalf("%x is answered by %x: %v", packet, reply, err)
		}
		if len(m.Answers) > 0 && lower(m.Questions[0].Name.String()) != "api.example." {
			t.Fatalf("%x is answered by %x", packet, reply)
		}
	})
}
