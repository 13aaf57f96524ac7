package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/sprog-dev/sprog"
	"golang.org/x/sys/unix"
)

// An initKind is an init, by the words that a command line of it begins with,
// or the package's own. All are started by the package.
type initKind struct {
	name  string
	words []string
}

var initKinds = []initKind{
	{"none", nil},
	{bySprog, nil},
	{"tini", []string{"tini", "-s", "--"}},
	{"dumb-init", []string{"dumb-init", "--"}},
	{"catatonit", []string{"catatonit", "--"}},
}

// command is a program below the init.
func (k initKind) command(flags uintptr, argv ...string) *sprog.Cmd {
	words := append(k.words[:len(k.words):len(k.words)], argv...)
	c := sprog.Command(words[0], words[1:]...)
	c.Attr, c.SysProcAttr = &sprog.Attr{}, &syscall.SysProcAttr{Cloneflags: flags, Setpgid: true}
	if k.name == bySprog {
		c.Attr.Init = &sprog.Init{}
	}
	return c
}

// initRole is a program that this binary plays, below the init.
func (k initKind) initRole(flags uintptr, role string, args ...string) (*sprog.Cmd, *bufio.Reader, io.Closer, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, nil, nil, err
	}
	c := k.command(flags, append([]string{self, roleMark, role}, args...)...)
	c.Env = append(os.Environ(), "GODEBUG=asyncpreemptoff=1") // which takes SIGURG
	in, err := c.StdinPipe()
	if err != nil {
		return nil, nil, nil, err
	}
	out, err := c.StdoutPipe()
	if err != nil {
		return nil, nil, nil, err
	}
	if err := c.Start(); err != nil {
		return nil, nil, nil, err
	}
	return c, bufio.NewReader(out), in, nil
}

// measureInit compares the package's init with others, as the first process of
// a PID namespace but where it says otherwise.
func measureInit(b *bench, s *section) error {
	if os.Getuid() != 0 {
		return errSkip("a PID namespace takes root here")
	}
	var kinds []initKind
	for _, k := range initKinds {
		if err := k.command(unix.CLONE_NEWPID, b.progs.Exit).Run(); err != nil {
			s.Notes = append(s.Notes, fmt.Sprintf("%s: not measured here: %v.", k.name, err))
			continue
		}
		kinds = append(kinds, k)
	}
	s.Table.Head = []string{""}
	for _, k := range kinds {
		s.Table.Head = append(s.Table.Head, k.name)
	}
	if err := b.initStarts(s, kinds); err != nil {
		return err
	}
	facts := []struct {
		name string
		of   func(*bench, initKind) (string, error)
	}{
		{"executable", (*bench).initFile}, {"resident", (*bench).initResident}, {"of that its own, dirty", (*bench).initDirty},
		{"a signal arrives after", (*bench).initLatency}, {"500 orphans that die together are reaped in", (*bench).initReaping},
		{"signals of 1-64 that do not arrive", (*bench).initSignals}, {"SIGTSTP to the init: the program, the init", (*bench).initStop},
		{"ends, when the program dies of SIGTERM", (*bench).initDeath}, {"the same outside of a PID namespace", (*bench).initDeathOutside},
		{"a daemon left outside of a PID namespace", (*bench).initLeft},
	}
	for _, f := range facts {
		row := []string{f.name}
		for _, k := range kinds {
			cell, err := f.of(b, k)
			if err != nil {
				return fmt.Errorf("%s, %s: %w", k.name, f.name, err)
			}
			row = append(row, cell)
		}
		s.Table.add(row...)
	}
	s.Notes = append(s.Notes, "A multiple is of what sprog takes. The package's executable holds the program's arguments and environment as well. tini runs as tini -s. The signal is SIGUSR1, and goes to a Go program that writes a byte to a pipe; without an init it goes there directly. "+
		"Resident memory is Rss of smaps_rollup, while a program sleeps. SIGKILL, SIGSTOP and SIGCHLD are not tried, nor are SIGPROF and 32 to 34, which runtimes keep for themselves.")
	return nil
}

