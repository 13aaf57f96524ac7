package boxnet

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

const (
	resolvConf = "/etc/resolv.conf"
	mostServer = 3 // resolv.conf(5)
	dnsPort    = 53
	longestUDP = 512 // of a question, RFC 1035
)

// nameservers are the addresses that are asked for names inside.
func nameservers(given []netip.Addr) (list []netip.Addr, err error) {
	if given == nil {
		text, err := os.ReadFile(resolvConf)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return nil, err
		}
		given = serversOf(string(text))
	}
	for _, a := range given {
		a = a.Unmap()
		c := classify(a)
		if !a.IsValid() || a.Zone() != "" || c == unspecified || c == multicast || standIns().Contains(a) {
			return nil, fmt.Errorf("nameserver %s: it cannot be one inside", a)
		}
		if !slices.Contains(list, a) {
			list = append(list, a)
		}
	}
	if len(list) > mostServer {
		return nil, fmt.Errorf("%d nameservers; at most %d", len(list), mostServer)
	}
	return list, nil
}

// serversOf reads resolv.conf(5) as resolvers do. One on a link leads nowhere from inside, and of IPv6 where
// this machine has none. Without any they ask 127.0.0.1.
func serversOf(text string) (list []netip.Addr) {
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if len(fields) < 2 || fields[0] != "nameserver" || len(list) == mostServer {
			continue
		}
		a, ok := address(fields[1])
		if ok && classify(a) != linkLocal && (a.Is4() || hasIPv6()) {
			list = append(list, a)
		}
	}
	if list == nil {
		list = []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1})}
	}
	return list
}

func hasIPv6() bool {
	fd, err := unix.Socket(unix.AF_INET6, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err == nil {
		unix.Close(fd)
	}
	return err == nil
}

// nameserver answers questions by UDP.
func (in *inside) nameserver(server netip.Addr, f *os.File) error {
	c, err := in.bindUDP(netip.AddrPortFrom(server, dnsPort), f)
	if err != nil {
		return err
	}
	in.run(func() {
		var p pace
		b := make([]byte, longestUDP+1)
		for in.paced(&p) {
			n, from, err := c.ReadFromUDPAddrPort(b)
			switch {
			case isClosed(err):
				return
			case err != nil || n > longestUDP:
				continue
			}
			if reply := in.reply("udp", b[:n]); reply != nil {
				c.WriteToUDPAddrPort(reply, from)
			}
		}
	})
	return nil
}

// bindUDP makes a born socket one that receives at an address inside.
func (in *inside) bindUDP(at netip.AddrPort, f *os.File) (c *net.UDPConn, err error) {
	fd, err := take(f)
	if err != nil {
		return nil, err
	}
	own := os.NewFile(uintptr(fd), at.String())
	defer own.Close()
	if err := in.call("bind "+at.String()+"/udp", func() error { return bind(fd, at) }); err != nil {
		return nil, err
	}
	err = in.call("poll "+at.String()+"/udp", func() error {
		any, err := net.FilePacketConn(own)
		if err == nil {
			c = any.(*net.UDPConn)
		}
		return err
	})
	if err == nil && !in.keep(c) {
		return nil, net.ErrClosed
	}
	return c, err
}

// paced waits where questions come too fast. What does not fit in the socket's buffer meanwhile is
// lost, and asked again.
func (in *inside) paced(p *pace) bool {
	d := p.wait(time.Now())
	if d > 0 {
		in.journal.limit("questions in a second")
	}
	return sleep(in.ctx, d)
}

func (in *inside) reply(proto string, question []byte) []byte {
	return answer(question, func(name string, ok bool) verdict { return in.decide(proto, name, ok) })
}

// nameserversTCP answers questions by TCP.
func (in *inside) nameserversTCP() error {
	for _, server := range in.servers {
		l, err := in.listen(netip.AddrPortFrom(server, dnsPort))
		if err != nil {
			return err
		}
		in.run(func() { in.accept(l, in.converse) })
	}
	return nil
}

// converse answers the questions of one connection. They have their length in front.
func (in *inside) converse(c *net.TCPConn) {
	if !in.dnsConns.try() {
		in.journal.limit("connections for DNS")
		return
	}
	defer in.dnsConns.free()
	var p pace
	for in.paced(&p) {
		c.SetDeadline(time.Now().Add(dnsIdle))
		var size [2]byte
		if _, err := io.ReadFull(c, size[:]); err != nil {
			return
		}
		question := make([]byte, binary.BigEndian.Uint16(size[:]))
		if _, err := io.ReadFull(c, question); err != nil {
			return
		}
		reply := in.reply("tcp", question)
		if reply == nil {
			return
		}
		if _, err := c.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(reply))), reply...)); err != nil {
			return
		}
	}
}
