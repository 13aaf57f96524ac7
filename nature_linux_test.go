//go:build amd64 || arm64

package sprog

import (
	"bufio"
	"context"
	"io"
	"os"
	"strings"
	"syscall"
	"testing"
)

// The end of a command that leads a process group begins with a signal to the
// whole group, whatever has become of the field that asked for the group.
func TestEndingOfAGroup(t *testing.T) {
	const family = `sh -c 'trap "echo the child too; exit" TERM; echo ready; for i in $(seq 100); do sleep 0.05; done' & trap 'wait; exit 3' TERM; wait; wait`
	for _, test := range []struct {
		name  string
		needs []*requirement
		start func(t *testing.T, c *Cmd) io.Reader
	}{
		{"terminal", []*requirement{terminals}, func(t *testing.T, c *Cmd) io.Reader {
			master, err := c.StartPTY(WindowSize{})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { master.Close() })
			return master
		}},
		{"changed field", nil, func(t *testing.T, c *Cmd) io.Reader {
			c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
			r := startWithOutput(t, c)
			c.SysProcAttr = nil
			return r
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			requires(t, append(test.needs, linux(6, 9))...) // PIDFD_SIGNAL_PROCESS_GROUP
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			c := CommandContext(ctx, "/bin/sh", "-c", family)
			c.Ending = &Ending{Grace: never}
			out := bufio.NewReader(test.start(t, c))
			if line, err := out.ReadString('\n'); err != nil {
				t.Fatalf("the program said %q, %v", line, err)
			}
			cancel()
			rest, _ := io.ReadAll(out)
			if c.Wait(); !strings.Contains(string(rest), "the child too") {
				t.Errorf("the program said %q at its end; want it from its child, too", rest)
			}
		})
	}
}

// startWithOutput starts a command whose output can be read.
func startWithOutput(t *testing.T, c *Cmd) io.Reader {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	c.Stdout = w
	err = c.Start()
	w.Close()
	if err != nil {
		t.Fatal(err)
	}
	return r
}
