package boxnet

import "net/netip"

// Addresses that stand for names are of the range for benchmarks (RFC 2544), which nothing on
// the Internet has. Each stands for one name as long as the network is there: a program may keep
// an address for as long as it likes.
func standIns() netip.Prefix { return netip.PrefixFrom(netip.AddrFrom4([4]byte{198, 18}), 15) }

const mostNames = 100_000

// fakes are the addresses that stand for names.
type fakes struct {
	addrs map[string]netip.Addr
	last  netip.Addr
}

// of is the address of a name, the same one every time; ok is false when there are too many names.
func (f *fakes) of(name string) (a netip.Addr, ok bool) {
	if a, has := f.addrs[name]; has {
		return a, true
	}
	if len(f.addrs) >= mostNames {
		return a, false
	}
	if f.addrs == nil {
		f.addrs, f.last = map[string]netip.Addr{}, standIns().Addr()
	}
	f.last = f.last.Next()
	f.addrs[name] = f.last
	return f.last, true
}
