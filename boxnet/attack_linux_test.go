package boxnet

import (
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog"
)

// There is no way out to open: a program that has all rights in its network namespace, and takes its routes
// away, brings up what it finds, and adds others, reaches nothing.
func TestAttackRoutes(t *testing.T) {
	requires(t, program("python3"), program("ip"))
	w := &world{names: map[string][]string{"api.example": {"203.0.113.1"}}}
	l, err := net.Listen("tcp", "0.0.0.0:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	var own string
	if list, err := ownAddresses(); err == nil {
		for _, a := range list {
			if a.Is4() && !a.IsLoopback() {
				own = a.String()
			}
		}
	}
	if own == "" {
		own = "203.0.113.77"
	}
	_, port, _ := net.SplitHostPort(l.Addr().String())
	n := newNetwork(t, w.policy(t, "api.example:80"))
	cmd := command(t, n, "sh", "-c", `
ip -o link | wc -l
ip link add v0 type dummy 2>/dev/null; ip link set v0 up 2>/dev/null
ip route flush table local; ip route flush table main; ip addr flush dev lo
ip route add default dev lo
python3 -c '
import socket, sys
for at in [(sys.argv[1], int(sys.argv[2])), ("203.0.113.1", 80), ("198.18.0.1", 80)]:
    try: s = socket.socket(); s.settimeout(1); s.connect(at); print("connected to", at)
    except OSError: pass
' "$0" "$1"
echo done`, own, port)
	if os.Geteuid() != 0 {
		kept := sprog.CapSet{Add: []string{"net_admin", "net_raw"}}
		cmd.Attr.Caps = &sprog.Caps{Inheritable: kept, Ambient: kept}
	}
	out, err := cmd.CombinedOutput()
	if err != nil || strings.Contains(string(out), "connected") || !strings.HasSuffix(string(out), "done\n") || !strings.HasPrefix(string(out), "1\n") {
		t.Errorf("%s, %v", out, err)
	}
	if _, dialled := w.asked(); len(dialled) != 0 {
		t.Errorf("dialled: %q", dialled)
	}
}

// What connects to the door is closed, and in nobody's way for long.
func TestAttackDoor(t *testing.T) {
	requires(t, resolver)
	w := &world{names: map[string][]string{"a.wild.example": {"203.0.113.1"}}, servers: map[string]string{"203.0.113.1:80": hello(t)}}
	n := newNetwork(t, w.policy(t, "*.wild.example:80"))
	out := python(t, n, `
door = None
for line in open("/proc/net/tcp").readlines()[1:]:
    at = line.split()[1].split(":")
    if at[0] == "FEFFFF7F" and line.split()[3] == "0A": door = int(at[1], 16)
strangers = []
for i in range(50):
    s = socket.socket(); s.setblocking(False); s.connect_ex(("127.255.255.254", door)); strangers.append(s)
s = socket.create_connection(("a.wild.example", 80))
s.sendall(b"GET / HTTP/1.0\r\nHost: me\r\n\r\n")
print(s.makefile().read().splitlines()[-1])
closed = 0
for s in strangers:
    s.settimeout(10)
    try: closed += s.recv(1) == b""
    except OSError as e: closed += 1
print(closed)
`)
	equal(t, "the program", out, "hello from me\n50\n")
}

// Ten thousand connections leave this process as many as the limit says, and the next ones are served.
func TestAttackConnections(t *testing.T) {
	requires(t, resolver)
	w := &world{names: map[string][]string{"api.example": {"203.0.113.1"}, "b.example": {"203.0.113.1"}}, servers: map[string]string{"203.0.113.1:7": tcpServer(t, func(c *net.TCPConn) {
		io.Copy(c, c)
	})}}
	var log events
	p := w.policy(t, "api.example:7")
	p.Log = log.log
	n := newNetwork(t, p)
	before := descriptors(t)
	out := python(t, n, `
import resource
resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
at = socket.gethostbyname("api.example"), 7
made = []
try:
    for i in range(10000):
        s = socket.socket(); s.setblocking(False); s.connect_ex(at); made.append(s)
except OSError: pass
time.sleep(1)
for s in made: s.close()
s = socket.create_connection(at)
s.settimeout(60)
s.sendall(b"still there"); print(s.recv(20).decode())
`)
	equal(t, "the next one", out, "still there\n")
	n.Close()
	log.has(t, "limit deny connections")
	if after := descriptors(t); after > before {
		t.Errorf("%d sockets; %d before", after, before)
	}
}

// A flood of questions, and garbage to each listener, do no harm.
func TestAttackGarbage(t *testing.T) {
	requires(t, resolver)
	w := &world{names: map[string][]string{"api.example": {"203.0.113.1"}}, servers: map[string]string{"203.0.113.1:80": hello(t)}}
	p := w.policy(t, "api.example:80", "*.wild.example:80")
	p.Nameservers = []netip.Addr{netip.MustParseAddr("192.0.2.53")}
	p.HostPorts = nil
	n := newNetwork(t, p)
	out := python(t, n, `
import random, struct
ns = ("192.0.2.53", 53)
u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
def question(name): return struct.pack(">6H", 7, 256, 1, 0, 0, 0) + b"".join(bytes([len(l)]) + l for l in name.split(b".")) + b"\0\0\1\0\1"
for i in range(20000):
    u.sendto(random.choice([os.urandom(random.randrange(600)), question(b"n%d.wild.example" % i), question(b"n%d.evil.example" % i), question(b"x") + b"y"]), ns)
for data in [os.urandom(100000), b"\0\0", b"\xff\xff" + os.urandom(70000), b"\0\x0c" + os.urandom(12), b"\0"]:
    s = socket.create_connection(ns)
    try: s.sendall(data); s.shutdown(socket.SHUT_WR); s.recv(10)
    except OSError: pass
for line in open("/proc/net/tcp").readlines()[1:]:
    f = line.split()
    if f[3] != "0A": continue
    at = socket.inet_ntoa(struct.pack("<I", int(f[1][:8], 16))), int(f[1][9:], 16)
    s = socket.create_connection(at)
    try: s.sendall(os.urandom(1000))
    except OSError: pass
t = socket.create_connection(ns); q = question(b"api.example")
t.sendall(struct.pack(">H", len(q)) + q); t.settimeout(60)
answer = t.recv(1000)
s = socket.create_connection((socket.inet_ntoa(answer[-4:]), 80))
s.sendall(b"GET / HTTP/1.0\r\nHost: me\r\n\r\n")
print(s.makefile().read().splitlines()[-1])
`)
	equal(t, "after it", out, "hello from me\n")
	if resolved, _ := w.asked(); strings.Contains(fmt.Sprint(resolved), "evil") {
		t.Errorf("resolved: %q", resolved)
	}
}

// Two networks do not meet: neither by an address that both have, nor by abstract sockets.
func TestTwoNetworks(t *testing.T) {
	requires(t, resolver)
	w := &world{names: map[string][]string{"api.example": {"203.0.113.1"}}, servers: map[string]string{"203.0.113.1:80": hello(t)}}
	dir := t.TempDir()
	os.Chmod(dir, 0o777)
	fifo := filepath.Join(dir, "end")
	if err := unix.Mkfifo(fifo, 0o666); err != nil {
		t.Fatal(err)
	}
	one, two := newNetwork(t, w.policy(t, "api.example:80")), newNetwork(t, w.policy(t, "other.example:80"))
	cmd := command(t, one, "python3", "-u", "-c", `
import socket, sys
a = socket.socket(socket.AF_UNIX); a.bind("\0boxnet-test"); a.listen()
l = socket.create_server(("127.0.0.1", 9999))
print("ready")
open(sys.argv[1]).read()
`, fifo)
	ready, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ready.Read(make([]byte, 10))
	out := python(t, two, `
for kind, at in [(socket.AF_UNIX, "\0boxnet-test"), (socket.AF_INET, ("127.0.0.1", 9999)), (socket.AF_INET, ("198.18.0.1", 80))]:
    try: socket.socket(kind).connect(at); print("connected to", at)
    except OSError as e: print(e.strerror)
`)
	equal(t, "the other one", out, strings.Repeat("Connection refused\n", 3))
	if f, err := os.OpenFile(fifo, os.O_WRONLY, 0); err == nil {
		f.Close()
	}
	cmd.Wait()
}

// A network that is closed is dead, and the program only notices that.
func TestCloseCuts(t *testing.T) {
	requires(t, resolver)
	arrived := make(chan struct{})
	w := &world{names: map[string][]string{"api.example": {"203.0.113.1"}}, servers: map[string]string{"203.0.113.1:7": tcpServer(t, func(c *net.TCPConn) {
		close(arrived)
		io.Copy(io.Discard, c)
	})}}
	n := newNetwork(t, w.policy(t, "api.example:7"))
	cmd := command(t, n, "python3", "-c", `
import socket
s = socket.create_connection(("api.example", 7))
try: s.recv(1); print("end")
except OSError as e: print(e.strerror)
try: socket.create_connection(("198.18.0.1", 7))
except OSError as e: print(e.strerror)
`)
	var out strings.Builder
	cmd.Stdout = &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	<-arrived
	n.Close()
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
	equal(t, "the program", out.String(), "Connection reset by peer\nConnection refused\n")
}
