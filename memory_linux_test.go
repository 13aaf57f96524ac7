//go:build amd64 || arm64

package sprog

import (
	"runtime"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/compile"
	"github.com/sprog-dev/sprog/internal/launch"
	"github.com/sprog-dev/sprog/internal/program"
)

// standingAs makes starts, and plans, those of a process of that standing.
func standingAs(t *testing.T, s compile.Standing) {
	before := launch.OwnStanding
	t.Cleanup(func() { launch.OwnStanding = before })
	launch.OwnStanding = func() compile.Standing { return s }
}

// A traced child has one stage, whoever may not trace its parent.
func TestGuardedButTraced(t *testing.T) {
	requires(t, userNamespaces)
	runtime.LockOSThread() // the tracer is a thread
	defer runtime.UnlockOSThread()
	standingAs(t, guardedUser)
	c := &Cmd{Path: "/bin/true"}
	intoUserNamespace(0, nil)(c)
	c.SysProcAttr.Ptrace = true
	if _, second := stepsOf(t, c); second != nil {
		t.Errorf("the start has a second stage of %d steps; want none", len(second))
	}
}

// A cgroup namespace has the child's cgroup for its root, whichever process enters it.
func TestLateCgroupNamespace(t *testing.T) {
	requires(t, asRoot, userNamespaces, cgroup2, namespace("cgroup"))
	group := newCgroup(t)
	c := Command("/bin/cat", "/proc/self/cgroup")
	intoUserNamespace(unix.CLONE_NEWCGROUP, &Attr{Init: &Init{}})(c)
	c.SysProcAttr.UseCgroupFD, c.SysProcAttr.CgroupFD = true, int(group.Fd())
	if out := outputOf(t, c); !strings.HasSuffix(out, "0::/\n") {
		t.Errorf("the cgroups are %s; want 0::/ among them", out)
	}
}

// A user namespace that is unshared and written by a child that changes credentials does not
// depend on what other starts do to the memory.
func TestOwnMapsBesideCredentials(t *testing.T) {
	requires(t, asRoot, userNamespaces)
	standingAs(t, compile.Standing{})
	c := Command("/bin/cat", "/proc/self/uid_map")
	c.SysProcAttr = &syscall.SysProcAttr{Unshareflags: unix.CLONE_NEWUSER, UidMappings: uidToRoot, GidMappings: gidToRoot, Credential: &syscall.Credential{NoSetGroups: true}}
	second := false
	c.inspect = func(_, p *program.Program) { second = p != nil }
	if out := strings.Join(strings.Fields(outputOf(t, c)), " "); out != "0 0 1" || !second {
		t.Errorf("the map is %q, with a second stage: %v; want 0 0 1, true", out, second)
	}
}
