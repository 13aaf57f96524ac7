//go:build linux

package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// starts are those that show is to see through.
var starts = []struct {
	name, flags string
	root        bool
}{
	{"plain", "", false},
	{"files", "--umask 077 --rlimit nofile=64:128 --rlimit core=0 --dir /usr", false},
	{"signals", "--ignore-signal HUP,RTMIN+2 --block-signal USR1 --setsid", false},
	{"scheduling", "--nice 5 --sched batch --cpus 0 --ionice idle --oom-score-adj 300 --no-thp --coredump-filter elf-headers", false},
	{"protections", "--no-new-privs --setpgid", false},
	{"a user namespace", "--unshare user,pid,mount,ipc,net --map-root", false},
	{"an init of its own", "--unshare user,pid --map-current --no-init", false},
	{"clocks", "--unshare user,time --map-root --monotonic=-1h --boottime 90m", false},
	{"another user", "--user 65534 --group 100 --groups 5,6 --umask 002", true},
	{"real and effective ids", "--ruid 65534 --euid 0 --rgid 7 --egid 8", true},
	{"capabilities", "--user 65534 --group 65534 --caps net_raw,chown", true},
	{"a bounding set", "--cap-drop sys_admin,net_raw", true},
	{"a few capabilities", "--bounding-set chown,kill", true},
	{"a real-time policy", "--sched fifo:3 --reset-on-fork --cpus 0", true},
	{"a root", "--chroot / --dir /usr/bin", true},
	{"ids of others", "--unshare user --map-user 0:100000:1000 --map-group 0:100000:1000 --setgroups allow --user 5 --group 6 --groups 7", true},
}

// The flags that show prints start a process of which show says the same.
func TestShowRoundTrip(t *testing.T) {
	for _, s := range starts {
		t.Run(s.name, func(t *testing.T) {
			needsForShow(t, s.root, s.flags)
			first := startShown(t, s.flags)
			flags, err := exec.Command("sprog", "show", strconv.Itoa(first), "--flags").Output()
			if err != nil {
				t.Fatal(err)
			}
			second := startShown(t, string(flags))
			if a, b := shownJSON(t, first), shownJSON(t, second); !reflect.DeepEqual(a, b) {
				t.Errorf("%s\nstarts another one than it is of:\n%s", flags, differences(a, b))
			}
		})
	}
}

// The flags for all that a process has say it of any caller's child: of one that has set nothing, and of
// one that has other limits, signals and groups.
func TestShowAllFlags(t *testing.T) {
	for _, s := range append(starts, struct {
		name, flags string
		root        bool
	}{"what only the process is told", "--securebits noroot,no-cap-ambient-raise --timer-slack 1ms --no-aslr --new-keyring", true}) {
		if strings.Contains(s.flags, "--ruid") || strings.Contains(s.flags, "--unshare") || strings.Contains(s.flags, "--chroot") || strings.Contains(s.flags, "--user 65534") {
			continue // which are not seen from inside, or who may not execute what a test has built; with two ids sprog refuses to run
		}
		t.Run(s.name, func(t *testing.T) {
			needsForShow(t, true, s.flags)
			flags, err := exec.Command("sh", "-c", "exec sprog run "+s.flags+" -- sprog show --flags").Output()
			if err != nil {
				t.Fatal(err)
			}
			ownJSON := func(run string) map[string]any {
				out, err := exec.Command("sh", "-c", run+" -- sprog show --json").Output()
				if err != nil {
					t.Fatalf("%s: %v", run, err)
				}
				return normalized(t, out)
			}
			want := ownJSON("exec sprog run " + s.flags)
			got := ownJSON("trap '' ALRM; umask 0; ulimit -S -n 4000; exec setpriv --groups 9 -- sprog run " + strings.TrimSpace(string(flags)))
			if !reflect.DeepEqual(got, want) {
				t.Errorf("%s\nstarts another one than it is of:\n%s", flags, differences(want, got))
			}
		})
	}
}

func needsForShow(t *testing.T, root bool, flags string) {
	t.Helper()
	if root && os.Geteuid() != 0 {
		t.Skip("needs root")
	}
	if strings.Contains(flags, "--unshare user") && exec.Command("unshare", "--user", "true").Run() != nil {
		t.Skip("needs user namespaces")
	}
	if out, err := exec.Command("sh", "-c", "sprog run "+flags+" -- true").CombinedOutput(); err != nil {
		if strings.Contains(flags, "--ambient") || strings.Contains(flags, "time") || strings.Contains(flags, "--oom") {
			t.Skipf("needs what the flags ask for: %s", out)
		}
		t.Fatalf("%s: %s", flags, out)
	}
}

