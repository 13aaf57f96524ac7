package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/sprog-dev/sprog"
)

// herders start the pausing program for measureWaiting, and return how to end
// it and how to wait for it.
var herders = map[string]func(path string) (kill, wait func() error, err error){
	bySprog: func(path string) (kill, wait func() error, err error) {
		c := sprog.Command(path)
		if err := c.Start(); err != nil {
			return nil, nil, err
		}
		return c.Process.Kill, c.Wait, nil
	},
	byExec: func(path string) (kill, wait func() error, err error) {
		c := exec.Command(path)
		if err := c.Start(); err != nil {
			return nil, nil, err
		}
		return c.Process.Kill, c.Wait, nil
	},
}

// measureWaiting lets a process start children, each with a goroutine that
// waits for it, and looks at that process. It is a process of its own each
// time, since it may die of it.
func measureWaiting(b *bench, s *section) error {
	sizes := []float64{10, 100, 1000, 5000, 9000, 12000, 19000}
	if b.quick {
		sizes = []float64{100, 1000, 12000}
	}
	most, why := childLimit()
	if sizes[len(sizes)-1] > most {
		sizes = upTo(sizes, most)
		s.Notes = append(s.Notes, fmt.Sprintf("No more than %s children here: %s.", count(most), why))
	}
	if len(sizes) == 0 {
		return errSkip("there is no room for children: " + why)
	}
	s.Table.Head = []string{"", "children", "threads", "resident", "started in", "ended in", ""}
	for _, n := range sizes {
		for _, name := range []string{bySprog, byExec} {
			if herders[name] == nil || s.died(name) {
				continue
			}
			h, err := runHerd(name, b.progs.Pause, int(n))
			if err != nil {
				return err
			}
			s.Herds = append(s.Herds, h)
			s.Table.add(name, count(n), count(float64(h.Threads)), size(float64(h.Resident)),
				since(h.Started), since(h.Reaped), h.Fatal)
		}
	}
	s.Notes = append(s.Notes, "Every child sleeps, and has a goroutine that waits for it. "+
		"Resident is the parent's own memory, without the kernel's stacks for its threads.")
	for _, h := range s.Herds {
		if h.Contender == bySprog {
			what := "threads with " + count(float64(h.Children)) + " children"
			s.Aims = []aim{{What: what, Most: 50, Got: float64(h.Threads)}}
		}
	}
	s.charts = []chart{waitingChart(s.Herds)}
	return nil
}

// since is empty for what a herd did not live to see.
func since(d time.Duration) string {
	if d == 0 {
		return ""
	}
	return duration(float64(d))
}

func (s *section) died(name string) bool {
	for _, h := range s.Herds {
		if h.Contender == name && h.Fatal != "" {
			return true
		}
	}
	return false
}

// waitingChart has children and threads on logarithmic axes.
func waitingChart(herds []herd) chart {
	c := &lineChart{
		File: "waiting", Title: "Waiting for many children at once",
		Subtitle: "threads of the parent, which has one goroutine waiting for each child; less is better",
		XLabel:   "children, logarithmic", YLabel: "threads, logarithmic", LogY: true, Format: count,
	}
	for _, name := range []string{bySprog, byExec} {
		line := series{Name: name, Contender: name}
		for _, h := range herds {
			if h.Contender != name {
				continue
			}
			at := math.Log10(float64(h.Children))
			line.Points = append(line.Points, point{at, float64(h.Threads)})
			line.Fate = ""
			if h.Fatal != "" {
				line.Fate = "dies: " + h.Fatal
			}
			if n := len(c.XTicks); n == 0 || c.XTicks[n-1].At < at {
				c.XTicks = append(c.XTicks, tick{at, count(float64(h.Children))})
			}
		}
		if line.Points != nil {
			c.Series = append(c.Series, line)
		}
	}
	return c
}

// herdGroup is the process group of the herd that runs now, or 0.
var herdGroup atomic.Int64

// killHerd ends the herd with all its children.
func killHerd() {
	if group := herdGroup.Swap(0); group > 0 {
		syscall.Kill(-int(group), syscall.SIGKILL)
	}
}

