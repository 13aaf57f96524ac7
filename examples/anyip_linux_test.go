package examples

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/sprog-dev/sprog"
)

// A process that may do nothing serves a network at addresses that it never named.
func TestAnyIP(t *testing.T) {
	needs(t, "net-sockets")
	client := filepath.Join(bin, "hostile")
	for _, address := range []string{"198.18.0.1:80", "198.19.255.254:80", "127.0.0.1:80"} {
		got, errs, code := example(t, "anyip", client, "get", address)
		if want := address + ", which you call " + address + "\n"; got != want || code != 0 {
			t.Errorf("at %s: %q, %q, exit code %d; want %q", address, got, errs, code, want)
		}
	}
	if got, errs, code := example(t, "anyip", client, "get", "198.20.0.1:80"); code == 0 {
		t.Errorf("at an address beyond the prefix: %q, %q", got, errs)
	}
	if _, errs, code := example(t, "anyip", "/no/such/program"); code != 1 || errs == "" {
		t.Errorf("a program that is not there: %q, exit code %d", errs, code)
	}
}

// It takes no rights, not even those of an ordinary user who has some.
func TestAnyIPWithoutRights(t *testing.T) {
	needs(t, "net-sockets")
	if os.Geteuid() != 0 {
		t.Skip("needs root, to become somebody without any rights")
	}
	cmd := sprog.Command(filepath.Join(bin, "anyip"), filepath.Join(bin, "hostile"), "get", "198.18.3.4:80")
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	cmd.Attr = &sprog.Attr{NoNewPrivs: true, Caps: &sprog.Caps{Bounding: sprog.CapSet{Drop: []string{"all"}}}}
	if out, err := cmd.CombinedOutput(); err != nil || string(out) != "198.18.3.4:80, which you call 198.18.3.4:80\n" {
		t.Errorf("%v: %q", err, out)
	}
}
