package boxnet

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// inside is what this process has in the namespace of one child.
type inside struct {
	*Network
	ctx    context.Context
	cancel func()
	tasks  sync.WaitGroup

	mints [2]mint // of IPv4 and IPv6

	conns, flows, dials, dnsConns slots

	names struct {
		sync.Mutex
		fakes
		listening map[string]*listening
		asked     int64
		listeners int
	}

	open struct {
		sync.Mutex
		closed  bool
		closers map[io.Closer]bool
	}
}

// A born socket is opened by the child. Then the parent makes of it what it is for.
type born struct {
	domain, kind, protocol int
	use                    func(*inside, *os.File) error
}

// born are the sockets that the child opens, in the order in which they are used: routes come first.
func (n *Network) born() []born {
	list := []born{{unix.AF_NETLINK, unix.SOCK_RAW, unix.NETLINK_ROUTE, (*inside).routes}}
	families := []int{unix.AF_INET}
	if n.needsIPv6() {
		families = append(families, unix.AF_INET6)
	}
	for i, family := range families {
		list = append(list,
			born{family, unix.SOCK_STREAM, 0, func(in *inside, f *os.File) error { return in.mints[i].openDoor(in, family, f) }},
			born{family, unix.SOCK_STREAM, 0, func(in *inside, f *os.File) error { return in.mints[i].openDialer(f) }})
	}
	for _, server := range n.servers {
		list = append(list, born{familyOf(server), unix.SOCK_DGRAM, 0, func(in *inside, f *os.File) error { return in.nameserver(server, f) }})
	}
	for _, r := range n.rules {
		if r.udp {
			list = append(list, born{familyOf(r.addr), unix.SOCK_DGRAM, 0, func(in *inside, f *os.File) error { return in.udp(r, f) }})
		}
	}
	return list
}

// familyOf is an address's; one that stands for a name is of IPv4.
func familyOf(a netip.Addr) int {
	if a.Is6() {
		return unix.AF_INET6
	}
	return unix.AF_INET
}

func (n *Network) needsIPv6() bool {
	for _, a := range n.literals() {
		if a.Is6() {
			return true
		}
	}
	return false
}

// literals are the addresses that are local inside beside those that stand for names: of
// servers for names and of rules.
func (n *Network) literals() (list []netip.Addr) {
	list = append(list, n.servers...)
	for _, r := range n.rules {
		if r.addr.IsValid() {
			list = append(list, r.addr)
		}
	}
	return list
}

// meet sets the network up while the child waits. The sockets are this process's from now on.
func (n *Network) meet(sockets []*os.File) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.inside != nil { // of a child that has not come to its execve
		n.inside.close()
	}
	in := &inside{Network: n, conns: make(slots, mostConns), flows: make(slots, mostFlows), dials: make(slots, mostDials), dnsConns: make(slots, mostDNSConns)}
	in.ctx, in.cancel = context.WithCancel(context.Background())
	in.open.closers = map[io.Closer]bool{}
	in.names.listening = map[string]*listening{}
	n.inside = in
	err := net.ErrClosed
	if !n.closed {
		err = in.setUp(sockets)
	}
	if err != nil {
		in.close()
		return fmt.Errorf("boxnet: %w", err)
	}
	return nil
}

func (in *inside) setUp(sockets []*os.File) error {
	plan := in.born()
	if len(plan) != len(sockets) {
		return fmt.Errorf("%d sockets instead of %d", len(sockets), len(plan))
	}
	for i, b := range plan {
		if err := b.use(in, sockets[i]); err != nil {
			return err
		}
	}
	for _, set := range []func() error{in.nameserversTCP, in.hostPorts, in.addresses, in.publish} {
		if err := set(); err != nil {
			return err
		}
	}
	return in.journal.tell(Event{Op: "start", Verdict: "allow"})
}

// call makes one call of the set-up. Its error names the call.
func (in *inside) call(what string, do func() error) error {
	if in.fault != nil {
		if err := in.fault(what); err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
	}
	if err := do(); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

// run runs a task that ends when the network is closed.
func (in *inside) run(task func()) {
	in.tasks.Go(task)
}

// keep has close end c, too. It reports false, and closes c, if that is over.
func (in *inside) keep(c io.Closer) bool {
	in.open.Lock()
	defer in.open.Unlock()
	if in.open.closed {
		c.Close()
		return false
	}
	in.open.closers[c] = true
	return true
}

// drop closes what was kept.
func (in *inside) drop(c io.Closer) {
	in.open.Lock()
	delete(in.open.closers, c)
	in.open.Unlock()
	c.Close()
}

// close ends all that is there, and waits for it.
func (in *inside) close() {
	in.cancel()
	for i := range in.mints {
		in.mints[i].close()
	}
	in.unpublish()
	in.open.Lock()
	in.open.closed = true
	for c := range in.open.closers { // whoever sees his connection end finds nobody who takes another
		if l, is := c.(*net.TCPListener); is {
			l.Close()
		}
	}
	for c := range in.open.closers {
		if conn, is := c.(*net.TCPConn); is {
			conn.SetLinger(0) // what was on its way does not look complete
		}
		c.Close()
	}
	in.open.closers = nil
	in.open.Unlock()
	in.tasks.Wait()
}
