package sprog

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
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

// ownMountsVar tells a process that it is in a mount namespace of the tests'.
const ownMountsVar = helperVar + "_OWN_MOUNTS"

// haveOwnMounts is for tests that look whether a start changes the mounts of
// its parent: what others mount on this machine must not show. It executes
// this process again in a mount namespace of its own, where the mounts
// propagate to nobody else. Without the right to, it leaves the process as it is:
// starts have no right to change its mounts either.
func haveOwnMounts() {
	if os.Getenv(ownMountsVar) != "" {
		return
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if unix.Unshare(unix.CLONE_NEWNS) != nil {
		return
	}
	for _, propagation := range []uintptr{unix.MS_PRIVATE, unix.MS_SHARED} { // in groups of their own
		if err := unix.Mount("", "/", "", unix.MS_REC|propagation, ""); err != nil {
			fmt.Fprintln(os.Stderr, "a mount namespace for the tests:", err)
			os.Exit(1)
		}
	}
	os.Setenv(ownMountsVar, "1")
	fmt.Fprintln(os.Stderr, syscall.Exec(testBinary(), os.Args, os.Environ()))
	os.Exit(1)
}

// ownMounts are the mounts of this process, where others do not change them.
func ownMounts() string {
	if os.Getenv(ownMountsVar) == "" {
		return ""
	}
	b, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		panic(err)
	}
	return string(b)
}

// sharesVar tells a process that it runs one share of the tests.
const sharesVar = helperVar + "_SHARE"

// A plain run of all tests spreads them over several processes: most tests wait, and few of
// them can share a process with others, whose children, descriptors and settings they would meet. Whoever
// watches (-v, -json), selects or measures gets all tests in one process, one after the other.
func runInShares() (code int, done bool) {
	inShare := os.Getenv(sharesVar) != ""
	os.Unsetenv(sharesVar)
	flag.Parse()
	var args []string
	var log string
	plain := !inShare && testing.CoverMode() == ""
	flag.Visit(func(f *flag.Flag) {
		switch f.Name {
		case "test.short", "test.timeout", "test.paniconexit0", "test.count":
			args = append(args, "-"+f.Name+"="+f.Value.String())
		case "test.testlogfile":
			log = f.Value.String()
		default:
			plain = false
		}
	})
	if !plain || flag.NArg() > 0 {
		return 0, false
	}
	runtime.LockOSThread() // which the death signals of the shares belong to
	dir, err := os.MkdirTemp("", "sprog-shares")
	if err == nil {
		defer os.RemoveAll(dir)
		err = runShares(args, dir, log)
	}
	if err != nil {
		fmt.Printf("%v\nFAIL\n", err)
		return 1, true
	}
	fmt.Println("PASS")
	return 0, true
}

// runShares runs twice as many shares at once as there are CPUs, and twice as many of those in all, since
// some take longer. log is for what the go command goes by when it has a result cached.
func runShares(args []string, dir, log string) error {
	out, err := exec.Command(testBinary(), "-test.list=.").Output()
	if err != nil {
		return err
	}
	names := strings.Fields(string(out))
	atOnce := 2 * runtime.GOMAXPROCS(0)
	errs, logs := make([]error, 2*atOnce), make([]string, 2*atOnce)
	places := make(chan struct{}, atOnce)
	var all sync.WaitGroup
	for i := range errs {
		logs[i] = filepath.Join(dir, fmt.Sprint(i))
		all.Go(func() {
			places <- struct{}{}
			defer func() { <-places }()
			errs[i] = runShare(append(slices.Clone(args), "-test.testlogfile="+logs[i]), othersThan(names, i, len(errs)))
		})
	}
	all.Wait()
	if i := slices.IndexFunc(errs, func(err error) bool { return err != nil }); i >= 0 {
		return errs[i]
	}
	return mergeLogs(log, logs)
}

// othersThan is a pattern for the tests that are not in a share.
func othersThan(names []string, share, shares int) string {
	var others []string
	for i, name := range names {
		if i%shares != share {
			others = append(others, regexp.QuoteMeta(name))
		}
	}
	return "^(" + strings.Join(others, "|") + ")$"
}

// runShare prints what a share says if it fails.
func runShare(args []string, skip string) error {
	c := exec.Command(testBinary(), append(args, "-test.skip="+skip)...)
	c.Env = append(os.Environ(), sharesVar+"=1")
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	out, err := c.CombinedOutput()
	if err != nil {
		os.Stdout.Write(bytes.TrimSuffix(out, []byte("FAIL\n")))
	}
	return err
}

// mergeLogs makes one of the logs that package testing has written.
func mergeLogs(to string, logs []string) error {
	if to == "" {
		return nil
	}
	var merged bytes.Buffer
	for i, log := range logs {
		text, err := os.ReadFile(log)
		if err != nil {
			return err
		}
		if i > 0 {
			_, text, _ = bytes.Cut(text, []byte("\n")) // its first line says what it is
		}
		merged.Write(text)
	}
	return os.WriteFile(to, merged.Bytes(), 0o666)
}
