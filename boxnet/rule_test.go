package boxnet

import (
	"net/netip"
	"strings"
	"testing"
)

// canonicalForms are names with their one form, or "" for what is no name. Other sandboxes have had
// two readers of one name that took it for different ones: one with a NUL, in brackets, with dots behind it
// (CVE-2022-29188, CVE-2022-24825), or of capital letters.
var canonicalForms = map[string]string{
	"example.com":                    "example.com",
	"Example.COM":                    "example.com",
	"example.com.":                   "example.com",
	"_srv.example.com":               "_srv.example.com",
	"xn--bcher-kva.example":          "xn--bcher-kva.example",
	"1.example":                      "1.example",
	"localhost":                      "localhost",
	strings.Repeat("a", 63) + ".com": strings.Repeat("a", 63) + ".com",

	"":                               "",
	".":                              "",
	"example.com..":                  "",
	".example.com":                   "",
	"a..b":                           "",
	"example.com\x00.evil.com":       "",
	"example.com%00.evil.com":        "",
	"example.com\n":                  "",
	"[example.com]":                  "",
	"example.com:443":                "",
	"user@example.com":               "",
	"example.com/":                   "",
	" example.com":                   "",
	"bücher.example":                 "",
	"\u212Aernel.org":                "", // the Kelvin sign, of which Unicode's lower case is k
	"*.example.com":                  "",
	"127.0.0.1":                      "",
	"127.1":                          "",
	"0x7f.1":                         "",
	"0X7F000001":                     "",
	"2130706433":                     "",
	"017700000001":                   "",
	"example.0x":                     "",
	"::1":                            "",
	"fe80::1%lo":                     "",
	strings.Repeat("a", 64) + ".com": "",
	strings.Repeat("abc.", 64) + "a": "",
}

func TestCanonical(t *testing.T) {
	for s, want := range canonicalForms {
		got, ok := canonical(s)
		if ok != (want != "") || ok && got != want {
			t.Errorf("canonical(%q) = %q, %v; want %q", s, got, ok, want)
		}
	}
}

func TestParseRule(t *testing.T) {
	for s, want := range map[string]string{
		"GitHub.com":              "github.com:443",
		"github.com.:22":          "github.com:22",
		"*.npmjs.org":             "*.npmjs.org:443",
		"*.Example.co.uk:8443":    "*.example.co.uk:8443",
		"dns.example:53/udp":      "dns.example:53/udp",
		"db:5432":                 "db:5432",
		"192.0.2.1":               "192.0.2.1:443",
		"10.1.2.3:80":             "10.1.2.3:80",
		"[2001:db8::1]:80":        "[2001:db8::1]:80",
		"[2001:DB8:0::1]":         "[2001:db8::1]:443",
		"[::ffff:192.0.2.1]:1":    "192.0.2.1:1",
		"[2001:db8::1]:65535/udp": "[2001:db8::1]:65535/udp",
	} {
		r, err := ParseRule(s)
		if err != nil || r.String() != want {
			t.Errorf("ParseRule(%q) = %v, %v; want %s", s, r, err, want)
			continue
		}
		if again, err := ParseRule(want); err != nil || again != r {
			t.Errorf("ParseRule(%q) = %v, %v; want what it is the form of", want, again, err)
		}
	}
	for _, s := range []string{
		"", "*", "*.", "*.com", "*.co.uk", "*.COM.", "**.example.com", "a.*.com", "*example.com", ":443", "/udp",
		"example.com:", "example.com:0", "example.com:65536", "example.com:+1", "example.com:080", "example.com:*", "example.com:https",
		"2001:db8::1", "2001:db8::1:443", "[example.com]", "[192.0.2.1]", "[2001:db8::1", "[fe80::1%lo]", "[2001:db8::1]x",
		"example.com/tcp", "*.example.com:53/udp", "https://example.com", "exa mple.com", "127.1", "0x7f000001",
		"127.0.0.1:80", "0.0.0.0", "169.254.169.254:80", "[::1]:80", "[fe80::1]", "[::ffff:127.0.0.1]", "198.18.0.1", "224.0.0.1", "[64:ff9b::7f00:1]",
	} {
		if r, err := ParseRule(s); err == nil {
			t.Errorf("ParseRule(%q) = %v; want an error", s, r)
		}
	}
}

func rulesOf(t testing.TB, list ...string) (rs rules) {
	for _, s := range list {
		r, err := ParseRule(s)
		if err != nil {
			t.Fatal(err)
		}
		rs = append(rs, r)
	}
	return rs
}

func TestRulesCover(t *testing.T) {
	rs := rulesOf(t, "example.com", "*.wild.example:80", "*.wild.example", "192.0.2.1")
	for name, want := range map[string]int{
		"example.com": 1, "a.wild.example": 2, "a.b.wild.example": 2,
		"wild.example": 0, "xwild.example": 0, ".wild.example": 0, "www.example.com": 0, "example.com.evil.org": 0, "192.0.2.1": 0, "": 0,
	} {
		if got := len(rs.ports(name, false)); got != want || rs.covers(name) != (want > 0) {
			t.Errorf("%s: %d ports, covered: %v; want %d", name, got, rs.covers(name), want)
		}
	}
	if p := rs.ports("example.com", true); len(p) != 0 {
		t.Errorf("UDP ports of a rule for TCP: %v", p)
	}
}

// Whatever a rule is, its form reads as the same rule, and it covers its name or what is below.
func FuzzRule(f *testing.F) {
	for s := range canonicalForms {
		f.Add(s, "www."+s)
		f.Add("*."+s+":1/udp", s)
	}
	f.Fuzz(func(t *testing.T, s, name string) {
		r, err := ParseRule(s)
		if err != nil {
			return
		}
		if again, err := ParseRule(r.String()); err != nil || again != r {
			t.Errorf("%q is %v, which is %v, %v", s, r, again, err)
		}
		c, ok := canonical(name)
		if c2, ok2 := canonical(c); ok && (c2 != c || !ok2) {
			t.Errorf("canonical(%q) = %q, %v", c, c2, ok2)
		}
		if _, err := netip.ParseAddr(c); ok && err == nil {
			t.Errorf("%q is an address, too", c)
		}
		below := "." + r.name
		if ok && r.covers(c) && c != r.name && !(r.wild && len(c) > len(below) && c[len(c)-len(below):] == below) {
			t.Errorf("%v covers %q", r, name)
		}
	})
}
