//go:build amd64 || arm64

package sprog

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

var (
	netlinkSocket = []Socket{{Domain: unix.AF_NETLINK, Type: unix.SOCK_RAW, Protocol: unix.NETLINK_ROUTE}}
	tcpSocket     = Socket{Domain: unix.AF_INET, Type: unix.SOCK_STREAM}
	threeSockets  = []Socket{netlinkSocket[0], tcpSocket, {Domain: unix.AF_UNIX, Type: unix.SOCK_DGRAM}}
)

func closeSockets(m *Meeting) error {
	for _, f := range m.Sockets {
		if err := f.Close(); err != nil {
			return err
		}
	}
	return nil
}

// meeting makes a command one that opens sockets in a network namespace of its own.
func meeting(flags uintptr, more func(*Cmd)) func(*testing.T, *Cmd) {
	return func(_ *testing.T, c *Cmd) {
		c.Attr = &Attr{Sockets: threeSockets, Meet: closeSockets}
		c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNET | flags}
		if flags&unix.CLONE_NEWUSER != 0 {
			mapToRoot(c)
		}
		if more != nil {
			more(c)
		}
	}
}

var casesOfSockets = []startCase{
	{"sockets", []*requirement{asRoot}, meeting(0, nil)},
	{"sockets of a user", []*requirement{userNamespaces}, meeting(unix.CLONE_NEWUSER, nil)},
	{"sockets, PID namespace and init", []*requirement{userNamespaces}, meeting(unix.CLONE_NEWUSER|unix.CLONE_NEWPID|unix.CLONE_NEWNS, func(c *Cmd) {
		c.Attr.Init, c.Attr.Loopback = &Init{}, true
	})},
	{"sockets, and another user", []*requirement{asRoot}, meeting(0, func(c *Cmd) {
		c.SysProcAttr.Credential = &syscall.Credential{Uid: 65534, Gid: 65534}
		c.SysProcAttr.Pdeathsig = syscall.SIGTERM
	})},
	{"sockets, and a user namespace last", []*requirement{asRoot, userNamespaces}, meeting(unix.CLONE_NEWUSER, func(c *Cmd) {
		c.Attr.IDMap = &IDMap{Last: true}
	})},
	{"sockets in a joined network", []*requirement{asRoot}, joining(NetworkNamespace, newKinds, nil, meets)},
	{"sockets in what is joined", []*requirement{asRoot, userNamespaces}, joining(NamespaceKind(newKinds|unix.CLONE_NEWUSER), newKinds, otherIDs, meets)},
	{"sockets in a new network of a joined user", []*requirement{asRoot, userNamespaces}, joining(UserNamespace|PIDNamespace, newKinds, otherIDs, func(c *Cmd) {
		meets(c)
		c.SysProcAttr.Cloneflags = unix.CLONE_NEWNET
	})},
	{"a meeting alone", nil, withAttr(&Attr{Meet: closeSockets})},
	{"a meeting in a cgroup", []*requirement{ownCgroups}, func(t *testing.T, c *Cmd) {
		c.Attr = &Attr{Meet: closeSockets, Cgroup: &Cgroup{Parent: testCgroup(t)}}
	}},
}

func meets(c *Cmd) { c.Attr.Sockets, c.Attr.Meet = threeSockets, closeSockets }

var plansOfSockets = []planCase{
	{"sockets", func(c *Cmd) { meeting(0, nil)(nil, c) }},
	{"sockets-user", func(c *Cmd) {
		meeting(unix.CLONE_NEWPID, func(c *Cmd) {
			c.SysProcAttr.Cloneflags |= unix.CLONE_NEWUSER
			c.SysProcAttr.UidMappings, c.SysProcAttr.GidMappings = toRoot, toRoot
			c.Attr.Init = &Init{}
			c.Attr.Sockets = []Socket{{Domain: unix.AF_INET6, Type: unix.SOCK_DGRAM}, {Device: "/dev/net/tun"}}
		})(nil, c)
	}},
	{"sockets-joined", func(c *Cmd) {
		c.Attr = &Attr{Join: []Namespace{{PID: 1, Kinds: NetworkNamespace | UserNamespace | PIDNamespace}}}
		meets(c)
	}},
	{"meet", by(&Attr{Meet: closeSockets})},
}

