//go:build amd64 || arm64

package sprog

import (
	"os"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/compile"
)

// guardedUser is a caller that some of its user's processes must not trace, and who
// cannot write to files of root's.
var guardedUser = compile.Standing{Capable: true, Guarded: true}

// as makes a case that of a caller of that standing.
func as(s compile.Standing, prepare func(*Cmd)) func(*testing.T, *Cmd) {
	return func(t *testing.T, c *Cmd) {
		standingAs(t, s)
		prepare(c)
	}
}

// intoUserNamespace has the child born into a new user namespace and others.
func intoUserNamespace(others uintptr, attr *Attr) func(*Cmd) {
	return func(c *Cmd) {
		c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER | others, UidMappings: uidToRoot, GidMappings: gidToRoot}
		c.Attr = attr
	}
}

var casesOfMemory = []startCase{
	{"guarded, user namespace", []*requirement{userNamespaces}, as(guardedUser, intoUserNamespace(0, nil))},
	{"guarded, PID namespace", []*requirement{userNamespaces}, as(guardedUser, intoUserNamespace(unix.CLONE_NEWPID|unix.CLONE_NEWUTS, nil))},
	{"guarded, init", []*requirement{userNamespaces}, as(guardedUser, intoUserNamespace(0, &Attr{Init: &Init{ReportStops: true}}))},
	{"guarded, init of a namespace", []*requirement{userNamespaces}, as(guardedUser, intoUserNamespace(unix.CLONE_NEWPID, &Attr{Init: &Init{ReportStops: true}}))},
	{"guarded, no maps", []*requirement{userNamespaces}, as(guardedUser, func(c *Cmd) {
		c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER}
	})},
	{"guarded, unshared", []*requirement{userNamespaces}, as(guardedUser, func(c *Cmd) {
		c.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWUSER, UidMappings: uidToRoot, GidMappings: gidToRoot, Credential: &syscall.Credential{NoSetGroups: true}}
	})},
	{"guarded, listener", []*requirement{userNamespaces}, as(guardedUser, intoUserNamespace(0, &Attr{NoNewPrivs: true, Seccomp: notifying("mkdir")}))},
	{"guarded, listener, no maps", []*requirement{userNamespaces}, as(guardedUser, func(c *Cmd) {
		c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER}
		c.Attr = &Attr{NoNewPrivs: true, Seccomp: notifying("mkdir")}
	})},
	{"own credential, listener", nil, func(_ *testing.T, c *Cmd) {
		c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(os.Getuid()), Gid: uint32(os.Getgid()), NoSetGroups: true}}
		c.Attr = &Attr{NoNewPrivs: true, Seccomp: notifying("mkdir")}
	}},
	{"init, no maps", []*requirement{userNamespaces}, func(_ *testing.T, c *Cmd) {
		c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER | unix.CLONE_NEWPID}
		c.Attr = &Attr{Init: &Init{}}
	}},
}

// plansOfGuarded are those of a caller that must not be traced, who does not own the
// files of root's and whose children might leave core files.
var plansOfGuarded = []planCase{
	{"guarded", func(c *Cmd) {
		c.Attr = &Attr{Rlimits: []Rlimit{{Resource: unix.RLIMIT_CORE, Cur: 0, Max: 0}}}
	}},
	{"guarded-userns", with(&syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER, UidMappings: toRoot, GidMappings: toRoot})},
	{"guarded-userns-pid", with(&syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER | syscall.CLONE_NEWPID, UidMappings: toRoot, GidMappings: toRoot})},
	{"guarded-userns-unshared", with(&syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWUSER, UidMappings: toRoot, GidMappings: toRoot})},
	{"guarded-userns-no-maps", with(&syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER})},
}

func TestPlansOfGuarded(t *testing.T) {
	startedPlainly(t)
	standingAs(t, guardedUser)
	coresAre(t, unix.Rlimit{Cur: 0, Max: 1 << 20}, true)
	for _, test := range plansOfGuarded {
		p, err := planned(test.prepare).Plan()
		if err != nil {
			t.Fatal(err)
		}
		golden(t, "plans/"+test.name+".golden", p.String())
	}
}
