package boxnet

import (
	"bytes"
	"os"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog"
)

// command is a program inside of a network: of root in a network namespace alone, of others in a
// user namespace, too.
func command(t testing.TB, n *Network, args ...string) *sprog.Cmd {
	t.Helper()
	cmd := sprog.Command(args[0], args[1:]...)
	if os.Geteuid() != 0 {
		requires(t, userNamespaces)
		id := []syscall.SysProcIDMap{{ContainerID: os.Getuid(), HostID: os.Getuid(), Size: 1}}
		gid := []syscall.SysProcIDMap{{ContainerID: os.Getgid(), HostID: os.Getgid(), Size: 1}}
		cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWUSER, UidMappings: id, GidMappings: gid}
	}
	if err := n.Attach(cmd); err != nil {
		t.Fatal(err)
	}
	return cmd
}

// userNamespaces are what an ordinary user needs.
var userNamespaces = requirement{"user namespaces", func() error {
	cmd := sprog.Command("true")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWUSER | unix.CLONE_NEWNET}
	return cmd.Run()
}}

func runIn(t testing.TB, n *Network, args ...string) (string, error) {
	t.Helper()
	cmd := command(t, n, args...)
	var b bytes.Buffer
	cmd.Stdout, cmd.Stderr = &b, &b
	err := cmd.Run()
	return b.String(), err
}