// startShown starts a program by flags of a shell's line, and finds it by its arguments.
func startShown(t *testing.T, flags string) (pid int) {
	t.Helper()
	mark := fmt.Sprintf("1%d.%d", os.Getpid(), time.Now().UnixNano())
	c := exec.Command("sh", "-c", "eval \"exec sprog run $0 -- sleep "+mark+"\"", strings.TrimSpace(flags))
	c.Stderr = os.Stderr
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if pid == 0 || unix.Kill(pid, unix.SIGKILL) != nil { // which PID 1 of a namespace does not ignore
			c.Process.Kill()
		}
		c.Wait()
	})
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		files, _ := filepath.Glob("/proc/[0-9]*/cmdline")
		for _, file := range files {
			if text, _ := os.ReadFile(file); string(text) == "sleep\x00"+mark+"\x00" {
				pid, _ = strconv.Atoi(strings.Split(file, "/")[2])
				return pid
			}
		}
	}
	t.Fatalf("sprog run %s: no process", flags)
	return 0
}

func shownJSON(t *testing.T, pid int) map[string]any {
	t.Helper()
	out, err := exec.Command("sprog", "show", strconv.Itoa(pid), "--json").Output()
	if err != nil {
		t.Fatal(err)
	}
	return normalized(t, out)
}

// normalized is what show says without what two processes alike do not share.
func normalized(t *testing.T, text []byte) map[string]any {
	t.Helper()
	var p map[string]any
	if err := json.Unmarshal(text, &p); err != nil {
		t.Fatal(err)
	}
	pid, session := p["pid"], p["session"].(map[string]any)
	numbers := p["numbers"].([]any)
	if last := numbers[len(numbers)-1].(float64); len(numbers) > 1 && last <= 2 {
		p["numbers"] = last
	} else {
		delete(p, "numbers")
	}
	for _, key := range []string{"pid", "name", "args", "parent", "state", "threads", "session", "session_keyring"} {
		delete(p, key)
	}
	p["leads"] = fmt.Sprint(session["session"] == pid, session["process_group"] == pid)
	for _, n := range p["namespaces"].([]any) {
		delete(n.(map[string]any), "id")
	}
	delete(p["scheduling"].(map[string]any), "oom_score")
	return p
}

// differences are the keys of what differs.
func differences(a, b map[string]any) string {
	var list []string
	for key := range a {
		if !reflect.DeepEqual(a[key], b[key]) {
			list = append(list, fmt.Sprintf("%s: %v\n%s  %v", key, a[key], strings.Repeat(" ", len(key)), b[key]))
		}
	}
	return strings.Join(list, "\n")
}

// docs/show.schema.json describes what show prints, of sprog itself and of others: a process of
// everybody's, one without memory, and one that has ended.
func TestShowSchema(t *testing.T) {
	text, err := os.ReadFile("../../docs/show.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	var schema map[string]any
	if err := json.Unmarshal(text, &schema); err != nil {
		t.Fatal(err)
	}
	ended := exec.Command("true")
	if err := ended.Start(); err != nil {
		t.Fatal(err)
	}
	defer ended.Wait()
	unix.Waitid(unix.P_PID, ended.Process.Pid, nil, unix.WEXITED|unix.WNOWAIT, nil)
	pids := [][]string{nil, {"1"}, {strconv.Itoa(os.Getpid())}, {strconv.Itoa(ended.Process.Pid)}}
	if name, _ := os.ReadFile("/proc/2/comm"); string(name) == "kthreadd\n" {
		pids = append(pids, []string{"2"})
	}
	for _, pid := range pids {
		out, err := exec.Command("sprog", append([]string{"show", "--json"}, pid...)...).Output()
		if err != nil {
			t.Fatal(pid, err)
		}
		var p any
		if err := json.Unmarshal(out, &p); err != nil {
			t.Fatal(pid, err)
		}
		if wrong := violation(schema, p); wrong != "" {
			t.Errorf("show %v: %s", pid, wrong)
		}
		for key, reason := range p.(map[string]any)["unreadable"].(map[string]any) {
			if reason == "" || strings.Contains(reason.(string), "errno") {
				t.Errorf("show %v: %s: %q", pid, key, reason)
			}
		}
		table, err := exec.Command("sprog", append([]string{"show"}, pid...)...).CombinedOutput()
		if err != nil || strings.Contains(string(table), "unknown: \n") {
			t.Errorf("show %v: %v\n%s", pid, err, table)
		}
	}
}
