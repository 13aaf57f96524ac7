package boxnet

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/sprog-dev/sprog"
)

// Whatever call of the set-up fails, the program does not run, and nothing is left of it.
func TestFaults(t *testing.T) {
	policy := Policy{
		Allow:       rulesOf(t, "api.example", "203.0.113.1:80", "udp.example:53/udp"),
		HostPorts:   []uint16{8080},
		Publish:     []Forward{{Listen: netip.MustParseAddrPort("127.0.0.1:0"), Port: 80}},
		Nameservers: []netip.Addr{netip.MustParseAddr("192.0.2.53")},
	}
	ran := filepath.Join(t.TempDir(), "ran")
	try := func(failing int) (calls []string, err error) {
		n, err := New(policy)
		if err != nil {
			t.Fatal(err)
		}
		n.fault = func(call string) error {
			calls = append(calls, call)
			if len(calls) == failing {
				return syscall.ENOMEM
			}
			return nil
		}
		err = command(t, n, "touch", ran).Run()
		n.Close()
		nothingLeft(t)
		return calls, err
	}
	before := descriptors(t)
	calls, err := try(0)
	if err != nil || len(calls) < 15 {
		t.Fatalf("%q: %v", calls, err)
	}
	os.Remove(ran)
	for i, call := range calls {
		_, err := try(i + 1)
		var start *sprog.StartError
		if !errors.As(err, &start) || start.Field != "Attr.Meet" || !errors.Is(err, syscall.ENOMEM) || !strings.Contains(err.Error(), call) {
			t.Errorf("%q fails: %v", call, err)
		}
	}
	if _, err := os.Stat(ran); err == nil {
		t.Error("the program has run")
	}
	if after := descriptors(t); after > before {
		t.Errorf("%d sockets; %d before", after, before)
	}
}

// A program that cannot be executed leaves nothing either, and takes no second network.
func TestNoProgram(t *testing.T) {
	before := descriptors(t)
	n := newNetwork(t, Policy{})
	cmd := command(t, n, "/nowhere")
	if err := cmd.Run(); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
	if err := n.Attach(sprog.Command("true")); err == nil {
		t.Error("a network is attached twice")
	}
	n.Close()
	if after := descriptors(t); after > before {
		t.Errorf("%d sockets; %d before", after, before)
	}
}

func TestPolicyErrors(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	taken := netip.MustParseAddrPort(l.Addr().String())
	for what, p := range map[string]Policy{
		"an empty rule":    {Allow: []Rule{{}}},
		"a public range":   {Private: []netip.Prefix{netip.MustParsePrefix("1.0.0.0/8")}},
		"a wide range":     {Private: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/7")}},
		"loopback":         {Private: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}},
		"no port":          {Publish: []Forward{{Listen: netip.MustParseAddrPort("127.0.0.1:0")}}},
		"a port in use":    {Publish: []Forward{{Listen: taken, Port: 80}}},
		"four servers":     {Nameservers: []netip.Addr{netip.MustParseAddr("1.1.1.1"), netip.MustParseAddr("1.1.1.2"), netip.MustParseAddr("1.1.1.3"), netip.MustParseAddr("1.1.1.4")}},
		"a server nowhere": {Nameservers: []netip.Addr{{}}},
	} {
		if n, err := New(p); err == nil {
			n.Close()
			t.Errorf("%s is no error", what)
		}
	}
}

// One port of this machine is the program's as well, and no other.
func TestHostPorts(t *testing.T) {
	at := netip.MustParseAddrPort(tcpServer(t, func(c *net.TCPConn) { io.WriteString(c, "service") }))
	other := netip.MustParseAddrPort(tcpServer(t, func(c *net.TCPConn) { io.WriteString(c, "secret") }))
	n := newNetwork(t, Policy{HostPorts: []uint16{at.Port()}})
	out := python(t, n, `
for port in sys.argv[1:]:
    try: print(socket.create_connection(("127.0.0.1", int(port))).recv(10).decode())
    except OSError as e: print(e.strerror)
`, fmt.Sprint(at.Port()), fmt.Sprint(other.Port()))
	equal(t, "reached", out, "service\nConnection refused\n")
}

// Somebody outside reaches the program at a port that is published. Before the program listens he is reset.
func TestPublish(t *testing.T) {
	requires(t, program("python3"))
	n := newNetwork(t, Policy{Publish: []Forward{{Listen: netip.MustParseAddrPort("127.0.0.1:0"), Port: 8000}, {Listen: netip.MustParseAddrPort("127.0.0.1:0"), Port: 8001}}})
	cmd := command(t, n, "python3", "-u", "-c", `
import socket
l = socket.create_server(("127.0.0.1", 8000))
print("ready")
for i in range(3):
    c, peer = l.accept()
    c.sendall(peer[0].encode() + b" " + c.recv(10))
    c.close()
`)
	ready, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ready.Read(make([]byte, 10))
	for range 3 {
		c, err := net.Dial("tcp", n.Published()[0].String())
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(c, "ping")
		got, err := io.ReadAll(c)
		if err != nil || string(got) != "127.0.0.1 ping" {
			t.Errorf("%q, %v", got, err)
		}
		c.Close()
	}
	c, err := net.Dial("tcp", n.Published()[1].String())
	if err == nil {
		_, err = c.Read(make([]byte, 1))
		c.Close()
	}
	if !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("a port at which nobody listens: %v", err)
	}
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
}