// runHerd has a herd report until it is done or dead. If it dies, what it
// last reported is how far it came.
func runHerd(contender, path string, n int) (herd, error) {
	h := herd{Contender: contender}
	cmd, err := self("herd", contender, path, strconv.Itoa(n))
	if err != nil {
		return h, err
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	fatal := &fatalText{}
	cmd.Stderr = fatal
	out, err := cmd.StdoutPipe()
	if err != nil {
		return h, err
	}
	if err := cmd.Start(); err != nil {
		return h, err
	}
	herdGroup.Store(int64(cmd.Process.Pid))
	dec := json.NewDecoder(out)
	for err == nil {
		err = dec.Decode(&h)
	}
	io.Copy(io.Discard, out)
	// The group outlives a leader that has died, and its number stays taken
	// until the leader has been waited for.
	killHerd()
	if err := cmd.Wait(); err != nil && h.Reaped == 0 {
		if h.Fatal = fatal.String(); h.Fatal == "" {
			return h, fmt.Errorf("%s with %d children: %w", contender, n, err)
		}
	}
	return h, nil
}

// herdMain is the herd's side: it reports as it grows, and once more when all
// children have been started, and when they have ended.
func herdMain(args []string) error {
	start, path := herders[args[0]], args[1]
	n, err := strconv.Atoi(args[2])
	if err != nil {
		return err
	}
	var (
		enc   = json.NewEncoder(os.Stdout)
		h     = herd{Contender: args[0]}
		kills []func() error
		wg    sync.WaitGroup
		began = time.Now()
	)
	for range n {
		kill, wait, err := start(path)
		if err != nil {
			return fmt.Errorf("child %d: %w", len(kills), err)
		}
		kills = append(kills, kill)
		wg.Go(func() { wait() })
		if len(kills)%100 == 0 {
			h.look(len(kills))
			enc.Encode(h)
		}
	}
	h.Started = time.Since(began)
	time.Sleep(300 * time.Millisecond) // let every goroutine come to its wait
	h.look(n)
	began = time.Now()
	for _, kill := range kills {
		if err := kill(); err != nil {
			return fmt.Errorf("kill: %w", err)
		}
	}
	wg.Wait()
	h.Reaped = time.Since(began)
	return enc.Encode(h)
}

func (h *herd) look(children int) {
	h.Children = children
	h.Threads = procKiB("/proc/self/status", "Threads")
	h.Resident = procKiB("/proc/self/status", "VmRSS") * 1024
}

// fatalText keeps the reason out of the Go runtime's last words, which may
// be followed by thousands of stacks.
type fatalText struct{ head []byte }

func (f *fatalText) Write(p []byte) (int, error) {
	if room := 4096 - len(f.head); room > 0 {
		f.head = append(f.head, p[:min(room, len(p))]...)
	}
	return len(p), nil
}

func (f *fatalText) String() string {
	lines := bufio.NewScanner(strings.NewReader(string(f.head)))
	for lines.Scan() {
		if text, ok := strings.CutPrefix(lines.Text(), "fatal error: "); ok {
			return text
		}
	}
	return ""
}

// childLimit is how many children a process can have here, and what limits it.
func childLimit() (most float64, why string) {
	most, why = 30000, "more are not tried"
	lower := func(n float64, reason string, limit float64) {
		if n < most {
			most, why = max(n, 0), fmt.Sprintf("%s is %.0f", reason, limit)
		}
	}
	files := float64(openFileLimit()) // a pidfd for each child, and some more
	lower(files-500, "RLIMIT_NOFILE", files)
	for _, l := range []struct {
		name, path string
		usable     float64 // by the children; not by the rest of the system, or by threads
	}{
		{"pid_max", "/proc/sys/kernel/pid_max", 0.8},
		{"threads-max", "/proc/sys/kernel/threads-max", 0.5},
		{"the cgroup's pids.max", "/sys/fs/cgroup" + ownCgroup() + "/pids.max", 0.8},
	} {
		if n, err := strconv.ParseFloat(firstLine(l.path), 64); err == nil {
			lower(n*l.usable, l.name, n)
		}
	}
	return most, why
}

// ownCgroup is the path of this process in the cgroup v2 tree.
func ownCgroup() string {
	data, _ := os.ReadFile("/proc/self/cgroup")
	for line := range strings.Lines(string(data)) {
		if path, ok := strings.CutPrefix(strings.TrimSpace(line), "0::"); ok {
			return path
		}
	}
	return ""
}
