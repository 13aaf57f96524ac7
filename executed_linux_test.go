//go:build amd64 || arm64

package sprog

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/sprog-dev/sprog/internal/kernel"
	"golang.org/x/sys/unix"
)

// deafToGroups answers EPERM to setpgid, which is how a parent may ask whether its child
// has executed.
var deafToGroups = &Seccomp{Default: SeccompAllow, Rules: []SeccompRule{
	{Names: []string{"setpgid"}, Action: SeccompErrno, Errno: new(uint16(unix.EPERM))},
}}

// A program may put itself into a session of its own with its first
// instruction, before the parent has looked whether it runs.
func TestProgramOfItsOwnSession(t *testing.T) {
	path := tinyFile(t, newSession, exitWith(7))
	for name, change := range map[string]func(*Cmd){
		"plain":           func(*Cmd) {},
		"second stage":    func(c *Cmd) { c.Attr = &Attr{THPDisable: THPDisableCompletely} },
		"init":            func(c *Cmd) { c.Attr = &Attr{Init: &Init{}} },
		"filter":          func(c *Cmd) { c.Attr = &Attr{NoNewPrivs: true, Seccomp: deafToGroups} },
		"session besides": func(c *Cmd) { c.SysProcAttr = &syscall.SysProcAttr{Setsid: true} },
	} {
		t.Run(name, func(t *testing.T) {
			for range 100 {
				c := inTime(t, path)
				change(c)
				wantExit(t, c.Run(), 7)
			}
		})
	}
}

// Where /proc is that of another PID namespace, its numbers are strangers'.
func TestStartsUnderForeignProc(t *testing.T) {
	requires(t, asRoot)
	if !ownProcess(t, func(c *exec.Cmd) { c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWPID} }) {
		return
	}
	path := tinyFile(t, newSession, exitWith(7))
	for i := range 100 {
		c := inTime(t, path)
		c.SysProcAttr = &syscall.SysProcAttr{Setsid: i%2 == 0}
		if i%3 == 0 {
			c.Attr = &Attr{THPDisable: THPDisableCompletely}
		}
		wantExit(t, c.Run(), 7)
	}
}

// A program that dies with its first instruction has been executed, though there
// is no /proc to tell.
func TestProgramThatDiesAtOnceWithoutProc(t *testing.T) {
	requires(t, asRoot)
	path := tinyFile(t, crash)
	if !ownProcess(t, func(c *exec.Cmd) { c.SysProcAttr = &syscall.SysProcAttr{Unshareflags: unix.CLONE_NEWNS} }) {
		return
	}
	if err := unix.Mount("none", "/proc", "tmpfs", 0, ""); err != nil {
		t.Fatal(err)
	}
	defer unix.Unmount("/proc", 0)
	for i := range 100 {
		c := inTime(t, path)
		c.SysProcAttr = &syscall.SysProcAttr{Setsid: i%2 == 0}
		wantSignal(t, c.Run(), unix.SIGILL)
	}
}

// inTime is a command that is ended if it takes so long that it must hang.
func inTime(t testing.TB, path string) *Cmd {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	t.Cleanup(cancel)
	return CommandContext(ctx, path)
}

func wantExit(t testing.TB, err error, code int) {
	t.Helper()
	if e := new(ExitError); !errors.As(err, &e) || e.ExitCode() != code {
		t.Errorf("Run() = %v; want exit status %d", err, code)
	}
}

func wantSignal(t testing.TB, err error, sig syscall.Signal) {
	t.Helper()
	e := new(ExitError)
	if !errors.As(err, &e) || e.Sys().(syscall.WaitStatus).Signal() != sig {
		t.Errorf("Run() = %v; want %v", err, sig)
	}
}

var restless = flag.Int("restless", 10000, "how many programs TestRestlessPrograms starts")