// A look whether somebody listens at a port of the network that the program is in.
func init() {
	looks["listens"] = func(port string) string {
		n, _ := strconv.Atoi(port)
		return strconv.FormatBool(strings.Contains(contentsOf("/proc/self/net/tcp"), fmt.Sprintf("00000000:%04X 00000000:0000 0A", n)))
	}
}

var facetsOfSockets = []facet{
	{name: "sockets", needs: []*requirement{asRoot}, without: []string{"joined namespaces", "sysctl"},
		draw: func(r *rand.Rand, t *testing.T, c *Cmd) {
			sys(c).Cloneflags |= unix.CLONE_NEWNET
			for range 1 + r.IntN(9) {
				attr(c).Sockets = append(attr(c).Sockets, tcpSocket)
			}
			attr(c).Meet = func(m *Meeting) error {
				t.Cleanup(func() { closeSockets(m) })
				return listenAt(m.Sockets[len(m.Sockets)-1], 100+len(m.Sockets))
			}
		},
		expect: func(c *Cmd) map[string]string {
			return map[string]string{"listens:" + strconv.Itoa(100+len(c.Attr.Sockets)): "true"}
		}},
}

// listenAt has a socket listen at a port.
func listenAt(f *os.File, port int) error {
	conn, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	err = conn.Control(func(fd uintptr) {
		if failed = unix.Bind(int(fd), &unix.SockaddrInet4{Port: port}); failed == nil {
			failed = unix.Listen(int(fd), 5)
		}
	})
	return errors.Join(err, failed)
}

// The namespace of what a start with sockets is in, by the ways there are.
var waysToSockets = []struct {
	name  string
	needs []*requirement
	make  func(*testing.T, *Cmd)
}{
	{"born", []*requirement{asRoot}, meeting(0, nil)},
	{"user", []*requirement{userNamespaces}, meeting(unix.CLONE_NEWUSER, nil)},
	{"PID namespace", []*requirement{userNamespaces}, meeting(unix.CLONE_NEWUSER|unix.CLONE_NEWPID, nil)},
	{"init", []*requirement{userNamespaces}, meeting(unix.CLONE_NEWUSER|unix.CLONE_NEWPID, func(c *Cmd) { c.Attr.Init = &Init{} })},
	{"chroot", []*requirement{asRoot}, meeting(0, func(c *Cmd) { c.SysProcAttr.Chroot = "/" })},
	{"user namespace last", []*requirement{asRoot, userNamespaces}, meeting(unix.CLONE_NEWUSER, func(c *Cmd) { c.Attr.IDMap = &IDMap{Last: true} })},
	{"joined", []*requirement{asRoot}, joining(NetworkNamespace, newKinds, nil, meets)},
	{"all joined", []*requirement{asRoot, userNamespaces}, joining(NamespaceKind(newKinds|unix.CLONE_NEWUSER), newKinds, otherIDs, meets)},
	{"joined by its owner", []*requirement{userNamespaces}, func(t *testing.T, c *Cmd) {
		joining(UserNamespace|NetworkNamespace, unix.CLONE_NEWNET, oneID(0, os.Geteuid()), meets)(t, c)
	}},
	{"new network of a joined user", []*requirement{asRoot, userNamespaces}, joining(UserNamespace, newKinds, otherIDs, func(c *Cmd) {
		meets(c)
		c.SysProcAttr.Cloneflags = unix.CLONE_NEWNET
	})},
}

