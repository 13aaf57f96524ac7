package boxnet

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// A requirement is something that a test needs and that not every machine has.
type requirement struct {
	what  string
	works func() error
}

func requires(t testing.TB, list ...requirement) {
	t.Helper()
	for _, r := range list {
		if err := r.works(); err != nil {
			t.Skipf("needs %s: %v", r.what, err)
		}
	}
}

func program(name string) requirement {
	return requirement{name, func() error { _, err := exec.LookPath(name); return err }}
}

// resolver is the C library's, if it asks the servers of resolv.conf.
var resolver = requirement{"programs that ask DNS for names", func() error {
	text, err := os.ReadFile("/etc/nsswitch.conf")
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(text)) {
		if fields := strings.Fields(line); len(fields) > 1 && fields[0] == "hosts:" {
			if !slices.Contains(fields, "dns") || slices.Contains(fields, "resolve") {
				return fmt.Errorf("it has %q", line)
			}
			return nil
		}
	}
	return nil
}}

// A world is what is outside: it is asked instead of the resolver and the network, and notes
// what it was asked for.
type world struct {
	mu       sync.Mutex
	names    map[string][]string // to their addresses
	servers  map[string]string   // from an address and port to where it really is
	resolved []string
	dialled  []string
}

func (w *world) policy(t testing.TB, allow ...string) Policy {
	return Policy{Allow: rulesOf(t, allow...), Resolve: w.resolve, Dial: w.dial}
}

func (w *world) resolve(_ context.Context, name string) (list []netip.Addr, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.resolved = append(w.resolved, name)
	for _, a := range w.names[name] {
		list = append(list, netip.MustParseAddr(a))
	}
	return list, nil
}

func (w *world) dial(ctx context.Context, network, address string) (net.Conn, error) {
	w.mu.Lock()
	w.dialled = append(w.dialled, address)
	real := w.servers[address]
	w.mu.Unlock()
	if real == "" {
		return nil, syscall.ECONNREFUSED
	}
	return new(net.Dialer).DialContext(ctx, network, real)
}

// asked are the names and addresses so far.
func (w *world) asked() (resolved, dialled []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.resolved), slices.Clone(w.dialled)
}

// tcpServer serves each connection until the end of the test.
func tcpServer(t testing.TB, serve func(*net.TCPConn)) string {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var tasks sync.WaitGroup
	t.Cleanup(func() { l.Close(); tasks.Wait() })
	tasks.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			tasks.Go(func() {
				defer c.Close()
				serve(c.(*net.TCPConn))
			})
		}
	})
	return l.Addr().String()
}

// events is a log in memory.
type events struct {
	mu   sync.Mutex
	list []Event
}

func (l *events) log(e Event) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.list = append(l.list, e)
	return nil
}

// lines are the events in short.
func (l *events) lines() (lines []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range l.list {
		line := fmt.Sprint(e.Op, " ", e.Verdict)
		for _, word := range []string{e.Proto, e.Name, e.Dialled, e.Rule, e.Reason} {
			if word != "" {
				line += " " + word
			}
		}
		lines = append(lines, line)
	}
	return lines
}

func (l *events) has(t testing.TB, want ...string) {
	t.Helper()
	lines := l.lines()
	for _, w := range want {
		if !slices.ContainsFunc(lines, func(line string) bool { return strings.HasPrefix(line, w) }) {
			t.Errorf("the log has no %q:\n%s", w, strings.Join(lines, "\n"))
		}
	}
}

var networks int // of the test that runs

func newNetwork(t testing.TB, p Policy) *Network {
	t.Helper()
	n, err := New(p)
	if err != nil {
		t.Fatal(err)
	}
	networks++
	t.Cleanup(func() {
		n.Close()
		if networks--; networks == 0 {
			nothingLeft(t)
		}
	})
	return n
}

// nothingLeft looks for goroutines of a network that is closed.
func nothingLeft(t testing.TB) {
	t.Helper()
	stacks := make([]byte, 1<<20)
	stacks = stacks[:runtime.Stack(stacks, true)]
	for stack := range strings.SplitSeq(string(stacks), "\n\n") {
		if strings.Contains(stack, "boxnet.(*inside)") {
			t.Errorf("a goroutine is left:\n%s", stack)
		}
	}
}

// descriptors is how many sockets this process has.
func descriptors(t testing.TB) (n int) {
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range list {
		if to, _ := os.Readlink("/proc/self/fd/" + e.Name()); strings.HasPrefix(to, "socket:") {
			n++
		}
	}
	return n
}

// python runs a script inside.
func python(t testing.TB, n *Network, script string, args ...string) string {
	t.Helper()
	requires(t, program("python3"))
	return output(t, n, append([]string{"python3", "-c", "import socket, sys, time, os, hashlib\n" + script}, args...)...)
}

// output runs a program inside, and returns what it says.
func output(t testing.TB, n *Network, args ...string) string {
	t.Helper()
	requires(t, program(args[0]))
	out, err := runIn(t, n, args...)
	var exit interface{ ExitCode() int }
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("%q: %v", args, err)
	}
	if err != nil {
		out += fmt.Sprintf("exit code %d\n", exit.ExitCode())
	}
	return out
}

func equal[T comparable](t testing.TB, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: %v; want %v", what, got, want)
	}
}