// What a program does with its first instructions, whatever kind of start it
// comes from, is not taken for a failed start, and holds up nobody.
func TestRestlessPrograms(t *testing.T) {
	kinds := kindsForTiny(t)
	programs := []struct {
		path string
		end  string
	}{
		{tinyFile(t, exitWith(7)), "exit status 7"},
		{tinyFile(t, newSession, exitWith(7)), "exit status 7"},
		{tinyFile(t, ownGroup, exitWith(7)), "exit status 7"},
		{tinyFile(t, plainFork, newSession, exitWith(7)), "exit status 7"},
		{tinyFile(t, crash), "signal: illegal instruction"},
		{tinyFile(t, newSession, crash), "signal: illegal instruction"},
		{tinyFile(t, newSession, stopGroup, exitWith(7)), "stopped"},
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d, %d kinds of start", seed, len(kinds))
	random := rand.New(rand.NewPCG(seed, 0))
	for range fewer(*restless) {
		kind, p := kinds[random.IntN(len(kinds))], programs[random.IntN(len(programs))]
		c := again(kind.cmd)
		c.Path, c.Args = p.path, []string{"tiny"}
		if err := runRestless(c, kind.end(p.end)); err != nil {
			t.Errorf("%s, %s: %v", kind.name, p.end, err)
		}
	}
}

// runRestless runs a program that ends in the given way, and ends one that
// stops.
func runRestless(c *Cmd, end string) error {
	c.Ending = &Ending{Timeout: 2 * time.Minute}
	if err := c.Start(); err != nil {
		return err
	}
	if sys := c.SysProcAttr; sys != nil && sys.PidFD != nil {
		unix.Close(*sys.PidFD)
	}
	if l := c.Birth.SeccompListener; l != nil {
		l.Close()
	}
	if end == "stopped" {
		c.KillTree()
		end = "signal: killed"
	}
	if err := c.Wait(); err == nil || err.Error() != end && err.Error() != end+" (core dumped)" {
		return fmt.Errorf("Wait() = %v", err)
	}
	return nil
}

type kindForTiny struct {
	name string
	cmd  *Cmd
}

// End is how a program ends that would end so outside of a PID namespace. The
// kernel does not stop a PID 1 for a process inside; an init has no other way to
// tell a signal than its exit status.
func (k kindForTiny) end(usual string) string {
	switch sys := k.cmd.SysProcAttr; {
	case sys == nil || sys.Cloneflags&unix.CLONE_NEWPID == 0:
	case k.cmd.Attr == nil || k.cmd.Attr.Init == nil:
		if usual == "stopped" {
			return "exit status 7"
		}
	case usual == "signal: illegal instruction":
		return "exit status 132"
	}
	return usual
}

// kindsForTiny are the starts of the fault tests that can start a tiny program.
func kindsForTiny(t *testing.T) (kinds []kindForTiny) {
	path := tinyFile(t, exitWith(7))
	for _, s := range startCases() {
		if slices.ContainsFunc(s.needs, func(r *requirement) bool { return r.works() != nil }) {
			continue
		}
		lacks := kernel.Known.Lacks.Load()
		cmd := s.cmd(t)
		if kernel.Known.Lacks.Swap(lacks) != lacks {
			continue // a case of a kernel that lacks something
		}
		if cmd.SysProcAttr != nil && cmd.SysProcAttr.Ptrace || cmd.Attr != nil && cmd.Attr.Program != nil {
			continue
		}
		c := again(cmd)
		c.Path, c.Args = path, []string{"tiny"}
		if err := runRestless(c, "exit status 7"); err == nil {
			kinds = append(kinds, kindForTiny{s.name, cmd})
		} else {
			t.Logf("%s: %v", s.name, err)
		}
	}
	if least := len(startCases()) / 3; len(kinds) < least {
		t.Errorf("%d kinds of start work; want %d at least", len(kinds), least)
	}
	return kinds
}

// A program that kills its init, as the first thing that it does, has been executed. The init has no
// time to tell.
func TestProgramThatKillsItsInit(t *testing.T) {
	path := tinyFile(t, tinyCall{nr: unix.SYS_KILL, args: [4]uint32{0, uint32(unix.SIGKILL)}}, exitWith(7))
	for range 200 {
		c := Command(path)
		c.SysProcAttr, c.Attr = &syscall.SysProcAttr{Setpgid: true}, &Attr{Init: &Init{}} // the group is the init's
		if err := c.Start(); err != nil {
			t.Fatalf("Start() = %v; want success", err)
		}
		c.Wait()
		if r := c.Result(); r.Cause != CauseProgram || r.Signal != unix.SIGKILL {
			t.Fatalf("the result is %q; want program SIGKILL", resultText(r))
		}
	}
}

// Nor has an init that the program stops, and the start comes back all the same.
func TestProgramThatStopsItsInit(t *testing.T) {
	path := tinyFile(t, stopGroup, exitWith(7))
	for range 20 {
		c := inTime(t, path)
		c.SysProcAttr, c.Attr = &syscall.SysProcAttr{Setpgid: true}, &Attr{Init: &Init{}}
		if err := c.Start(); err != nil {
			t.Fatalf("Start() = %v; want success", err)
		}
		if err := c.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		wantSignal(t, c.Wait(), unix.SIGKILL)
	}
}
