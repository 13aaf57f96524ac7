package sprog

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// A resources value is what this process holds: descriptors and children.
type resources struct {
	fds      map[string]string // number to what it refers to
	children map[string]string // process id to state and name
}

func snapshot() resources {
	primePoller()
	r := resources{fds: map[string]string{}, children: map[string]string{}}
	dir, err := os.Open("/proc/self/fd")
	if err != nil {
		panic(err)
	}
	names, _ := dir.Readdirnames(-1)
	dir.Close()
	for _, name := range names {
		if to, err := os.Readlink("/proc/self/fd/" + name); err == nil {
			r.fds[name] = to
		}
	}
	lists, _ := filepath.Glob("/proc/self/task/*/children")
	for _, list := range lists {
		pids, _ := os.ReadFile(list)
		for _, pid := range strings.Fields(string(pids)) {
			r.children[pid] = status(pid)
		}
	}
	return r
}

// primePoller makes the Go runtime open the descriptors of its network poller.
func primePoller() {
	r, w, err := os.Pipe()
	if err != nil {
		panic(err)
	}
	r.Close()
	w.Close()
}

// status describes a process: its number, state and name.
func status(pid string) string {
	stat, err := os.ReadFile("/proc/" + pid + "/stat")
	if err != nil {
		return "process " + pid
	}
	return "process " + strings.Join(strings.Fields(string(stat))[:3], " ")
}

// leaks lists what this process holds now and did not hold then. It gives what
// is just ending a moment to do so.
func (r resources) leaks() (leaks []string) {
	for range 100 {
		leaks = leaks[:0]
		now := snapshot()
		for fd, to := range now.fds {
			if r.fds[fd] != to {
				leaks = append(leaks, fmt.Sprintf("descriptor %s: %s", fd, to))
			}
		}
		for pid, what := range now.children {
			if _, ok := r.children[pid]; !ok {
				leaks = append(leaks, what)
			}
		}
		if len(leaks) == 0 {
			return nil
		}
		time.Sleep(20 * time.Millisecond)
	}
	return leaks
}
