//go:build linux && (amd64 || arm64)

package sprog_test

import (
	"fmt"
	"os"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog"
)

// A socket that configures the program's network, and one that listens there, for an ordinary user's process: both are
// opened by the child, in the namespace, and come to Meet.
func ExampleSocket() {
	cmd := sprog.Command("/bin/true")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER | syscall.CLONE_NEWNET}
	cmd.Attr = &sprog.Attr{
		Sockets: []sprog.Socket{
			{Domain: unix.AF_NETLINK, Type: unix.SOCK_RAW, Protocol: unix.NETLINK_ROUTE},
			{Domain: unix.AF_INET, Type: unix.SOCK_STREAM},
		},
		Meet: func(m *sprog.Meeting) error { return serve(m.Sockets[0], m.Sockets[1]) },
	}
	asked(cmd, "Attr.Sockets", "socket")
	// Output:
	// socket(AF_NETLINK, SOCK_CLOEXEC|SOCK_NONBLOCK|SOCK_RAW, 0)
	// socket(AF_INET, SOCK_CLOEXEC|SOCK_NONBLOCK|SOCK_STREAM, 0)
}

func serve(netlink, listener *os.File) error { return nil }

// Meet sees the process before it executes anything, and can still keep it from that.
func ExampleMeeting() {
	cmd := sprog.Command("/bin/true")
	cmd.Attr = &sprog.Attr{Meet: func(m *sprog.Meeting) error {
		name, err := os.ReadFile("/proc/" + strconv.Itoa(m.Pid) + "/comm")
		fmt.Print("meeting ", string(name))
		if err != nil {
			return err
		}
		return fmt.Errorf("not today")
	}}
	fmt.Println(cmd.Run())
	// Output:
	// meeting sprog/second
	// sprog: start /bin/true: (Attr.Meet): not today
}
