package sprog

import (
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"syscall"
	"testing"

	_ "github.com/sprog-dev/sprog/internal/verified"
)

// helperVar tells the test binary to play a helper program. TestMain sets it,
// so that every child that inherits the environment does; helperEnv is it for
// children that do not.
const (
	helperVar = "SPROG_TEST_HELPER"
	helperEnv = helperVar + "=1"
)

// helpers are the programs that the test binary can play, by name. Each gets
// the arguments after its name and returns its exit status.
var helpers = map[string]func(args []string) int{}

// helper registers a helper program. It is called by package variables:
//
//	var _ = helper("true", func([]string) int { return 0 })
func helper(name string, run func(args []string) int) struct{} {
	if _, ok := helpers[name]; ok {
		panic("two helper programs are called " + name)
	}
	helpers[name] = run
	return struct{}{}
}

// helperCommand is a command that runs a helper program.
func helperCommand(name string, args ...string) *Cmd {
	if helpers[name] == nil {
		panic("no helper program is called " + name)
	}
	return Command(testBinary(), append([]string{name}, args...)...)
}

// testBinary is the path of the running test.
func testBinary() string {
	path, err := os.Executable()
	if err != nil {
		panic(err)
	}
	return path
}

func TestMain(m *testing.M) {
	if os.Getenv(helperVar) != "" {
		code := runHelper(os.Args[1:])
		if testing.CoverMode() != "" {
			// os.Exit would write a coverage report, which takes descriptors, files
			// and rights that a helper may be without.
			syscall.Exit(code)
		}
		os.Exit(code)
	}
	if code, done := runInShares(); done {
		os.Exit(code)
	}
	haveOwnMounts()
	os.Setenv(helperVar, "1")
	// A program built with -race waits for a second before it exits.
	os.Setenv("GORACE", strings.TrimSpace(os.Getenv("GORACE")+" atexit_sleep_ms=0"))
	heedSignals()
	before := snapshot()
	code := runTests(m)
	if leaks := before.leaks(); code == 0 && len(leaks) > 0 {
		fmt.Fprintf(os.Stderr, "left behind by the tests:\n\t%s\n", strings.Join(leaks, "\n\t"))
		code = 1
	}
	os.Exit(code)
}

// onMainThread are functions for the process's first thread to run.
var onMainThread = make(chan func())

// main is called on the process's first thread and, by default, goes on on whichever has time. A test that
// was then run by the first one would see an Exec do without its image.
func init() {
	if os.Getenv(helperVar) == "" {
		runtime.LockOSThread()
	}
}

// runTests runs the tests. The process's first thread is for what they send to
// onMainThread.
func runTests(m *testing.M) int {
	done := make(chan int)
	go func() { done <- m.Run() }()
	for {
		select {
		case f := <-onMainThread:
			f()
		case code := <-done:
			return code
		}
	}
}

// heedSignals has children get the default action for signals that a caller
// like nohup(1) has this process ignore: a shell cannot trap what is ignored
// when it starts.
func heedSignals() {
	for _, sig := range []os.Signal{syscall.SIGHUP, syscall.SIGINT} {
		if signal.Ignored(sig) {
			signal.Notify(make(chan os.Signal, 1), sig)
		}
	}
}

func runHelper(args []string) int {
	if len(args) == 0 || helpers[args[0]] == nil {
		fmt.Fprintf(os.Stderr, "no helper program for %q\n", args)
		return 2
	}
	return helpers[args[0]](args[1:])
}
