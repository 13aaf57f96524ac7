package boxnet

import (
	"crypto/sha256"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"net/netip"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// hello is a web server that says which host it was asked as.
func hello(t testing.TB) string {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprintf(w, "hello from %s\n", r.Host) }))
	t.Cleanup(s.Close)
	return s.Listener.Addr().String()
}

// A program that knows nothing of it reaches an allowed name, and no other.
func TestCurl(t *testing.T) {
	requires(t, program("curl"), resolver)
	w := &world{names: map[string][]string{"api.example": {"203.0.113.1"}, "evil.example": {"203.0.113.2"}}, servers: map[string]string{"203.0.113.1:80": hello(t), "203.0.113.2:80": hello(t)}}
	var log events
	p := w.policy(t, "api.example:80", "*.wild.example:80")
	p.Log = log.log
	n := newNetwork(t, p)
	out := output(t, n, "sh", "-c", "curl -sS http://api.example/; curl -sS http://API.example./; curl -sS http://evil.example/; curl -sS --connect-timeout 5 http://203.0.113.1/; curl -sS http://api.example:81/")
	for _, want := range []string{
		"hello from api.example\n", "hello from API.example.\n", "Could not resolve host: evil.example",
		"connect to 203.0.113.1 port 80", "connect to api.example port 81",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("curl does not say %q:\n%s", want, out)
		}
	}
	resolved, dialled := w.asked()
	equal(t, "resolved", fmt.Sprint(resolved), "[api.example api.example]")
	equal(t, "dialled", fmt.Sprint(dialled), "[203.0.113.1:80 203.0.113.1:80]")
	n.Close()
	log.has(t, "start allow", "dns allow udp api.example", "connect allow tcp api.example 203.0.113.1:80 api.example:80", "close allow tcp api.example 203.0.113.1:80", "dns deny udp evil.example")
	c := n.Counts()
	if c.Connections != 2 || c.Refused < 1 || c.In == 0 || c.Out == 0 || c.Failed != 0 {
		t.Errorf("counts: %+v", c)
	}
}

func TestGit(t *testing.T) {
	requires(t, program("git"), resolver)
	dir := t.TempDir()
	script := `git init -q work && cd work && echo content > file && git add file && git -c user.name=a -c user.email=a@b commit -qm first && cd .. && git clone -q --bare work repo.git`
	c := exec.Command("sh", "-c", script)
	c.Dir = dir
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	git, _ := exec.LookPath("git")
	s := httptest.NewServer(&cgi.Handler{Path: git, Args: []string{"http-backend"}, Env: []string{"GIT_PROJECT_ROOT=" + dir, "GIT_HTTP_EXPORT_ALL=1", "GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=safe.directory", "GIT_CONFIG_VALUE_0=*"}})
	defer s.Close()
	w := &world{names: map[string][]string{"git.example": {"203.0.113.3"}}, servers: map[string]string{"203.0.113.3:80": s.Listener.Addr().String()}}
	n := newNetwork(t, w.policy(t, "git.example:80"))
	equal(t, "git", output(t, n, "sh", "-c", "cd "+t.TempDir()+" && git clone -q http://git.example/repo.git && cat repo/file"), "content\n")
}

