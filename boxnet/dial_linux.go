package boxnet

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"
	"time"
)

// A target is what a listener inside stands for.
type target struct {
	network string
	name    string     // or "" for
	addr    netip.Addr // an address
	port    uint16
	rule    Rule
	host    bool // a port of this machine's loopback
}

func (t target) event(op string, began time.Time) Event {
	e := Event{Op: op, Proto: t.network, Name: t.name, Addr: t.addr, Port: t.port, Rule: t.rule.String(), MS: time.Since(began).Milliseconds()}
	if t.host {
		e.Rule = "host port"
	}
	return e
}

// A denial is a reason for what is not dialled.
type denial string

func (d denial) Error() string { return string(d) }

func isDenial(err error) bool {
	var d denial
	return errors.As(err, &d)
}

// reasonOf is an error without addresses and names, which events have for themselves.
func reasonOf(err error) string {
	var d denial
	var errno syscall.Errno
	var dns *net.DNSError
	switch {
	case errors.As(err, &d):
		return string(d)
	case errors.As(err, &errno):
		return errno.Error()
	case errors.Is(err, context.DeadlineExceeded):
		return "timeout"
	case errors.As(err, &dns):
		return "the name does not resolve"
	case errors.Is(err, errUnlogged), errors.Is(err, errNoAddress):
		return err.Error()
	}
	return "cannot be dialled"
}

func isClosed(err error) bool { return errors.Is(err, net.ErrClosed) }

var errNoAddress = errors.New("the name has no address")

// reach connects to a target from outside, if all checks allow it.
func (in *inside) reach(t target) (c net.Conn, dialled string, err error) {
	if err := in.journal.works(); err != nil {
		return nil, "", err
	}
	if !in.dials.take(in.ctx, func() { in.journal.limit("dials") }) {
		return nil, "", net.ErrClosed
	}
	defer in.dials.free()
	ctx, cancel := context.WithTimeout(in.ctx, dialTime)
	defer cancel()
	addrs, err := in.addressesOf(ctx, t)
	for i, a := range addrs { // each gets its share of the time that is left
		to := netip.AddrPortFrom(a, t.port)
		if c, err = in.dial(ctx, t, to, len(addrs)-i); err == nil {
			return c, to.String(), nil
		}
	}
	return nil, "", err
}

// addressesOf are those of a target that may be dialled. That a name has others as well does not matter.
func (in *inside) addressesOf(ctx context.Context, t target) ([]netip.Addr, error) {
	if t.host {
		return []netip.Addr{t.addr}, nil
	}
	found, err := []netip.Addr{t.addr}, error(nil)
	if t.name != "" {
		found, err = in.resolve(ctx, t.name)
	}
	if err != nil {
		return nil, err
	}
	err = errNoAddress
	var may []netip.Addr
	for _, a := range found {
		a = a.WithZone("").Unmap()
		if reason := in.check.refuse(a, t.name == ""); reason != "" {
			err = denial(fmt.Sprintf("it is at %s, which is %s", a, reason))
			continue
		}
		may = append(may, a)
	}
	if len(may) > 0 {
		err = nil
	}
	return may, err
}

func (in *inside) resolve(ctx context.Context, name string) ([]netip.Addr, error) {
	if in.policy.Resolve != nil {
		return in.policy.Resolve(ctx, name)
	}
	return net.DefaultResolver.LookupNetIP(ctx, "ip", name)
}

// dial connects to one address. It is checked once more where the kernel is given it.
func (in *inside) dial(ctx context.Context, t target, to netip.AddrPort, tries int) (net.Conn, error) {
	if until, has := ctx.Deadline(); has {
		var cancel func()
		ctx, cancel = context.WithTimeout(ctx, max(time.Until(until)/time.Duration(tries), time.Second))
		defer cancel()
	}
	if t.host {
		return (&net.Dialer{}).DialContext(ctx, t.network, to.String())
	}
	if in.policy.Dial != nil {
		return in.policy.Dial(ctx, t.network, to.String())
	}
	d := net.Dialer{Control: func(_, address string, _ syscall.RawConn) error {
		a, err := netip.ParseAddrPort(address)
		if err != nil {
			return err
		}
		if reason := in.check.refuse(a.Addr(), t.name == ""); reason != "" {
			return denial(reason)
		}
		return nil
	}}
	return d.DialContext(ctx, t.network, to.String())
}
