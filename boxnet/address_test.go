package boxnet

import (
	"net/netip"
	"testing"
)

// What other filters have let through: 100.64.0.0/10 (smokescreen's pull request 265), and IPv4
// addresses in the many clothes of IPv6.
var addressClasses = map[string]class{
	"1.1.1.1": public, "203.0.113.9": public, "2606:4700::1111": public, "172.32.0.1": public, "100.128.0.1": public, "198.20.0.1": public,
	"10.0.0.1": private, "172.16.0.1": private, "172.31.255.255": private, "192.168.1.1": private,
	"100.64.0.1": private, "100.127.255.255": private, "fc00::1": private, "fd12:3456::1": private,
	"0.0.0.0": unspecified, "0.1.2.3": unspecified, "::": unspecified,
	"127.0.0.1": loopback, "127.255.255.254": loopback, "::1": loopback, "::ffff:127.0.0.1": loopback, "::ffff:7f00:1": loopback,
	"169.254.169.254": linkLocal, "169.254.0.1": linkLocal, "fe80::1": linkLocal, "fe80::1%eth0": linkLocal, "febf::1": linkLocal, "::ffff:169.254.169.254": linkLocal,
	"fd00:ec2::254": metadata, "fd20:ce::254": metadata, "168.63.129.16": metadata, "100.100.100.200": metadata,
	"192.0.0.192": reserved, "198.18.0.1": reserved, "198.19.255.255": reserved, "240.0.0.1": reserved, "255.255.255.255": reserved, "fec0::1": reserved, "100::1": reserved,
	"224.0.0.1": multicast, "ff02::1": multicast,
	"::127.0.0.1": carriesIPv4, "::10.0.0.1": carriesIPv4, "64:ff9b::7f00:1": carriesIPv4, "64:ff9b::a00:1": carriesIPv4, "64:ff9b:1::1": carriesIPv4,
	"2002:7f00:1::": carriesIPv4, "2001:0:a00:1::": carriesIPv4,
	"::ffff:10.0.0.1": private, "::ffff:1.1.1.1": public,
}

func TestClassify(t *testing.T) {
	for s, want := range addressClasses {
		if got := classify(netip.MustParseAddr(s)); got != want {
			t.Errorf("%s is %s; want %s", s, got, want)
		}
	}
}

// A name leads to a private address with a second permission only, and to what is neither public
// nor private never, whatever is permitted.
func TestRefuse(t *testing.T) {
	all := []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")}
	none := func() ([]netip.Addr, error) { return nil, nil }
	strict, lax := addressCheck{own: none}, addressCheck{own: none, private: all}
	for s, c := range addressClasses {
		a := netip.MustParseAddr(s)
		for _, check := range []struct {
			by    addressCheck
			named bool
			want  bool
		}{{strict, false, c == public}, {strict, true, c == public || c == private}, {lax, false, c == public || c == private}} {
			if got := check.by.refuse(a, check.named); (got == "") != check.want {
				t.Errorf("%s, named: %v: %q", s, check.named, got)
			}
		}
	}
	own := addressCheck{private: all, own: func() ([]netip.Addr, error) {
		return []netip.Addr{netip.MustParseAddr("203.0.113.9"), netip.MustParseAddr("10.0.0.1")}, nil
	}}
	for _, s := range []string{"203.0.113.9", "::ffff:203.0.113.9", "10.0.0.1"} {
		for _, named := range []bool{false, true} {
			if got := own.refuse(netip.MustParseAddr(s), named); got != string(hostsOwn) {
				t.Errorf("%s is this machine's: %q", s, got)
			}
		}
	}
}

func TestFakes(t *testing.T) {
	var f fakes
	seen := map[netip.Addr]bool{}
	name := func(i int) string { return string(rune('a'+i%26)) + string(rune('0'+i/26)) }
	for i := range mostNames {
		a, ok := f.of(name(i))
		if !ok || !standIns().Contains(a) || seen[a] {
			t.Fatalf("name %d: %s, %v", i, a, ok)
		}
		seen[a] = true
	}
	if a, ok := f.of("one-more"); ok {
		t.Errorf("one name more: %s", a)
	}
	if a, ok := f.of(name(0)); !ok || a != standIns().Addr().Next() {
		t.Errorf("the first name: %s, %v", a, ok)
	}
}