// UDP reaches the port of a rule for UDP, and answers come back to who has asked.
func TestUDP(t *testing.T) {
	requires(t, resolver)
	s, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var task sync.WaitGroup
	defer task.Wait()
	defer s.Close()
	task.Go(func() {
		b := make([]byte, 100)
		for {
			size, from, err := s.ReadFrom(b)
			if err != nil {
				return
			}
			s.WriteTo(append([]byte("re: "), b[:size]...), from)
		}
	})
	w := &world{names: map[string][]string{"udp.example": {"203.0.113.8"}}, servers: map[string]string{"203.0.113.8:5000": s.LocalAddr().String()}}
	n := newNetwork(t, w.policy(t, "udp.example:5000/udp"))
	out := python(t, n, `
at = socket.gethostbyname("udp.example"), 5000
for i in range(3):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(20); s.connect(at)
    s.send(b"%d" % i); print(s.recv(100).decode())
`)
	equal(t, "answers", out, "re: 0\nre: 1\nre: 2\n")
	_, dialled := w.asked()
	equal(t, "flows", len(dialled), 3)
}

// When the log cannot be written, nothing is connected.
func TestBrokenLog(t *testing.T) {
	requires(t, resolver)
	w := &world{names: map[string][]string{"api.example": {"203.0.113.1"}}, servers: map[string]string{"203.0.113.1:80": hello(t)}}
	p := w.policy(t, "api.example:80")
	p.Log = func(e Event) error {
		if e.Op == "connect" {
			return syscall.ENOSPC
		}
		return nil
	}
	n := newNetwork(t, p)
	out := python(t, n, `
for i in range(2):
    s = socket.create_connection(("api.example", 80))
    try: s.sendall(b"GET / HTTP/1.0\r\n\r\n"); print(s.recv(10))
    except OSError as e: print("reset")
`)
	equal(t, "the program", out, "reset\nreset\n")
	if err := n.Close(); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("Close: %v", err)
	}
	if _, dialled := w.asked(); len(dialled) != 1 {
		t.Errorf("dialled: %q", dialled)
	}
}

// Equal denials are told once, and at the end how many there were.
func TestRepeatedDenials(t *testing.T) {
	var l events
	j := journal{log: l.log}
	for range 5 {
		j.tell(Event{Op: "dns", Verdict: "deny", Name: "a.example"})
	}
	for i := range 2 * mostDenials {
		j.tell(Event{Op: "dns", Verdict: "deny", Name: fmt.Sprint("n", i, ".example")})
	}
	if n := len(l.list); n != mostDenials+1 {
		t.Errorf("%d events", n)
	}
	j.end()
	if e := l.list[len(l.list)-1]; e.Name != "a.example" || e.Times != 5 {
		t.Errorf("the last event: %+v", e)
	}
	equal(t, "refused", j.refused.Load(), int64(5+2*mostDenials))
}

func TestServersOf(t *testing.T) {
	for text, want := range map[string]string{
		"":                       "[127.0.0.1]",
		"# nameserver 1.1.1.1\n": "[127.0.0.1]",
		"search a b\nnameserver 127.0.0.53\noptions edns0\n":                                         "[127.0.0.53]",
		"nameserver 1.1.1.1\nnameserver fe80::1%eth0\nnameserver x\nnameserver\nnameserver 10.0.0.1": "[1.1.1.1 10.0.0.1]",
		"nameserver 1.1.1.1\nnameserver 1.1.1.2\nnameserver 1.1.1.3\nnameserver 1.1.1.4\n":           "[1.1.1.1 1.1.1.2 1.1.1.3]",
	} {
		if got := fmt.Sprint(serversOf(text)); got != want {
			t.Errorf("%q: %s; want %s", text, got, want)
		}
	}
}

// A log in JSON is a line for each event.
func TestJSON(t *testing.T) {
	var b strings.Builder
	JSON(&b)(Event{Op: "dns", Verdict: "deny", Name: "a.example"})
	if want := `{"time":"0001-01-01T00:00:00Z","op":"dns","name":"a.example","verdict":"deny"}` + "\n"; b.String() != want {
		t.Errorf("%s; want %s", b.String(), want)
	}
}
