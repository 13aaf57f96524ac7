package examples

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestCI(t *testing.T) {
	needs(t, "child-subreaper")
	dir, mark := t.TempDir(), mark()
	steps := write(t, filepath.Join(dir, "steps"), `
# comment
first   1m     echo one; echo two >&2; (setsid sleep `+mark+` &)
second  300ms  echo three; (setsid sleep `+mark+` &); trap '' TERM; sleep `+mark+`; sleep `+mark+`
third   1m     echo never
`)
	record := filepath.Join(dir, "record")
	stdout, stderr, code := example(t, "ci", "-record", record, "-grace", "100ms", steps)
	if code != 1 || !strings.Contains(stderr, "second has failed") {
		t.Errorf("exit code %d, %q; want 1, second has failed", code, stderr)
	}
	for _, want := range []string{"\none\ntwo\n", "\nthree\n", "first        ok ", "second       timeout ", "third        not run"} {
		if !strings.Contains(stdout, want) {
			t.Errorf("it printed %q; want %q in it", stdout, want)
		}
	}
	if strings.Contains(stdout, "\nnever") {
		t.Error("a step was run after one that had failed")
	}
	if pids := left(t, mark); pids != nil {
		t.Errorf("still there: %v", pids)
	}

	text, _ := os.ReadFile(record)
	var got []string
	for line := range strings.Lines(string(text)) {
		var r struct {
			Step   string
			Result struct {
				Cause  string
				Stdout struct{ Head string }
			}
		}
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatal(err)
		}
		got = append(got, r.Step+" "+r.Result.Cause+" "+r.Result.Stdout.Head)
	}
	if want := "first program one\ntwo\n second timeout three\n"; strings.Join(got, " ") != want {
		t.Errorf("the record has %q; want %q", got, want)
	}
}

// After Ctrl-C the step has time to clean up, and nothing is left.
func TestCIInterrupted(t *testing.T) {
	needs(t, "child-subreaper")
	mark := mark()
	steps := write(t, filepath.Join(t.TempDir(), "steps"),
		"only 1m (setsid sleep "+mark+" &); trap 'echo cleaned; exit 1' TERM; sleep "+mark+" & echo ready; wait\n")
	cmd := exec.Command(filepath.Join(bin, "ci"), steps)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var all bytes.Buffer
	for lines := bufio.NewScanner(out); lines.Scan(); all.WriteString(lines.Text() + "\n") {
		if lines.Text() == "ready" {
			cmd.Process.Signal(syscall.SIGINT)
		}
	}
	if err := cmd.Wait(); err == nil || !strings.Contains(all.String(), "\ncleaned\n") || !strings.Contains(all.String(), "canceled") {
		t.Errorf("%v after %q; want an error after \"cleaned\" and \"canceled\"", err, all.String())
	}
	if pids := left(t, mark); pids != nil {
		t.Errorf("still there: %v", pids)
	}
}

func TestCIBadFile(t *testing.T) {
	steps := write(t, filepath.Join(t.TempDir(), "steps"), "one 1m true\ntwo 1x true\n")
	stdout, stderr, code := example(t, "ci", steps)
	if code != 1 || stdout != "" || !strings.Contains(stderr, "steps:2: time:") {
		t.Errorf("exit code %d, %q, %q; want 1 and the line that is wrong", code, stdout, stderr)
	}
}
