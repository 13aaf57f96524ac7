//go:build amd64 || arm64

package sprog

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A descendant that belongs to another user, as a set-user-ID program may, keeps nobody
// else alive, and is told of.
func TestKillTreeDenied(t *testing.T) {
	requires(t, asRoot, setpriv)
	if !ownProcess(t, func(c *exec.Cmd) {
		c.Path, _ = exec.LookPath("setpriv")
		c.Args = append([]string{"setpriv", "--bounding-set", "-kill"}, c.Args...)
	}) {
		return
	}
	for _, test := range []struct {
		name  string
		needs []*requirement
		attr  *Attr
		end   *Ending // by the context, or KillTree
	}{
		{"KillTree", nil, nil, nil},
		{"KillTree, init", nil, &Attr{Init: &Init{}}, nil},
		{"KillTree, cgroup", []*requirement{ownCgroups}, &Attr{Cgroup: &Cgroup{}}, nil},
		{"ended", nil, nil, &Ending{}},
		{"ended, init", nil, &Attr{Init: &Init{}}, &Ending{}},
		{"told", nil, nil, &Ending{Grace: never}},
		{"told, init", nil, &Attr{Init: &Init{}}, &Ending{Grace: never}},
	} {
		t.Run(test.name, func(t *testing.T) {
			requires(t, test.needs...)
			killsAllButTwo(t, test.attr, test.end)
		})
	}
}

// killsAllButTwo ends a command with many descendants, of which two are other users'.
func killsAllButTwo(t *testing.T, attr *Attr, ending *Ending) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	const script = `sleep 1000 & "$0" linger 65534 <&3 >&4 & sleep 1000 & (sleep 1000 & sleep 1000) & "$0" linger 65533 <&3 >&4 & sleep 1000`
	c := CommandContext(ctx, "/bin/sh", "-c", script, publicBinary(t))
	c.Attr = attr
	if ending != nil {
		endingBy(c, *ending)
	}
	mark := fmt.Sprintf("%d-%d", os.Getpid(), time.Now().UnixNano())
	c.Env = append(os.Environ(), markVar+"="+mark)
	keep, toKeep := testPipe(t)
	said, toSay := testPipe(t)
	c.ExtraFiles = []*os.File{keep, toSay}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	if c.Birth.Cgroup != nil {
		c.Birth.Cgroup.group.Plain = true // cgroup.kill kills those, too
	}
	var lingering [2]int
	for i := range lingering {
		fmt.Fscanf(said, "lingering %d\n", &lingering[i])
	}
	var err error
	if ending == nil {
		_, err = c.KillTree()
	} else {
		cancel()
	}
	c.Wait()
	if ending != nil {
		err = <-failures
	}
	if r := c.Result(); r.Reach != ReachProcess {
		t.Errorf("the reach is %v; want %v", r.Reach, ReachProcess)
	}
	ofOne := func(pid int) bool { return strings.Contains(fmt.Sprint(err), fmt.Sprintf("process %d", pid)) }
	if !ofOne(lingering[0]) && !ofOne(lingering[1]) {
		t.Errorf("it is told: %v; want an error about one of %v", err, lingering)
	}
	eventually(t, "all others are dead", func() bool { return len(marked(t, mark)) <= 2 })
	for _, pid := range lingering {
		if err := unix.Kill(pid, 0); err != unix.EPERM {
			t.Errorf("another user's process %d: %v; want it alive", pid, err)
		}
	}
	toKeep.Close()
	eventually(t, "they end in peace", func() bool { return len(marked(t, mark)) == 0 })
	if g := c.Birth.Cgroup; g != nil {
		if err := g.Remove(); err != nil {
			t.Error(err)
		}
	}
}