// initStarts measures the start and the end of a program.
func (b *bench) initStarts(s *section, kinds []initKind) error {
	const starts = 10
	for _, place := range []struct {
		name  string
		flags uintptr
	}{{"start and wait", unix.CLONE_NEWPID}, {"the same outside of a PID namespace", 0}} {
		cells := make([]*sample, len(kinds))
		for i, k := range kinds {
			cells[i] = &sample{Contender: k.name + ", " + place.name, X: 1}
		}
		for round := range b.rounds(100) {
			for _, i := range turns(round, len(kinds)) {
				begin, latency := time.Now(), make([]int64, starts)
				for n := range latency {
					start := time.Now()
					if err := kinds[i].command(place.flags, b.progs.Exit).Run(); err != nil {
						return err
					}
					latency[n] = int64(time.Since(start))
				}
				cells[i].add(starts, time.Since(begin), latency, 0, 0)
			}
		}
		row := []string{place.name}
		for _, c := range cells {
			c.finish()
		}
		for i, c := range cells {
			cell := duration(c.P50)
			if own := slices.IndexFunc(kinds, func(k initKind) bool { return k.name == bySprog }); own >= 0 && len(kinds[i].words) > 0 {
				cell += ", " + significant(latencyRatio(c, cells[own]).rounds) + " x"
			}
			row = append(row, cell)
		}
		s.Table.add(row...)
		s.Samples = append(s.Samples, cells...)
	}
	return nil
}

// initPaused starts a program that sleeps.
func (b *bench) initPaused(k initKind) (*sprog.Cmd, error) {
	c := k.command(unix.CLONE_NEWPID, b.progs.Pause)
	if err := c.Start(); err != nil {
		return nil, err
	}
	time.Sleep(50 * time.Millisecond) // until it waits
	return c, nil
}

func killed(c *sprog.Cmd) {
	c.Process.Kill()
	c.Wait()
}

func (b *bench) initFile(k initKind) (string, error) {
	if k.name == "none" {
		return "", nil
	}
	if len(k.words) > 0 {
		path, err := exec.LookPath(k.words[0])
		if err != nil {
			return "", err
		}
		return fileSize(path)
	}
	c, err := b.initPaused(k)
	if err != nil {
		return "", err
	}
	defer killed(c)
	return fileSize(fmt.Sprintf("/proc/%d/exe", c.Process.Pid))
}

func fileSize(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	return size(float64(info.Size())), nil
}

func (b *bench) initResident(k initKind) (string, error) { return b.initMemory(k, "Rss") }
func (b *bench) initDirty(k initKind) (string, error)    { return b.initMemory(k, "Private_Dirty") }

func (b *bench) initMemory(k initKind, line string) (string, error) {
	if k.name == "none" {
		return "", nil
	}
	c, err := b.initPaused(k)
	if err != nil {
		return "", err
	}
	defer killed(c)
	return size(float64(procKiB(fmt.Sprintf("/proc/%d/smaps_rollup", c.Process.Pid), line)) * 1024), nil
}

// initLatency is the median time from a signal to the init until the program
// has said that it came.
func (b *bench) initLatency(k initKind) (string, error) {
	c, out, in, err := k.initRole(unix.CLONE_NEWPID, "signalled", "10")
	if err != nil {
		return "", err
	}
	defer in.Close()
	defer killed(c)
	if _, err := out.ReadString('\n'); err != nil {
		return "", err
	}
	var took []int64
	for range b.rounds(2000) {
		begin := time.Now()
		if err := unix.Kill(c.Process.Pid, unix.SIGUSR1); err != nil {
			return "", err
		}
		if _, err := out.ReadByte(); err != nil {
			return "", err
		}
		took = append(took, int64(time.Since(begin)))
	}
	return duration(median(took)), nil
}

// initReaping is the time until none of the orphans is left, not as a zombie
// either: their process group is gone then.
func (b *bench) initReaping(k initKind) (string, error) {
	const orphans = 500
	if k.name == "none" {
		return "", nil
	}
	var took []int64
	for range b.rounds(24) {
		c, out, in, err := k.initRole(unix.CLONE_NEWPID, "family", strconv.Itoa(orphans), b.progs.Pause)
		if err != nil {
			return "", err
		}
		if _, err := out.ReadString('\n'); err != nil {
			return "", err
		}
		group, err := orphansOf(c.Process.Pid, orphans)
		if err == nil {
			begin := time.Now()
			unix.Kill(-group, unix.SIGKILL)
			for unix.Kill(-group, 0) == nil && time.Since(begin) < 10*time.Second {
			}
			took = append(took, int64(time.Since(begin)))
		}
		in.Close()
		killed(c)
		if err != nil {
			return "", err
		}
	}
	return duration(median(took)), nil
}

// orphansOf is the process group of an init's many children.
func orphansOf(pid, want int) (group int, err error) {
	for range 1000 {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
		if err != nil {
			return 0, err
		}
		children := strings.Fields(string(b))
		if len(children) > want {
			last, _ := strconv.Atoi(children[len(children)-1])
			return unix.Getpgid(last)
		}
		time.Sleep(time.Millisecond)
	}
	return 0, fmt.Errorf("the init has not got %d orphans", want)
}
