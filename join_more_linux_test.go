//go:build amd64 || arm64

package sprog

import (
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/spec"
)

// An ordinary user joins the namespaces of a container of his own, whose user
// namespace gives the right to.
func TestJoinAsOrdinaryUser(t *testing.T) {
	requires(t, userNamespaces)
	if os.Geteuid() == 0 {
		public := publicBinary(t)
		if !ownProcess(t, func(c *exec.Cmd) {
			c.Path, c.Dir = public, "/"
			c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
		}) {
			return
		}
	}
	box := newContainer(t, newKinds, []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Geteuid(), Size: 1}})
	joinAll(t, box, &Attr{Join: []Namespace{{PID: box.pid, Kinds: NamespaceKind(spec.AllKinds) &^ TimeNamespace}}}, "pid but for the time")

	for _, init := range []*Init{nil, {}} {
		c := Command("/bin/sh", "-c", "echo $(id -u) $$; grep CapEff /proc/self/status")
		c.Attr = &Attr{Join: []Namespace{{PID: box.pid}}, Init: init}
		c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{NoSetGroups: true}}
		out, err := c.CombinedOutput()
		words := strings.Fields(string(out))
		if err != nil || len(words) != 4 || words[0] != "0" || words[1] == strconv.Itoa(c.Process.Pid) || words[3] == "0000000000000000" {
			t.Errorf("as root inside, with init %v: %q, %v; want user 0, another number than %d and capabilities", init, out, err, c.Process.Pid)
		}
	}
}

func TestBadJoins(t *testing.T) {
	join := func(list ...Namespace) func(*Cmd) { return by(&Attr{Join: list}) }
	ended := Command("/bin/true")
	if err := ended.Run(); err != nil {
		t.Fatal(err)
	}
	number := strconv.Itoa(ended.Process.Pid)
	wantRefused(t, []badStart{
		{"nothing", join(Namespace{}), syscall.EINVAL, "(Attr.Join[0]): needs one of Path, File, PID and PidFD"},
		{"two", join(Namespace{PID: 1, Path: "/x"}), syscall.EINVAL, "(Attr.Join[0]): needs one of Path, File, PID and PidFD"},
		{"no kind", join(Namespace{Path: "/x"}), syscall.EINVAL, "/x (Attr.Join[0]): needs the kind of the namespace in Kinds"},
		{"two kinds", join(Namespace{Path: "/x", Kinds: IPCNamespace | UTSNamespace}), syscall.EINVAL,
			"/x (Attr.Join[0]): needs the kind of the namespace in Kinds"},
		{"unknown kind", join(Namespace{PID: 1, Kinds: 3}), syscall.EINVAL, "0x3 (Attr.Join[0]): is no kind of namespace"},
		{"negative", join(Namespace{PID: -1}), syscall.EINVAL, "-1 (Attr.Join[0]): is no process"},
		{"twice", join(Namespace{PID: 1, Kinds: IPCNamespace | UTSNamespace}, Namespace{Path: "/x", Kinds: IPCNamespace}), syscall.EINVAL,
			"ipc (Attr.Join[1]): is joined twice"},
		{"all twice", join(Namespace{PID: 1}, Namespace{PID: 2}), syscall.EINVAL,
			"(Attr.Join[1]): names no kind, as another does: both would mean all"},
		{"NUL", join(Namespace{Path: "/x\x00", Kinds: IPCNamespace}), syscall.EINVAL, `"/x\x00" (Attr.Join[0]): contains a NUL byte`},
		{"no file", join(Namespace{Path: "/no/such", Kinds: IPCNamespace}), syscall.ENOENT,
			"open /no/such (Attr.Join[0]): no such file or directory"},
		{"no process", join(Namespace{PID: ended.Process.Pid}), syscall.ESRCH, "pidfd_open " + number + " (Attr.Join[0]): no such process"},
		{"no namespace", join(Namespace{Path: "/dev/null", Kinds: IPCNamespace}), syscall.EINVAL,
			"setns /dev/null (Attr.Join[0]): invalid argument (/dev/null is no namespace: those are files such as /proc/PID/ns/net)"},
		{"PID namespace, and a new one", func(c *Cmd) {
			c.Attr = &Attr{Join: []Namespace{{PID: 1, Kinds: PIDNamespace}}}
			c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWPID}
		}, syscall.EINVAL, "CLONE_NEWPID (SysProcAttr.Cloneflags): cannot be combined with joining a PID namespace (Attr.Join): a process changes its own once"},
		{"mount namespace, traced", func(c *Cmd) {
			c.Attr = &Attr{Join: []Namespace{{PID: 1, Kinds: MountNamespace}}}
			c.SysProcAttr = &syscall.SysProcAttr{Ptrace: true}
		}, syscall.EINVAL, "(Attr.Join): cannot be combined with SysProcAttr.Ptrace: its second stage would be traced"},
		{"mount namespace, and a listener", by(&Attr{NoNewPrivs: true, Seccomp: notifying("mkdir"), Join: []Namespace{{PID: 1, Kinds: MountNamespace}}}), syscall.EINVAL,
			"SCMP_ACT_NOTIFY (Attr.Seccomp): cannot be combined with Attr.Join: its listener is handed over in memory, which a second stage does not share"},
		{"user namespace, and a mapped one", func(c *Cmd) {
			c.Attr = &Attr{Join: []Namespace{{PID: 1, Kinds: UserNamespace}}}
			c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER, UidMappings: toRoot}
		}, syscall.EINVAL, "user (Attr.Join): cannot be combined with id maps of a new user namespace: from outside of the joined one they cannot be written"},
	})
}

// The caller's own namespaces are left out, among them the user namespace,
// which the kernel would not let it join.
func TestJoinOwn(t *testing.T) {
	c := Command("/bin/true")
	c.Attr = &Attr{Join: []Namespace{{PID: os.Getpid()}}}
	if err := c.Run(); err != nil {
		t.Error(err)
	}
}

var facetsOfJoining = []facet{
	{name: "joined namespaces", needs: []*requirement{asRoot},
		without: []string{"namespaces at birth", "namespaces unshared", "user namespace", "setgroups as it is"},
		draw: func(_ *rand.Rand, t *testing.T, c *Cmd) {
			box := newContainer(t, newKinds&^syscall.CLONE_NEWPID, nil)
			attr(c).Join = []Namespace{{PID: box.pid, Kinds: NetworkNamespace | IPCNamespace | UTSNamespace}}
		},
		expect: func(c *Cmd) map[string]string {
			want := map[string]string{}
			for _, kind := range []string{"net", "ipc", "uts"} {
				inside := "/proc/" + strconv.Itoa(c.Attr.Join[0].PID) + "/ns/" + kind
				want["link:/proc/self/ns/"+kind], _ = os.Readlink(inside)
			}
			return want
		}},
	{name: "joined PID namespace", needs: []*requirement{asRoot},
		without: []string{"PID namespace", "user namespace", "setgroups as it is", "joined namespaces"},
		draw: func(_ *rand.Rand, t *testing.T, c *Cmd) {
			box := newContainer(t, unix.CLONE_NEWPID, nil)
			attr(c).Join = []Namespace{{PidFD: pidFD(t, box.pid), Kinds: PIDNamespace}}
		},
		expect: func(*Cmd) map[string]string { return newNamespace("pid") }},
}
