package boxnet

import (
	"net/netip"
	"strings"
)

// The limits of RFC 1035 on what a name can be, without its last dot.
const (
	longestName  = 253
	longestLabel = 63
)

// canonical is the one form in which names are compared, of rules and of questions: in lower
// case, without the last dot. What is no name of a host has none. Two forms of one
// name would be two answers to the question whether it is allowed.
func canonical(s string) (name string, ok bool) {
	s = strings.TrimSuffix(s, ".")
	if s == "" || len(s) > longestName {
		return "", false
	}
	s = lower(s)
	last := ""
	for label := range strings.SplitSeq(s, ".") {
		if !isLabel(label) {
			return "", false
		}
		last = label
	}
	// Resolvers read 127.1, 0x7f000001 and 2130706433 as addresses.
	return s, !isNumber(last)
}

// lower knows ASCII only: others have letters that become ASCII ones, such as the Kelvin sign.
func lower(s string) string {
	b := []byte(s)
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}

func isLabel(s string) bool {
	for _, c := range []byte(s) {
		letter := 'a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '-' || c == '_'
		if !letter {
			return false
		}
	}
	return s != "" && len(s) <= longestLabel
}

// isNumber reports whether inet_aton(3) could take a last label for a number.
func isNumber(label string) bool {
	hex, is := strings.CutPrefix(label, "0x")
	if is {
		return strings.Trim(hex, "0123456789abcdef") == ""
	}
	return strings.Trim(label, "0123456789") == ""
}

// isPublicSuffix reports whether names below this one belong to different owners for certain:
// a top-level domain, or what many countries have below theirs.
func isPublicSuffix(name string) bool {
	label, parent, two := strings.Cut(name, ".")
	if !two {
		return true
	}
	switch label {
	case "ac", "co", "com", "edu", "go", "gob", "gov", "mil", "ne", "net", "or", "org":
		return len(parent) == 2
	}
	return false
}

// address is the address that a string is, in any of its forms that have one meaning.
func address(s string) (netip.Addr, bool) {
	a, err := netip.ParseAddr(s)
	return a.Unmap(), err == nil && a.Zone() == ""
}
