//go:build linux

package show

import (
	"bytes"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/ownproc"
)

// A number that another process has got meanwhile is not taken for the first one's.
func TestNumberReused(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root, to choose the number of a process")
	}
	first := exec.Command("sleep", "1000")
	if err := first.Start(); err != nil {
		t.Fatal(err)
	}
	pid := first.Process.Pid
	dir, err := unix.Open("/proc/"+strconv.Itoa(pid), unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(dir)
	proc, err := ownproc.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer proc.Close()
	own, err := readFrom(proc, os.Getpid(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if p, err := look(dir, pid, own); err != nil || p.Name != "sleep" {
		t.Fatalf("look = %v, %v; want the sleep", p, err)
	}
	first.Process.Kill()
	first.Wait()
	for range 1000 {
		if err := os.WriteFile("/proc/sys/kernel/ns_last_pid", []byte(strconv.Itoa(pid-1)), 0); err != nil {
			t.Skip("needs /proc/sys/kernel/ns_last_pid: ", err)
		}
		second := exec.Command("sleep", "1000")
		if err := second.Start(); err != nil {
			t.Fatal(err)
		}
		got := second.Process.Pid
		if got == pid {
			if p, err := look(dir, pid, own); err == nil {
				t.Errorf("look = %q, no error; want one: the process has ended", p.Args)
			}
			if p, _, err := Read(pid); err != nil || p.Name != "sleep" {
				t.Errorf("Read(%d) = %v, %v; want the second one", pid, p, err)
			}
		}
		second.Process.Kill()
		second.Wait()
		if got == pid {
			return
		}
	}
	t.Fatal("no process has got the number again")
}

// Whatever a process is called, no terminal obeys it.
func TestQuote(t *testing.T) {
	for text, want := range map[string]string{
		"/usr/bin": "/usr/bin", "": `""`, "a\x1b[2J": `"a\x1b[2J"`, "\u202e": `"\u202e"`, "\x9b": `"\x9b"`, "\u009b": `"\u009b"`, "ä ö": "ä ö",
	} {
		if got := Quote(text); got != want {
			t.Errorf("Quote(%q) = %s; want %s", text, got, want)
		}
	}
	for _, text := range []string{"", "a b", "it's", "$HOME", "a;b", "~", "*", "ä"} {
		out, err := exec.Command("sh", "-c", "printf %s "+ShellWord(text)).Output()
		if err != nil || !bytes.Equal(out, []byte(text)) {
			t.Errorf("a shell reads %s as %q, %v; want %q", ShellWord(text), out, err, text)
		}
	}
}

// Terminals are numbered as in proc_pid_stat(5).
func TestTerminal(t *testing.T) {
	for device, want := range map[uint64]string{
		0: "", 136<<8 | 3: "/dev/pts/3", 136<<8 | 0x34 | 0x12<<20: "/dev/pts/4660", 4<<8 | 1: "/dev/tty1", 4<<8 | 64: "/dev/ttyS0", 5<<8 | 1: "device 5:1",
	} {
		if got := terminal(device); got != want {
			t.Errorf("terminal(%#x) = %q; want %q", device, got, want)
		}
	}
}

// Capabilities are written the short way.
func TestCapSet(t *testing.T) {
	all := allCaps()
	if all.text() != "all" || CapSet(0).text() != "" || !strings.HasPrefix((all&^1).text(), "all but chown") {
		t.Errorf("all is %q, none %q, all but one %q", all.text(), CapSet(0).text(), (all &^ 1).text())
	}
	for _, c := range []struct {
		has, plain CapSet
		want       string
	}{{all &^ 1, all, "-chown"}, {1, all, "chown"}, {3, 1, "chown,dac_override"}, {0, 1, ""}} {
		if got := c.has.since(c.plain, false); got != c.want {
			t.Errorf("%b since %b = %q; want %q", c.has, c.plain, got, c.want)
		}
	}
}
