package boxnet

import (
	"io"
	"net"
	"net/netip"
	"time"
)

// accept serves the connections of a listener until it is closed.
func (in *inside) accept(l *net.TCPListener, serve func(*net.TCPConn)) {
	for in.ctx.Err() == nil {
		c, err := l.AcceptTCP()
		switch {
		case isClosed(err) || in.ctx.Err() != nil:
			if err == nil {
				c.Close()
			}
			return
		case err != nil: // no descriptors are left, perhaps
			in.journal.limit("accept: " + err.Error())
			sleep(in.ctx, 50*time.Millisecond)
			continue
		case !in.conns.take(in.ctx, func() { in.journal.limit("connections") }):
			c.Close()
			return
		}
		in.run(func() {
			defer in.conns.free()
			if in.keep(c) {
				defer in.drop(c)
				serve(c)
			}
		})
	}
}

// serve connects what the program has connected to with what it stands for.
func (in *inside) serve(c *net.TCPConn, t target) {
	began := time.Now()
	out, dialled, err := in.connectTo(t, began)
	if err != nil {
		c.SetLinger(0) // a reset is as near as it gets to a refused connection
		return
	}
	defer in.drop(out)
	e := t.event("close", began)
	e.Dialled = dialled
	in.splice(c, out, e, began)
}

// connectTo reaches a target and tells of it. The connection is kept.
func (in *inside) connectTo(t target, began time.Time) (out net.Conn, dialled string, err error) {
	out, dialled, err = in.reach(t)
	e := t.event("connect", began)
	if err != nil {
		e.Verdict, e.Reason = "fail", reasonOf(err)
		if isDenial(err) {
			e.Verdict, e.MS = "deny", 0
		}
		in.journal.tell(e)
		return nil, "", err
	}
	if !in.keep(out) {
		return nil, "", net.ErrClosed
	}
	e.Verdict, e.Dialled = "allow", dialled
	if err := in.journal.tell(e); err != nil {
		in.drop(out)
		return nil, "", err
	}
	in.journal.connections.Add(1)
	return out, dialled, nil
}

// splice copies both ways until both have ended, and tells of the end.
func (in *inside) splice(inner *net.TCPConn, outer net.Conn, e Event, began time.Time) {
	done := make(chan int64)
	in.run(func() { done <- pipe(outer, inner) })
	in.journal.in.Add(record(&e.In, pipe(inner, outer)))
	in.journal.out.Add(record(&e.Out, <-done))
	e.Verdict, e.MS = "allow", time.Since(began).Milliseconds()
	in.journal.tell(e)
}

func record(to *int64, n int64) int64 {
	*to = n
	return n
}

// pipe copies until the end of src, and passes the end on. After an error both are reset: what has arrived
// must not look complete.
func pipe(dst, src net.Conn) int64 {
	n, err := io.Copy(dst, src)
	if half, can := dst.(interface{ CloseWrite() error }); err == nil && can {
		half.CloseWrite()
		return n
	}
	for _, c := range []net.Conn{dst, src} {
		if l, can := c.(interface{ SetLinger(int) error }); can && err != nil {
			l.SetLinger(0)
		}
		c.Close()
	}
	return n
}

// hostPorts has ports of the program's loopback lead to those of this machine's.
func (in *inside) hostPorts() error {
	localhost := netip.AddrFrom4([4]byte{127, 0, 0, 1})
	for _, port := range in.policy.HostPorts {
		err := in.serveAt(target{network: "tcp", addr: localhost, port: port, host: true})
		if err != nil {
			return err
		}
	}
	return nil
}

// addresses has those that rules name lead there.
func (in *inside) addresses() error {
	for _, r := range in.rules {
		if r.udp || !r.addr.IsValid() {
			continue
		}
		if err := in.serveAt(target{network: "tcp", addr: r.addr, port: r.port, rule: r}); err != nil {
			return err
		}
	}
	return nil
}

func (in *inside) serveAt(t target) error {
	l, err := in.listen(netip.AddrPortFrom(t.addr, t.port))
	if err == nil {
		in.run(func() { in.accept(l, func(c *net.TCPConn) { in.serve(c, t) }) })
	}
	return err
}
