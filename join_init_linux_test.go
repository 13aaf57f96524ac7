//go:build amd64 || arm64

package sprog

import (
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/spec"
)

// An ordinary user joins the namespaces of a program of his by its init, which nobody
// may trace who has no right to trace all that is of root's.
func TestJoinByInit(t *testing.T) {
	requires(t, userNamespaces)
	public := publicBinary(t)
	if os.Geteuid() == 0 && !ownProcess(t, func(c *exec.Cmd) {
		c.Path, c.Dir = public, "/"
		c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	}) {
		return
	}
	const tell = "readlink /proc/self/ns/user /proc/self/ns/pid"
	c := Command("/bin/sh", "-c", "echo ready; "+tell+"; read line")
	intoUserNamespace(unix.CLONE_NEWPID, &Attr{Init: &Init{}})(c)
	c.SysProcAttr.UidMappings, c.SysProcAttr.GidMappings = idOf(0, os.Getuid()), idOf(0, os.Getgid())
	in, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	lines := startReady(t, c)
	defer func() { in.Close(); c.Wait() }()
	user, _ := lines.ReadString('\n')
	pids, _ := lines.ReadString('\n')

	_, err = os.Readlink("/proc/" + spec.Itoa(c.Process.Pid) + "/ns/user")
	if !os.IsPermission(err) {
		t.Errorf("the namespaces of the init are open to its user: %v", err)
	}
	joins := Command("/bin/sh", "-c", tell)
	joins.Attr = &Attr{Join: []Namespace{{PID: c.Process.Pid}}}
	if got := outputOf(t, joins); got != user+pids || !strings.HasPrefix(user, "user:") {
		t.Errorf("who joins them is in %q; want %q", got, user+pids)
	}
}
