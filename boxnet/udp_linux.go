package boxnet

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"sync"
	"syscall"
	"time"
)

// flows are the UDP senders inside that have a socket outside.
type flows struct {
	sync.Mutex
	to map[netip.AddrPort]chan []byte
}

const (
	longestDatagram = 65535
	mostWaiting     = 16 // datagrams of a flow that is being dialled
)

// udp has a port of an address inside lead to a host.
func (in *inside) udp(r Rule, f *os.File) error {
	t := target{network: "udp", name: r.name, addr: r.addr, port: r.port, rule: r}
	at := r.addr
	if r.name != "" {
		a, _, err := in.standIn(r.name)
		if err != nil {
			return err
		}
		at = a
	}
	c, err := in.bindUDP(netip.AddrPortFrom(at, r.port), f)
	if err == nil {
		in.run(func() { in.receive(c, t) })
	}
	return err
}

// receive hands each datagram to the flow of its sender.
func (in *inside) receive(c *net.UDPConn, t target) {
	fs := flows{to: map[netip.AddrPort]chan []byte{}}
	b := make([]byte, longestDatagram)
	for in.ctx.Err() == nil {
		n, from, err := c.ReadFromUDPAddrPort(b)
		switch {
		case isClosed(err):
			return
		case err != nil:
			continue
		}
		fs.Lock()
		queue := fs.to[from]
		if queue == nil && in.flows.try() {
			queue = make(chan []byte, mostWaiting)
			fs.to[from] = queue
			in.run(func() {
				in.flow(c, from, t, queue)
				fs.Lock()
				delete(fs.to, from)
				fs.Unlock()
				in.flows.free()
			})
		}
		fs.Unlock()
		if queue == nil {
			in.journal.limit("UDP flows")
			continue
		}
		select {
		case queue <- append([]byte(nil), b[:n]...):
		default: // UDP loses what comes too fast
		}
	}
}

// flow is one sender's way out, until nothing has gone either way for a while.
func (in *inside) flow(c *net.UDPConn, from netip.AddrPort, t target, queue chan []byte) {
	began := time.Now()
	out, dialled, err := in.connectTo(t, began)
	if err != nil {
		return
	}
	defer in.drop(out)
	e := t.event("close", began)
	e.Verdict, e.Dialled = "allow", dialled
	over, sent := make(chan struct{}), make(chan int64)
	in.run(func() { sent <- forward(out, queue, over) })
	in.journal.in.Add(record(&e.In, in.returned(c, from, out)))
	close(over)
	in.journal.out.Add(record(&e.Out, <-sent))
	e.MS = time.Since(began).Milliseconds()
	in.journal.tell(e)
}

// forward sends what comes from inside.
func forward(out net.Conn, queue chan []byte, over chan struct{}) (sent int64) {
	for {
		select {
		case b := <-queue:
			out.SetReadDeadline(time.Now().Add(flowIdle))
			if n, err := out.Write(b); err == nil {
				sent += int64(n)
			}
		case <-over:
			return sent
		}
	}
}

// returned sends what comes from outside to the sender inside.
func (in *inside) returned(c *net.UDPConn, from netip.AddrPort, out net.Conn) (received int64) {
	b := make([]byte, longestDatagram)
	for in.ctx.Err() == nil {
		n, err := out.Read(b)
		switch {
		case errors.Is(err, syscall.ECONNREFUSED): // of a datagram before
			continue
		case err != nil:
			return received
		}
		out.SetReadDeadline(time.Now().Add(flowIdle))
		if n, err := c.WriteToUDPAddrPort(b[:n], from); err == nil {
			received += int64(n)
		}
	}
	return received
}
