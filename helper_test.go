//go:build linux && (amd64 || arm64)

package sprog

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// The helper programs that many tests use.
var (
	_ = helper("true", func([]string) int { return 0 })

	// exit STATUS [TEXT]: print TEXT to standard error and exit.
	_ = helper("exit", func(args []string) int {
		status, _ := strconv.Atoi(args[0])
		fmt.Fprint(os.Stderr, strings.Join(args[1:], " "))
		return status
	})

	// die SIGNAL: die of a signal.
	_ = helper("die", func(args []string) int {
		sig, _ := strconv.Atoi(args[0])
		syscall.Kill(os.Getpid(), syscall.Signal(sig))
		return stay()
	})

	_ = helper("echo", func(args []string) int {
		fmt.Println(strings.Join(args, " "))
		return 0
	})

	// both OUT ERR...: print one word to standard output and one to standard
	// error in turn.
	_ = helper("both", func(args []string) int {
		for i, word := range args {
			fmt.Fprintln([]*os.File{os.Stdout, os.Stderr}[i%2], word)
		}
		return 0
	})

	_ = helper("cat", func([]string) int {
		if _, err := io.Copy(os.Stdout, os.Stdin); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		return 0
	})

	// flood N [STATUS]: print N bytes to standard error.
	_ = helper("flood", func(args []string) int {
		n, _ := strconv.Atoi(args[0])
		w := bufio.NewWriter(os.Stderr)
		for i := range n {
			w.WriteByte('a' + byte(i%26))
		}
		w.Flush()
		return 3
	})

	// yes: print until it is no longer possible.
	_ = helper("yes", func([]string) int {
		for {
			if _, err := os.Stdout.WriteString("y\n"); err != nil {
				return 1
			}
		}
	})

	_ = helper("env", func(args []string) int {
		for _, kv := range os.Environ() {
			if !strings.HasPrefix(kv, helperVar) {
				fmt.Println(kv)
			}
		}
		return 0
	})

	// argv: print the quoted arguments, the program's name included.
	_ = helper("argv", func(args []string) int {
		fmt.Printf("%q\n", os.Args)
		return 0
	})

	// fds: print each open descriptor and what it refers to. One that is
	// close-on-exec is not inherited but the helper's own.
	_ = helper("fds", func([]string) int {
		for fd := range 1024 {
			flags, _, errno := syscall.Syscall(syscall.SYS_FCNTL, uintptr(fd), syscall.F_GETFD, 0)
			if errno != 0 || flags&syscall.FD_CLOEXEC != 0 {
				continue
			}
			to, _ := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", fd))
			fmt.Println(fd, to)
		}
		return 0
	})

	// modes: print the descriptors among 0, 1, 2 that are non-blocking.
	_ = helper("modes", func([]string) int {
		for fd := range 3 {
			flags, _, _ := syscall.Syscall(syscall.SYS_FCNTL, uintptr(fd), syscall.F_GETFL, 0)
			if flags&syscall.O_NONBLOCK != 0 {
				fmt.Println(fd)
			}
		}
		return 0
	})

	// hang HOW: say "ready", then stay. HOW is "" to die of signals, "exit0"
	// to exit with success on SIGINT, "deaf" to ignore it.
	_ = helper("hang", func(args []string) int {
		ints := make(chan os.Signal, 1)
		switch args[0] {
		case "exit0":
			signal.Notify(ints, os.Interrupt)
		case "deaf":
			signal.Ignore(os.Interrupt)
		}
		fmt.Println("ready")
		select {
		case <-ints:
			return 0
		case <-time.After(20 * time.Minute):
			return 9
		}
	})

	// orphan: leave a process behind that holds standard output and error
	// open until it cannot write to them any more.
	_ = helper("orphan", func([]string) int {
		p, err := os.StartProcess(testBinary(), []string{"x", "pester"}, &os.ProcAttr{
			Files: []*os.File{nil, os.Stdout, os.Stderr},
		})
		if err != nil {
			return 1
		}
		p.Release()
		return 0
	})
	_ = helper("pester", func([]string) int {
		for range 6000 {
			if _, err := os.Stdout.WriteString("."); err != nil {
				return 1
			}
			time.Sleep(10 * time.Millisecond)
		}
		return 0
	})
)

// stay waits until the process is killed. A program without cgo that waits for
// nothing at all ends instead: the runtime takes it for a deadlock.
func stay() int {
	for {
		time.Sleep(time.Hour)
	}
}
