package boxnet

import (
	"net"
	"net/netip"
	"slices"
)

// A class says what may lead to an address.
type class string

const (
	public  class = "public"
	private class = "private" // allowed by Policy.Private, or by a rule that has it

	unspecified class = "unspecified"
	loopback    class = "loopback"
	linkLocal   class = "link-local"
	multicast   class = "multicast"
	reserved    class = "reserved"
	metadata    class = "a cloud's metadata service"
	carriesIPv4 class = "an IPv4 address within an IPv6 one"
	hostsOwn    class = "an address of this machine"
)

// classes are ranges of addresses, the first that matches counts. What is in none is public.
// They are those of IANA's registries of special-purpose addresses (RFC 6890), and what clouds
// have made of some.
var classes = []struct {
	prefix string
	class  class
}{
	{"169.254.0.0/16", linkLocal}, // 169.254.169.254 among them
	{"168.63.129.16/32", metadata},
	{"100.100.100.200/32", metadata},
	{"fd00:ec2::/32", metadata},
	{"fd20:ce::/32", metadata},

	{"0.0.0.0/8", unspecified}, // Linux takes 0.0.0.0 for this machine
	{"127.0.0.0/8", loopback},
	{"10.0.0.0/8", private},
	{"172.16.0.0/12", private},
	{"192.168.0.0/16", private},
	{"100.64.0.0/10", private},
	{"192.0.0.0/24", reserved},
	{"198.18.0.0/15", reserved}, // ours
	{"224.0.0.0/4", multicast},
	{"240.0.0.0/4", reserved},

	{"::/128", unspecified},
	{"::1/128", loopback},
	{"::/96", carriesIPv4},
	{"64:ff9b::/96", carriesIPv4},
	{"64:ff9b:1::/48", carriesIPv4},
	{"2001::/32", carriesIPv4}, // Teredo
	{"2002::/16", carriesIPv4}, // 6to4
	{"100::/64", reserved},
	{"fe80::/10", linkLocal},
	{"fec0::/10", reserved},
	{"fc00::/7", private},
	{"ff00::/8", multicast},
}

// classify says what an address is. An IPv4 address that is written as an IPv6 one (::ffff:0:0/96)
// is what it is without that: the kernel sends IPv4 packets to it.
func classify(a netip.Addr) class {
	a = a.WithZone("").Unmap()
	for _, c := range classes {
		if netip.MustParsePrefix(c.prefix).Contains(a) {
			return c.class
		}
	}
	return public
}

// An addressCheck decides about the addresses that are dialled.
type addressCheck struct {
	private []netip.Prefix
	own     func() ([]netip.Addr, error) // this machine's addresses
}

// refuse says why an address may not be dialled, or "". An address that a rule names itself
// needs no second permission to be private.
func (c *addressCheck) refuse(a netip.Addr, named bool) (reason string) {
	a = a.WithZone("").Unmap()
	kind := classify(a)
	inside := func(p netip.Prefix) bool { return p.Contains(a) }
	switch {
	case kind == private && (named || slices.ContainsFunc(c.private, inside)):
	case kind != public:
		return string(kind)
	}
	// What listens at 0.0.0.0 for this machine's own programs is behind its public addresses, too.
	own, err := c.own()
	if err != nil {
		return "this machine's addresses are unknown: " + err.Error()
	}
	if slices.Contains(own, a) {
		return string(hostsOwn)
	}
	return ""
}

// ownAddresses are those of all interfaces, at this time.
func ownAddresses() (list []netip.Addr, err error) {
	addrs, err := net.InterfaceAddrs()
	for _, a := range addrs {
		if n, is := a.(*net.IPNet); is {
			if ip, ok := netip.AddrFromSlice(n.IP); ok {
				list = append(list, ip.Unmap())
			}
		}
	}
	return list, err
}

// lastOf is the last address of a range.
func lastOf(p netip.Prefix) netip.Addr {
	b := p.Masked().Addr().AsSlice()
	for i := p.Bits(); i < len(b)*8; i++ {
		b[i/8] |= 0x80 >> (i % 8)
	}
	a, _ := netip.AddrFromSlice(b)
	return a
}
