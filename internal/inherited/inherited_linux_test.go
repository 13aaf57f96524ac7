//go:build amd64 || arm64

package inherited_test

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog"
	"github.com/sprog-dev/sprog/internal/inherited"
)

const childVar = "INHERITED_CHILD"

func TestMain(m *testing.M) {
	if os.Getenv(childVar) != "" {
		ignored, blocked := inherited.Signals()
		fmt.Printf("%#x %#x\n", ignored, blocked)
		return
	}
	os.Exit(m.Run())
}

// The runtime has noted what a process was started with.
func TestSignalsOfTheCaller(t *testing.T) {
	if !inherited.Known {
		t.Fatalf("%s is newer than the runtimes that this package has been tried with: see whether they still have fwdSig and initSigmask, "+
			"and raise the version in its build constraints", runtime.Version())
	}
	none, ignored := []syscall.Signal{}, []syscall.Signal{unix.SIGHUP, unix.SIGPIPE, unix.SIGQUIT, unix.SIGTERM, unix.SIGUSR1, unix.SIGCHLD, 64}
	blocked := []syscall.Signal{unix.SIGTERM, unix.SIGUSR2, unix.SIGSEGV, 63}
	for _, test := range []struct {
		name             string
		ignored, blocked []syscall.Signal
	}{{"none", none, none}, {"ignored", ignored, none}, {"blocked", none, blocked}, {"both", ignored, blocked}} {
		t.Run(test.name, func(t *testing.T) {
			want := fmt.Sprintf("%#x %#x", set(test.ignored), set(test.blocked))
			if got := askChild(t, test.ignored, test.blocked); got != want {
				t.Errorf("the child was started with %s; want %s", got, want)
			}
		})
	}
}

// askChild starts this program with signals ignored and blocked.
func askChild(t *testing.T, ignored, blocked []syscall.Signal) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := sprog.Command(self)
	c.Env = append(os.Environ(), childVar+"=1", "GORACE=atexit_sleep_ms=0")
	c.Attr = &sprog.Attr{Signals: &sprog.Signals{AllDefault: true, Ignore: ignored, Mask: blocked}}
	out, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return strings.TrimSpace(string(out))
}

func set(signals []syscall.Signal) (set uint64) {
	for _, sig := range signals {
		set |= 1 << (sig - 1)
	}
	return set
}
