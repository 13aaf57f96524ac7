package boxnet

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// A Rule allows one port of a host, or of the hosts below a name. [ParseRule] makes it.
type Rule struct {
	name string     // canonical; or "" for an address
	wild bool       // the names below name, and not it
	addr netip.Addr // or invalid
	port uint16
	udp  bool
}

const defaultPort = 443

// ParseRule reads HOST[:PORT][/udp]. HOST is the name of a host; *.NAME for all names
// below NAME, but not NAME itself; or an address, an IPv6 one in brackets. International names
// are written in ASCII (xn--...). The port is 443 if there is none.
//
// *.NAME is refused where NAME is a top-level domain or the like (com, co.uk), and with /udp. An
// address may be a private one, but not one of this machine ([Policy.HostPorts] are
// for that), and not one that means something on one link only.
func ParseRule(s string) (Rule, error) {
	r, err := parseRule(s)
	if err != nil {
		return Rule{}, fmt.Errorf("rule %q: %w", s, err)
	}
	return r, nil
}

func parseRule(s string) (r Rule, err error) {
	s, r.udp = strings.CutSuffix(s, "/udp")
	host, port, err := splitPort(s)
	if err != nil {
		return r, err
	}
	r.port = port
	if inner, is := strings.CutPrefix(host, "["); is {
		inner, closed := strings.CutSuffix(inner, "]")
		a, valid := address(inner)
		if !closed || !valid || !strings.Contains(inner, ":") {
			return r, errors.New("brackets are for IPv6 addresses")
		}
		return r.ofAddress(a)
	}
	if a, valid := address(host); valid {
		return r.ofAddress(a)
	}
	host, r.wild = strings.CutPrefix(host, "*.")
	name, ok := canonical(host)
	switch {
	case host == "*":
		return r, errors.New("all hosts are no rule")
	case !ok:
		return r, errors.New("no name of a host and no address")
	case r.wild && isPublicSuffix(name):
		return r, fmt.Errorf("names below %s belong to anybody", name)
	case r.wild && r.udp:
		return r, errors.New("a rule for UDP names one host")
	}
	r.name = name
	return r, nil
}

// splitPort takes the port off. A second colon is a part of an IPv6 address, which
// stands in brackets.
func splitPort(s string) (host string, port uint16, err error) {
	i := strings.LastIndexByte(s, ':')
	if i < 0 || strings.HasSuffix(s, "]") {
		return s, defaultPort, nil
	}
	host, digits := s[:i], s[i+1:]
	if strings.Contains(host, ":") && !strings.HasPrefix(host, "[") {
		return "", 0, errors.New("an IPv6 address stands in brackets")
	}
	if digits == "*" {
		return "", 0, errors.New("a rule names its port")
	}
	n, err := strconv.ParseUint(digits, 10, 16)
	if err != nil || n == 0 || digits[0] == '0' || digits[0] == '+' {
		return "", 0, fmt.Errorf("%q is no port", digits)
	}
	return host, uint16(n), nil
}

func (r Rule) ofAddress(a netip.Addr) (Rule, error) {
	r.addr = a
	if c := classify(a); c != public && c != private {
		return r, fmt.Errorf("%s is %s", a, c)
	}
	return r, nil
}

// String is the rule as ParseRule reads it, in its one form.
func (r Rule) String() string {
	host := r.name
	switch {
	case r.wild:
		host = "*." + r.name
	case r.addr.Is6():
		host = "[" + r.addr.String() + "]"
	case r.addr.IsValid():
		host = r.addr.String()
	}
	s := host + ":" + strconv.Itoa(int(r.port))
	if r.udp {
		s += "/udp"
	}
	return s
}

// covers reports whether the rule is about a canonical name.
func (r Rule) covers(name string) bool {
	if r.wild {
		below, is := strings.CutSuffix(name, r.name)
		return is && len(below) > 1 && below[len(below)-1] == '.'
	}
	return r.name != "" && r.name == name
}

// rules is a list of rules that does not change.
type rules []Rule

// covers reports whether any rule is about a name.
func (rs rules) covers(name string) bool {
	for _, r := range rs {
		if r.covers(name) {
			return true
		}
	}
	return false
}

// ports are the ports of a name, each once, with the rule that allows it.
func (rs rules) ports(name string, udp bool) map[uint16]Rule {
	ports := map[uint16]Rule{}
	for _, r := range rs {
		if _, has := ports[r.port]; !has && r.udp == udp && r.covers(name) {
			ports[r.port] = r
		}
	}
	return ports
}
