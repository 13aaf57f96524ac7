//go:build linux

package main

import (
	"context"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog"
	"github.com/sprog-dev/sprog/internal/sigwatch"
)

// A limit on time ends a program on a terminal. That its tree is stopped before it is killed is no
// Ctrl-Z, which sprog would follow: then nobody would go on with the end.
func TestTimeoutOnTerminal(t *testing.T) {
	const deaf = `trap "" TERM; echo ready; sleep 1000; sleep 1000`
	for _, flags := range append(inits(), "--no-init ", "--tty ", "--foreground ") {
		command := func(limit string) string {
			return "sprog run " + flags + "--timeout " + limit + " --kill-after 0.2 sh -c '" + deaf + "'"
		}
		t.Run(flags+"at the prompt", func(t *testing.T) {
			t.Parallel()
			// On a slow machine the program may not be deaf yet when its time is over.
			for _, limit := range []string{"0.3", "3", "20"} {
				s := startShell(t)
				s.typeKeys(command(limit) + "\n")
				s.expectPrompt()
				if !strings.Contains(s.text(), "ready\r\n") {
					continue
				}
				s.expectForeground()
				s.typeKeys("echo code=$? jobs=$(jobs | wc -l)\n")
				s.expect("code=137 jobs=0\r\n", 1)
				return
			}
			t.Error("the program never ran for long enough")
		})
		t.Run(flags+"in a script", func(t *testing.T) {
			t.Parallel()
			s := startSession(t, "sh", "-c", command("0.3")+" | cat; echo ended; read x; echo again $x")
			s.expect("ended\r\n", 1)
			s.typeKeys("typed\n")
			s.expect("again typed\r\n", 1)
		})
	}
}

// A signal that has come before the start, while sprog looked at the program's files, ends a start
// that hangs.
func TestInterruptBeforeStart(t *testing.T) {
	s := supervisor{watch: new(sigwatch.Watch), held: []sigwatch.Signal{{Signal: unix.SIGWINCH}, {Signal: unix.SIGINT}}}
	ctx, end := context.WithTimeout(context.Background(), time.Minute)
	defer end()
	err := s.awaitStart(func() error {
		<-ctx.Done()
		return &sprog.StartError{Err: ctx.Err()}
	}, end, 0)
	if err != exitCode(130) {
		t.Errorf("awaitStart() = %v; want the exit code 130", err)
	}
}

// Ctrl-C ends a start that hangs, too.
func TestInterruptedStart(t *testing.T) {
	fifo := filepath.Join(t.TempDir(), "fifo")
	if err := unix.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("FIFO", fifo)
	for _, flags := range []string{"", "--init ", "--tty "} {
		t.Run(flags, func(t *testing.T) {
			s := startShell(t)
			s.typeKeys("sh -c \"echo beg''un; exec sprog run " + flags + "--open 3=r:$FIFO true\"\n")
			s.expect("begun\r\n", 1)
			s.typeKeys(ctrlC)
			s.expectForeground()
			s.typeKeys("echo code=$?\n")
			s.expect("code=130\r\n", 1)
		})
	}
}