// dig speaks DNS as it is: over UDP and TCP, with EDNS, all types, and names of no host.
func TestDig(t *testing.T) {
	requires(t, program("dig"))
	w := &world{names: map[string][]string{"api.example": {"203.0.113.1"}}}
	p := w.policy(t, "api.example", "*.wild.example")
	p.Nameservers = []netip.Addr{netip.MustParseAddr("192.0.2.53"), netip.MustParseAddr("127.0.0.53")}
	n := newNetwork(t, p)
	dig := func(args string) string {
		return "dig +tries=1 +time=5 +short +noshort +noall +comments +answer " + args + " | grep -E 'status|IN' | tr -s '\\t ' ' ' | sed 's/.*status: //; s/, id.*//';"
	}
	out := output(t, n, "sh", "-c", dig("@192.0.2.53 api.example")+dig("@127.0.0.53 +tcp a.b.WILD.example")+dig("@192.0.2.53 api.example AAAA")+
		dig("@192.0.2.53 api.example HTTPS")+dig("@192.0.2.53 wild.example")+dig("@192.0.2.53 'api.example\\000.evil'")+dig("@192.0.2.53 version.bind CH TXT")+
		dig("@127.0.0.53 +tcp +bufsize=4096 api.example ANY")+dig("@192.0.2.53 -x 198.18.0.1"))
	equal(t, "dig", out, "NOERROR\napi.example. 60 IN A 198.18.0.1\nNOERROR\na.b.WILD.example. 60 IN A 198.18.0.2\nNOERROR\nNOERROR\nNXDOMAIN\nNXDOMAIN\nREFUSED\nNOERROR\nNXDOMAIN\n")
	if resolved, dialled := w.asked(); resolved != nil || dialled != nil {
		t.Errorf("questions have led outside: %q, %q", resolved, dialled)
	}
}

// What is sent arrives, however much, and each direction ends on its own.
func TestHalfClose(t *testing.T) {
	requires(t, resolver)
	w := &world{names: map[string][]string{"sum.example": {"203.0.113.4"}}, servers: map[string]string{"203.0.113.4:7": tcpServer(t, func(c *net.TCPConn) {
		sum := sha256.New()
		if _, err := io.Copy(sum, c); err == nil {
			fmt.Fprintf(c, "%x", sum.Sum(nil))
		}
	})}}
	n := newNetwork(t, w.policy(t, "sum.example:7"))
	out := python(t, n, `
data = os.urandom(1000) * 30000
s = socket.create_connection(("sum.example", 7))
s.sendall(data)
s.shutdown(socket.SHUT_WR)
answer = b""
while part := s.recv(100): answer += part
print(answer.decode() == hashlib.sha256(data).hexdigest())
`)
	equal(t, "the sum is right", out, "True\n")
}

// A slow reader gets all that was sent before the end.
func TestSlowReader(t *testing.T) {
	requires(t, resolver)
	const size = 20 << 20
	w := &world{names: map[string][]string{"big.example": {"203.0.113.4"}}, servers: map[string]string{"203.0.113.4:7": tcpServer(t, func(c *net.TCPConn) {
		c.Write(make([]byte, size))
	})}}
	n := newNetwork(t, w.policy(t, "big.example:7"))
	out := python(t, n, `
s = socket.create_connection(("big.example", 7))
time.sleep(0.2)
n = 0
while part := s.recv(65536): n += len(part)
print(n)
`)
	equal(t, "received", out, fmt.Sprintln(size))
}

// A connection that fails outside is reset inside, and so is one that is cut short.
func TestReset(t *testing.T) {
	requires(t, resolver)
	w := &world{names: map[string][]string{"down.example": {"203.0.113.5"}, "cut.example": {"203.0.113.6"}, "nowhere.example": {}}, servers: map[string]string{"203.0.113.6:7": tcpServer(t, func(c *net.TCPConn) {
		c.Write([]byte("half"))
		io.ReadFull(c, make([]byte, 3))
		c.SetLinger(0)
	})}}
	var log events
	p := w.policy(t, "down.example:7", "cut.example:7", "nowhere.example:7")
	p.Log = log.log
	n := newNetwork(t, p)
	out := python(t, n, `
for name in ["down.example", "nowhere.example", "cut.example"]:
    try:
        s = socket.create_connection((name, 7))
        part = s.recv(4)
        s.sendall(b"ack")
        s.recv(4)
        print("ended")
    except OSError as e: print(e.strerror)
`)
	equal(t, "ends", out, strings.Repeat("Connection reset by peer\n", 3))
	n.Close()
	log.has(t, "connect fail tcp down.example down.example:7 connection refused", "connect fail tcp nowhere.example nowhere.example:7 the name has no address", "connect allow tcp cut.example")
}

