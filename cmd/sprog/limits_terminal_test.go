//go:build linux

package main

import (
	"testing"
)

// A limit on time ends a program on a terminal. That its tree is stopped before it is killed is no
// Ctrl-Z, which sprog would follow: then nobody would go on with the end.
func TestTimeoutOnTerminal(t *testing.T) {
	const deaf = `trap "" TERM; echo ready; sleep 1000; sleep 1000`
	for _, flags := range append(inits(), "--no-init ", "--tty ", "--foreground ") {
		command := "sprog run " + flags + "--timeout 0.3 --kill-after 0.2 sh -c '" + deaf + "'"
		t.Run(flags+"at the prompt", func(t *testing.T) {
			s := startSession(t, "bash", "--norc", "--noprofile", "-i")
			s.typeKeys(command + "\n")
			s.expect("ready\r\n", 1)
			s.expectForeground()
			s.typeKeys("echo code=$? jobs=$(jobs | wc -l)\n")
			s.expect("code=137 jobs=0\r\n", 1)
		})
		t.Run(flags+"in a script", func(t *testing.T) {
			s := startSession(t, "sh", "-c", command+" | cat; echo ended; read x; echo again $x")
			s.expect("ended\r\n", 1)
			s.typeKeys("typed\n")
			s.expect("again typed\r\n", 1)
		})
	}
}
