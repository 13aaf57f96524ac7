package examples

import (
	"bufio"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// Hundreds of children take no thread each, and all of them end, also those
// that do not want to.
func TestSupervisor(t *testing.T) {
	const n = 300
	mark := mark()
	cmd := exec.Command(filepath.Join(bin, "supervisor"), "-n", fmt.Sprint(n), "-grace", "200ms",
		"sh", "-c", "trap '' TERM; exec sleep "+mark)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	threads, last, told := 0, "", false
	for lines := bufio.NewScanner(out); lines.Scan(); {
		last = lines.Text()
		if rest, ok := strings.CutPrefix(strings.TrimSpace(last[strings.Index(last, ":")+1:]), fmt.Sprint(n, " running, 0 restarts; ")); ok && !told {
			fmt.Sscan(rest, &threads)
			told = true
			cmd.Process.Signal(syscall.SIGTERM)
		}
	}
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
	if threads == 0 || threads > 100 {
		t.Errorf("%d threads for %d children; want some tens", threads, n)
	}
	if want := fmt.Sprintf("; %d starts, 0 of them restarts; 0 failed", n); !strings.HasSuffix(last, want) {
		t.Errorf("it ended with %q; want %q", last, want)
	}
	if pids := left(t, mark); pids != nil {
		t.Errorf("still there: %v", pids)
	}
}

func TestSupervisorRestarts(t *testing.T) {
	stdout, stderr, code := example(t, "supervisor", "-n", "3", "-for", "500ms", "-backoff", "10ms", "false")
	var seconds float64
	var starts, restarts, failed int
	last := stdout[max(0, strings.Index(stdout, "stopped")):]
	fmt.Sscanf(last, "stopped in %f s; %d starts, %d of them restarts; %d failed", &seconds, &starts, &restarts, &failed)
	if code != 0 || restarts < 3 || failed != 0 {
		t.Errorf("exit code %d, %q, %q; want several restarts", code, last, stderr)
	}
	_, stderr, _ = example(t, "supervisor", "-n", "3", "-for", "300ms", "/no/such/program")
	if strings.Count(stderr, "/no does not exist") != 1 {
		t.Errorf("it said %q; want one line that says why", stderr)
	}
}