// An allowed name that resolves to what the machine or its network has for itself is not dialled.
func TestRebinding(t *testing.T) {
	requires(t, resolver)
	names, allow, script := map[string][]string{}, []string(nil), "for name in sys.argv[1:]:\n  try:\n    socket.create_connection((name, 7)).recv(1); print(name)\n  except OSError as e: pass\n"
	var args []string
	for a, c := range addressClasses {
		if c != public && !strings.Contains(a, "%") {
			name := fmt.Sprintf("n%d.example", len(args))
			names[name] = []string{a}
			allow, args = append(allow, name+":7"), append(args, name)
		}
	}
	own, err := ownAddresses()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range own {
		name := fmt.Sprintf("own%d.example", len(args))
		names[name] = []string{a.WithZone("").String()}
		allow, args = append(allow, name+":7"), append(args, name)
	}
	w := &world{names: names}
	n := newNetwork(t, w.policy(t, allow...))
	equal(t, "connected", python(t, n, script, args...), "")
	resolved, dialled := w.asked()
	if len(resolved) != len(args) || len(dialled) != 0 {
		t.Errorf("%d names are resolved, of %d; %q are dialled", len(resolved), len(args), dialled)
	}
	equal(t, "refused", n.Counts().Refused, int64(len(args)))
}

// Two keys open a private address, and a name with several addresses is reached at one that is allowed.
func TestPrivate(t *testing.T) {
	requires(t, program("curl"), resolver)
	at := hello(t)
	w := &world{names: map[string][]string{"db.corp": {"10.1.0.1"}, "other.corp": {"10.2.0.1", "127.0.0.1"}, "mixed.example": {"10.2.0.1", "203.0.113.9"}},
		servers: map[string]string{"10.1.0.1:80": at, "10.2.0.1:80": at, "203.0.113.9:80": at, "10.3.0.1:80": at}}
	p := w.policy(t, "db.corp:80", "other.corp:80", "mixed.example:80", "10.3.0.1:80")
	p.Private = []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16")}
	n := newNetwork(t, p)
	output(t, n, "sh", "-c", "for h in db.corp other.corp mixed.example 10.3.0.1; do curl -sS http://$h/; done")
	_, dialled := w.asked()
	equal(t, "dialled", fmt.Sprint(dialled), "[10.1.0.1:80 203.0.113.9:80 10.3.0.1:80]")
}

// The rules do not change after New, whatever becomes of the lists that it was given.
func TestRulesStay(t *testing.T) {
	w := &world{}
	p := w.policy(t, "api.example", "b.example")
	n := newNetwork(t, p)
	p.Allow[0] = rulesOf(t, "evil.example")[0]
	if !n.rules.covers("api.example") || n.rules.covers("evil.example") {
		t.Errorf("the rules have become %v", n.rules)
	}
}

// An address of IPv6 that a rule has is reached.
func TestIPv6(t *testing.T) {
	requires(t, program("curl"), requirement{"IPv6", func() error { _, err := net.Listen("tcp", "[::1]:0"); return err }})
	w := &world{servers: map[string]string{"[2001:db8::1]:80": hello(t)}}
	n := newNetwork(t, w.policy(t, "[2001:db8::1]:80"))
	equal(t, "curl", output(t, n, "curl", "-sS", "http://[2001:db8::1]/"), "hello from [2001:db8::1]\n")
}

// What is the program's own stays so: its loopback, unix sockets, and ports, even those of rules.
func TestOwnSockets(t *testing.T) {
	requires(t, resolver)
	w := &world{names: map[string][]string{"api.example": {"203.0.113.1"}}}
	n := newNetwork(t, w.policy(t, "api.example:8080"))
	out := python(t, n, `
print(socket.gethostbyname("api.example"))
for kind, at in [(socket.AF_INET, ("127.0.0.1", 8080)), (socket.AF_UNIX, "\0name")]:
    l = socket.socket(kind); l.bind(at); l.listen()
    c = socket.socket(kind); c.connect(at); c.send(b"own")
    print(l.accept()[0].recv(3).decode())
`)
	equal(t, "inside", out, "198.18.0.1\nown\nown\n")
	if slices.Contains(w.dialled, "203.0.113.1:8080") {
		t.Error("dialled")
	}
}
