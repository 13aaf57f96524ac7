//go:build amd64 || arm64

package sprog

import "testing"

// A program that does no more than import the package lives with filters that
// kill for what only some starts need. This test's binary is such a program.
func TestImportCallsNothingUnusual(t *testing.T) {
	c := helperCommand("true")
	c.Attr = &Attr{NoNewPrivs: true, Seccomp: &Seccomp{Default: SeccompAllow, Rules: []SeccompRule{{
		Names:  []string{"memfd_create", "pipe2", "eventfd2", "epoll_create1", "socket", "socketpair", "dup3"},
		Action: SeccompKillProcess,
	}}}}
	if out, err := c.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
