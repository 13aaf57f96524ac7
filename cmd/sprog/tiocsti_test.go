//go:build linux

package main

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// A program that runs as another user, or is confined, cannot have the shell that waits on its
// terminal read what it likes. Where a flag or the same user allows it, it can: this
// is what the attack looks like.
func TestNoInputFromAnotherUser(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root")
	}
	if _, err := exec.LookPath("perl"); err != nil {
		t.Skip(err)
	}
	if !kernelTakesInput() {
		t.Skip("the kernel refuses TIOCSTI (dev.tty.legacy_tiocsti)")
	}
	const push = `perl -e 'for (split //, "echo pushed=\$((6*7))\n") { ioctl(STDIN, 0x5412, $_) or die "refused: $!\n" } print "done\n"'`
	for _, test := range []struct {
		flags, shows string
	}{
		{"--user nobody", "refused: Operation not permitted"},
		{"--user nobody --no-new-privs", "refused: Operation not permitted"},
		{"--user nobody --init", "refused: Operation not permitted"},
		{"--ruid nobody --euid nobody", "refused: Operation not permitted"},
		{"--user nobody --allow-tiocsti", "pushed=42"},
		{"--unshare uts", "refused: Operation not permitted"},
		{"--unshare user,pid,mount --map-root", "refused: Operation not permitted"},
		{"--join mount=/proc/self/ns/mnt", "refused: Operation not permitted"},
		{"--chroot /", "refused: Operation not permitted"},
		{"--cap-drop all", "refused: Operation not permitted"},
		{"--deny-syscall ptrace", "refused: Operation not permitted"},
		{"--unshare uts --allow-tiocsti", "pushed=42"},
		{"--umask 022", "pushed=42"},
	} {
		for _, how := range []string{"run", "exec"} {
			if how == "exec" && (strings.Contains(test.flags, "--init") || strings.Contains(test.flags, "pid")) {
				continue
			}
			s := startSession(t, "sh", "-i")
			s.expectPrompt()
			s.typeKeys("sprog " + how + " " + test.flags + " " + push + "\n")
			s.expect(test.shows, 1)
		}
	}
}
