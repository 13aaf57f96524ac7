//go:build amd64 || arm64

package sprog

import (
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

func TestCredential(t *testing.T) {
	requires(t, asRoot)
	restore := setGroups(t, 20, 21)
	defer restore()
	for _, test := range []struct {
		name   string
		cred   syscall.Credential
		groups string
	}{
		{"no groups", syscall.Credential{Uid: 1234, Gid: 56}, ""},
		{"groups", syscall.Credential{Uid: 1234, Gid: 56, Groups: []uint32{7, 4294967294}}, "7 4294967294"},
		{"NoSetGroups", syscall.Credential{Uid: 1234, Gid: 56, NoSetGroups: true}, "20 21"},
		{"NoSetGroups with groups", syscall.Credential{Uid: 1234, Gid: 56, Groups: []uint32{7}, NoSetGroups: true}, "20 21"},
		{"the same user", syscall.Credential{}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			uid, gid := strconv.Itoa(int(test.cred.Uid)), strconv.Itoa(int(test.cred.Gid))
			wantStatus(t, &syscall.SysProcAttr{Credential: &test.cred}, map[string]string{
				"Uid":    strings.Join([]string{uid, uid, uid, uid}, " "),
				"Gid":    strings.Join([]string{gid, gid, gid, gid}, " "),
				"Groups": test.groups,
			})
		})
	}
}

// setGroups gives all threads of this process supplementary groups.
func setGroups(t *testing.T, groups ...int) (restore func()) {
	t.Helper()
	old, err := syscall.Getgroups()
	if err == nil {
		err = syscall.Setgroups(groups)
	}
	if err != nil {
		t.Fatal(err)
	}
	return func() { syscall.Setgroups(old) }
}

// All privileges are gone with the user, whatever the securebits say.
func TestCredentialDropsCapabilities(t *testing.T) {
	requires(t, asRoot)
	none := "0000000000000000"
	wantStatus(t, &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}},
		map[string]string{"CapPrm": none, "CapEff": none, "CapAmb": none})
}

func capSet(caps ...uintptr) string {
	var set uint64
	for _, c := range caps {
		set |= 1 << c
	}
	s := strconv.FormatUint(set, 16)
	return strings.Repeat("0", 16-len(s)) + s
}

func TestAmbientCaps(t *testing.T) {
	requires(t, asRoot)
	caps := []uintptr{unix.CAP_NET_BIND_SERVICE, unix.CAP_CHECKPOINT_RESTORE}
	for _, cred := range []*syscall.Credential{nil, {Uid: 65534, Gid: 65534}} {
		sys := &syscall.SysProcAttr{AmbientCaps: caps, Credential: cred}
		want := map[string]string{"CapAmb": capSet(caps...), "CapInh": capSet(caps...)}
		if cred != nil { // they are all that is left of root
			want["CapPrm"], want["CapEff"] = capSet(caps...), capSet(caps...)
		}
		wantStatus(t, sys, want)
	}
}

// In a user namespace of its own a process has capabilities, and ambient ones
// outlast the execve of a user who is not root there.
func TestAmbientCapsInUserNamespace(t *testing.T) {
	requires(t, userNamespaces)
	caps := []uintptr{unix.CAP_NET_RAW}
	wantStatus(t, &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 1000, HostID: os.Geteuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 1000, HostID: os.Getegid(), Size: 1}},
		AmbientCaps: caps,
	}, map[string]string{
		"Uid": "1000 1000 1000 1000", "CapAmb": capSet(caps...), "CapEff": capSet(caps...),
	})
	// setpriv(1) and capsh(1) use other calls to find out.
	requires(t, tool("setpriv"))
	out := printed(t, &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 1000, HostID: os.Geteuid(), Size: 1}},
		AmbientCaps: caps,
	}, nil, "setpriv", "-d")
	if got := fieldOf(out, "Ambient capabilities"); got != "net_raw" {
		t.Errorf("setpriv: ambient capabilities = %q; want net_raw", got)
	}
}

// A capability that the parent has not got cannot be given.
func TestAmbientCapNotHeld(t *testing.T) {
	requires(t, asRoot)
	err := (&Cmd{Path: "/bin/true", SysProcAttr: &syscall.SysProcAttr{AmbientCaps: []uintptr{63}}}).Run()
	if se, ok := err.(*StartError); !ok || se.Field != "SysProcAttr.AmbientCaps" || se.Err == nil {
		t.Errorf("capability 63: %v; want an error for AmbientCaps", err)
	}
}
