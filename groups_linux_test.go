//go:build amd64 || arm64

package sprog

import (
	"os/user"
	"syscall"
	"testing"

	"github.com/sprog-dev/sprog/internal/kernel"
)

func TestIDs(t *testing.T) {
	requires(t, asRoot)
	for _, test := range []struct {
		ids      IDs
		uid, gid string
	}{
		{IDs{id(1), id(2), id(3), id(4)}, "1 2 2 2", "3 4 4 4"},
		{IDs{RealUser: id(5)}, "5 0 0 0", "0 0 0 0"},
		{IDs{EffectiveUser: id(5), EffectiveGroup: id(6)}, "0 5 5 5", "0 6 6 6"},
		{IDs{}, "0 0 0 0", "0 0 0 0"},
	} {
		wantStatusWith(t, nil, &Attr{IDs: &test.ids}, map[string]string{"Uid": test.uid, "Gid": test.gid})
	}
}

func TestGroups(t *testing.T) {
	requires(t, asRoot)
	tty, err := user.LookupGroup("tty")
	if err != nil {
		t.Fatal(err)
	}
	defer setGroups(t, 20, 21)()
	cred := &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	for _, test := range []struct {
		sys    *syscall.SysProcAttr
		groups Groups
		want   string
	}{
		{nil, Groups{}, ""},
		{nil, Groups{List: []string{"4294967294", "tty", "7"}}, tty.Gid + " 7 4294967294"},
		{cred, Groups{List: []string{"tty"}}, tty.Gid},
		{cred, Groups{Of: "root"}, "0"},
		{cred, Groups{Of: "0", List: []string{"0", "9"}}, "0 9"},
	} {
		wantStatusWith(t, test.sys, &Attr{Groups: &test.groups}, map[string]string{"Groups": test.want})
	}
}

// differingIDs requires a kernel that leaves them alone.
var differingIDs = &requirement{what: "Linux 6.16", works: func() error {
	if kernel.OlderThan(6, 16) {
		return syscall.ENOSYS
	}
	return nil
}}
