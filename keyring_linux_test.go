//go:build amd64 || arm64

package sprog

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

func TestSessionKeyring(t *testing.T) {
	requires(t, keyrings)
	own, err := unix.KeyctlGetKeyringID(unix.KEY_SPEC_SESSION_KEYRING, false)
	if err != nil {
		t.Fatal(err)
	}
	sys := &syscall.SysProcAttr{}
	owner := uint32(os.Getuid())
	if os.Getuid() == 0 {
		owner = 65534
		sys.Credential = &syscall.Credential{Uid: owner, Gid: 65534}
	}
	for _, test := range []struct{ name, want string }{{"", "_ses"}, {"sprog test", "sprog test"}} {
		for _, init := range []*Init{nil, {}} {
			out := printed(t, sys, &Attr{SessionKeyring: &SessionKeyring{Name: test.name}, Init: init}, publicBinary(t), "keyring")
			var id int
			var description string
			fmt.Sscanf(out, "%d %q", &id, &description)
			if want := fmt.Sprintf("keyring;%d;", owner); id == own || !strings.HasPrefix(description, want) || !strings.HasSuffix(description, ";"+test.want) {
				t.Errorf("session keyring = %s; want another than %d, that is %s...%s", out, own, want, test.want)
			}
		}
	}
}

// keyring: print the session keyring and its description.
var _ = helper("keyring", func([]string) int {
	id, _ := unix.KeyctlGetKeyringID(unix.KEY_SPEC_SESSION_KEYRING, false)
	description, err := unix.KeyctlString(unix.KEYCTL_DESCRIBE, id)
	fmt.Printf("%d %q %v\n", id, description, err)
	return 0
})