// The program connects to a socket of its parent's, which was born in the program's network, at a port that only root there may have.
func TestSockets(t *testing.T) {
	const port = 79
	for _, way := range waysToSockets {
		t.Run(way.name, func(t *testing.T) {
			requires(t, way.needs...)
			c := helperCommand("dial", fmt.Sprint("127.0.0.1:", port))
			way.make(t, c)
			before := snapshot()
			var listener net.Listener
			c.Attr.Sockets = append(netlinkSocket, tcpSocket)
			c.Attr.Meet = func(m *Meeting) (err error) {
				defer closeSockets(m)
				if err = bringUp(m.Sockets[0]); err == nil {
					err = listenAt(m.Sockets[1], port)
				}
				if err == nil {
					listener, err = net.FileListener(m.Sockets[1])
				}
				return err
			}
			c.Attr.Loopback = false
			out := new(strings.Builder)
			c.Stdout, c.Stderr = out, out
			if err := c.Start(); err != nil {
				t.Fatal(err)
			}
			conn, err := listener.Accept()
			if err == nil {
				io.WriteString(conn, "hello from outside")
				conn.Close()
			}
			listener.Close()
			if werr := c.Wait(); err != nil || werr != nil || out.String() != "hello from outside" {
				t.Errorf("Accept: %v; Wait: %v; the program read %q", err, werr, out)
			}
			if leaks := before.leaks(); len(leaks) > 0 {
				t.Errorf("left behind: %q", leaks)
			}
		})
	}
}

// dial ADDRESS: print what the peer says. It gives up after a while.
var _ = helper("dial", func(args []string) int {
	conn, err := net.Dial("tcp", args[0])
	if err == nil {
		_, err = io.Copy(os.Stdout, conn)
	}
	if err != nil {
		fmt.Println(err)
		return 1
	}
	return 0
})

// bringUp brings up lo, which is device 1 of every network namespace.
func bringUp(netlink *os.File) error {
	return request(netlink, unix.RTM_NEWLINK, 0, words(unix.AF_UNSPEC, 1, unix.IFF_UP, unix.IFF_UP))
}

// What the sockets are: in non-blocking mode, close-on-exec, and in the namespace of the program.
func TestSocketsAre(t *testing.T) {
	requires(t, userNamespaces)
	c := Command("/bin/readlink", "/proc/self/ns/net")
	meeting(unix.CLONE_NEWUSER, nil)(t, c)
	var cookies [2]uint64
	c.Attr.Meet = func(m *Meeting) error {
		defer closeSockets(m)
		if m.Pid <= 0 || len(m.Sockets) != len(threeSockets) {
			t.Errorf("the meeting is %+v", m)
		}
		for i, f := range m.Sockets {
			conn, err := f.SyscallConn()
			if err != nil {
				return err
			}
			conn.Control(func(fd uintptr) {
				flags, _ := unix.FcntlInt(fd, unix.F_GETFD, 0)
				status, _ := unix.FcntlInt(fd, unix.F_GETFL, 0)
				domain, _ := unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_DOMAIN)
				kind, _ := unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_TYPE)
				if flags != unix.FD_CLOEXEC || status&unix.O_NONBLOCK == 0 || domain != threeSockets[i].Domain || kind != threeSockets[i].Type {
					t.Errorf("socket %d: flags %#x, %#x, domain %d, type %d", i, flags, status, domain, kind)
				}
				if i < len(cookies) {
					cookies[i], _ = unix.GetsockoptUint64(int(fd), unix.SOL_SOCKET, unix.SO_NETNS_COOKIE)
				}
			})
		}
		return nil
	}
	out, err := c.Output()
	own, _ := os.Readlink("/proc/self/ns/net")
	if err != nil || strings.TrimSpace(string(out)) == own {
		t.Errorf("the program's network is %q, %v; this process's is %q", out, err, own)
	}
	mine, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(mine)
	if cookie, err := unix.GetsockoptUint64(mine, unix.SOL_SOCKET, unix.SO_NETNS_COOKIE); err == nil && (cookies[0] == cookie || cookies[0] != cookies[1]) {
		t.Errorf("the networks of the sockets are %v; this process's is %d", cookies, cookie)
	}
}

// A device of the network namespace it is opened in: a tun that the parent makes is there inside.
func TestSocketsDevice(t *testing.T) {
	requires(t, asRoot, fileExists("/dev/net/tun"))
	c := Command("/bin/grep", "-c", "sprog7", "/proc/self/net/dev")
	meeting(0, nil)(t, c)
	c.Attr.Sockets = []Socket{{Device: "/dev/net/tun"}}
	var tun *os.File
	c.Attr.Meet = func(m *Meeting) error {
		tun = m.Sockets[0]
		request, err := unix.NewIfreq("sprog7")
		if err != nil {
			return err
		}
		request.SetUint16(unix.IFF_TUN | unix.IFF_NO_PI)
		return unix.IoctlIfreq(int(tun.Fd()), unix.TUNSETIFF, request)
	}
	if out, err := c.Output(); err != nil || string(out) != "1\n" {
		t.Errorf("the program sees %q of the device, %v; want 1", out, err)
	}
	tun.Close()
}

func TestBadSockets(t *testing.T) {
	network := &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNET}
	of := func(list ...Socket) func(*Cmd) {
		return func(c *Cmd) { c.SysProcAttr, c.Attr = network, &Attr{Sockets: list, Meet: closeSockets} }
	}
	asked := func(sys *syscall.SysProcAttr, more func(*Attr)) func(*Cmd) {
		return func(c *Cmd) {
			c.SysProcAttr, c.Attr = sys, &Attr{Sockets: netlinkSocket, Meet: closeSockets}
			if more != nil {
				more(c.Attr)
			}
		}
	}
	wantRefused(t, []badStart{
		{"no Meet", func(c *Cmd) { c.SysProcAttr, c.Attr = network, &Attr{Sockets: netlinkSocket} }, syscall.EINVAL,
			"(Attr.Sockets): need Attr.Meet, which gets them"},
		{"too many", of(make([]Socket, 254)...), syscall.EINVAL, "254 (Attr.Sockets): are more than the kernel hands over at once, 253"},
		{"nothing", of(tcpSocket, Socket{}), syscall.EINVAL, "(Attr.Sockets[1]): names neither a domain nor a device"},
		{"no domain", of(Socket{Domain: -1}), syscall.EINVAL, "-1 (Attr.Sockets[0]): is no argument of socket(2)"},
		{"both", of(Socket{Domain: unix.AF_INET, Device: "/dev/net/tun"}), syscall.EINVAL,
			"/dev/net/tun (Attr.Sockets[0]): is a device and a socket: a device has no domain, type and protocol"},
		{"relative device", of(Socket{Device: "dev/net/tun"}), syscall.EINVAL, "dev/net/tun (Attr.Sockets[0]): is no absolute path"},
		{"device with NUL", of(Socket{Device: "/dev\x00"}), syscall.EINVAL, `"/dev\x00" (Attr.Sockets[0]): contains a NUL byte`},
		{"no namespace", asked(nil, nil), syscall.EINVAL,
			"(Attr.Sockets): need a new or joined network namespace (CLONE_NEWNET): this process can open its own"},
		{"its own namespace", asked(nil, func(a *Attr) { a.Join = []Namespace{{PID: os.Getpid()}} }), syscall.EINVAL,
			"(Attr.Sockets): need a new or joined network namespace (CLONE_NEWNET): this process can open its own"},
		{"a later namespace", asked(&syscall.SysProcAttr{Unshareflags: unix.CLONE_NEWNET}, nil), syscall.EINVAL,
			"(Attr.Sockets): need a network namespace that the child is born in (CLONE_NEWNET) or joins: that of Unshareflags is made later"},
		{"traced", asked(&syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNET, Ptrace: true}, nil), syscall.EINVAL,
			"(Attr.Meet): cannot be combined with SysProcAttr.Ptrace: its second stage would be traced"},
		{"a listener", asked(network, func(a *Attr) { a.NoNewPrivs, a.Seccomp = true, notifying("mkdir") }), syscall.EINVAL,
			"SCMP_ACT_NOTIFY (Attr.Seccomp): cannot be combined with Attr.Meet: its listener is handed over in memory, which a second stage does not share"},
	})
}

// A device is looked up in the caller's root, and not in one that somebody else has laid out.
func TestSocketsDeviceJoined(t *testing.T) {
	requires(t, asRoot)
	joining(NetworkNamespace|MountNamespace, newKinds, nil, func(c *Cmd) {
		c.Path, c.Attr.Sockets, c.Attr.Meet = "/bin/true", []Socket{{Device: "/dev/net/tun"}}, closeSockets
		err := c.Run()
		const want = "sprog: start /bin/true: /dev/net/tun (Attr.Sockets[0]): cannot be combined with a joined mount namespace, where the path is somebody else's"
		if err == nil || err.Error() != want {
			t.Errorf("Run() = %v\nwant    %s", err, want)
		}
	})(t, new(Cmd))
}

// What has no parent that stays by it is refused before anything runs.
func TestMeetNeedsAParent(t *testing.T) {
	c := Command("/bin/true")
	c.Attr = &Attr{Meet: closeSockets}
	if err := c.Exec(); err == nil || !strings.Contains(err.Error(), "(Attr.Meet): is called by the process that starts another, which an Exec does not") {
		t.Errorf("Exec() = %v", err)
	}
	c = Command("/bin/true")
	c.Attr = &Attr{Meet: closeSockets}
	if err := c.Compile(io.Discard, CompileOptions{}); err == nil || !strings.Contains(err.Error(), "(Attr.Meet): cannot be compiled: it needs a process that stands by the program") {
		t.Errorf("Compile() = %v", err)
	}
	c = Command("/bin/true")
	c.Attr = &Attr{Meet: closeSockets}
	p, err := Prepare(c)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if err := p.Warm(1); err == nil || !strings.Contains(err.Error(), "(Attr.Meet): cannot be had by a child that waits") {
		t.Errorf("Warm(1) = %v", err)
	}
	if err := p.Command(Inputs{}).Run(); err != nil { // a cold start may have it
		t.Error(err)
	}
}

var failingSockets = []failing{
	{asked: "A family of sockets that there is not", make: func(*scene) *Cmd {
		return &Cmd{Path: "/bin/true", SysProcAttr: &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNET},
			Attr: &Attr{Sockets: []Socket{{Domain: 44444, Type: unix.SOCK_RAW}}, Meet: closeSockets}}
	}, by: byRoot,
		want: "sprog: start /bin/true: socket 44444 (Attr.Sockets[0]): address family not supported by protocol (the kernel does not have this family of sockets, or may not load its module)"},
	{asked: "A device that does not exist", make: func(x *scene) *Cmd {
		return &Cmd{Path: "/bin/true", SysProcAttr: &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNET},
			Attr: &Attr{Sockets: []Socket{{Device: x.dir + "/net/tun"}}, Meet: closeSockets}}
	}, by: byRoot,
		want: "sprog: start /bin/true: openat /tmp/x/net/tun (Attr.Sockets[0]): no such file or directory (/tmp/x/net does not exist)"},
	{asked: "A device that only root may open", make: func(x *scene) *Cmd {
		c := &Cmd{Path: "/bin/true", Attr: &Attr{Sockets: []Socket{{Device: x.write("tun", 0o600, "")}}, Meet: closeSockets},
			SysProcAttr: &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWUSER | unix.CLONE_NEWNET}}
		return c
	}, by: prepared, needs: []*requirement{userNamespaces},
		want: "sprog: start /bin/true: openat /tmp/x/tun (Attr.Sockets[0]): permission denied (user 65534 may not read and write /tmp/x/tun, which is -rw------- of user 0 and group 0)"},
	{asked: "A file in the place of a device", make: func(x *scene) *Cmd {
		return &Cmd{Path: "/bin/true", SysProcAttr: &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNET},
			Attr: &Attr{Sockets: []Socket{{Device: x.write("tun", 0o644, "")}}, Meet: closeSockets}}
	}, by: byRoot,
		want: "sprog: start /bin/true: recvmsg /tmp/x/tun (Attr.Sockets[0]): protocol error (the file is no character device)"},
	{asked: "A meeting that goes wrong", make: func(*scene) *Cmd {
		return &Cmd{Path: "/bin/true", SysProcAttr: &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNET},
			Attr: &Attr{Sockets: netlinkSocket, Meet: func(*Meeting) error { return errors.New("no route for this one") }}}
	}, by: byRoot,
		want: "sprog: start /bin/true: (Attr.Meet): no route for this one"},
}
