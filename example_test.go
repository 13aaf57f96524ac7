//go:build linux && (amd64 || arm64)

package sprog_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/sprog-dev/sprog"
)

func ExampleCommand() {
	cmd := sprog.Command("tr", "a-z", "A-Z")
	cmd.Stdin = strings.NewReader("some input")
	out, err := cmd.Output()
	fmt.Printf("%s, %v\n", out, err)
	// Output: SOME INPUT, <nil>
}

func ExampleCommand_environment() {
	cmd := sprog.Command("sh", "-c", "echo $COLOR $SIZE")
	cmd.Env = append(cmd.Environ(),
		"COLOR=red",
		"COLOR=blue", // the last one counts
		"SIZE=3",
	)
	cmd.Stdout = os.Stdout
	fmt.Println(cmd.Run())
	// Output:
	// blue 3
	// <nil>
}

func ExampleCommandContext() {
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	cmd := sprog.CommandContext(ctx, "sleep", "60")
	fmt.Println(cmd.Run())
	// Output: signal: killed
}

// The program is asked to end, and killed if it has not done so after a second.
func ExampleCmd_cancel() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	cmd := sprog.CommandContext(ctx, "sleep", "60")
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = time.Second
	if err := cmd.Start(); err != nil {
		fmt.Println(err)
		return
	}
	cancel()
	fmt.Println(cmd.Wait())
	// Output: signal: terminated
}

// An error tells the step of the start, its object, and the field that asked
// for it.
func ExampleCmd_Start_error() {
	cmd := sprog.Command("/bin/true")
	cmd.Dir = "/no/such/dir"
	err := cmd.Start()
	fmt.Println(err)

	var start *sprog.StartError
	if errors.As(err, &start) {
		fmt.Println(start.Step, start.Object, start.Field, start.Err == syscall.ENOENT)
	}
	// Output:
	// sprog: start /bin/true: chdir /no/such/dir (Dir): no such file or directory (/no does not exist)
	// chdir /no/such/dir Dir true
}

func ExampleCmd_Run() {
	cmd := sprog.Command("sh", "-c", "exit 3")
	err := cmd.Run()
	var exit *sprog.ExitError
	if errors.As(err, &exit) {
		fmt.Println("the program ran, and its exit code is", exit.ExitCode())
	}
	// Output: the program ran, and its exit code is 3
}

func ExampleCmd_Output() {
	out, err := sprog.Command("sh", "-c", "echo out; echo reason >&2; exit 1").Output()
	fmt.Printf("%q %v\n", out, err)
	if exit, ok := err.(*sprog.ExitError); ok {
		fmt.Printf("%q\n", exit.Stderr)
	}
	// Output:
	// "out\n" exit status 1
	// "reason\n"
}

func ExampleCmd_CombinedOutput() {
	out, err := sprog.Command("sh", "-c", "echo out; echo err >&2").CombinedOutput()
	fmt.Printf("%q %v\n", out, err)
	// Output: "out\nerr\n" <nil>
}

func ExampleCmd_StdinPipe() {
	cmd := sprog.Command("sort")
	stdin, err := cmd.StdinPipe()
	if err != nil {
		fmt.Println(err)
		return
	}
	cmd.Stdout = os.Stdout
	if err := cmd.Start(); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Fprintln(stdin, "pear")
	fmt.Fprintln(stdin, "apple")
	stdin.Close()
	fmt.Println(cmd.Wait())
	// Output:
	// apple
	// pear
	// <nil>
}

func ExampleCmd_StdoutPipe() {
	cmd := sprog.Command("seq", "3")
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := cmd.Start(); err != nil {
		fmt.Println(err)
		return
	}
	numbers, err := io.ReadAll(stdout) // before Wait, which closes the pipe
	fmt.Printf("%q %v\n", numbers, err)
	fmt.Println(cmd.Wait())
	// Output:
	// "1\n2\n3\n" <nil>
	// <nil>
}

func ExampleCmd_Environ() {
	cmd := sprog.Command("pwd")
	cmd.Dir = "/usr/../usr"
	for _, kv := range cmd.Environ() {
		if strings.HasPrefix(kv, "PWD=") {
			fmt.Println(kv)
		}
	}
	// Output: PWD=/usr
}

func ExampleCmd_extraFiles() {
	r, w, err := os.Pipe()
	if err != nil {
		fmt.Println(err)
		return
	}
	cmd := sprog.Command("sh", "-c", "echo to descriptor 3 >&3")
	cmd.ExtraFiles = []*os.File{w}
	err = cmd.Run()
	w.Close()
	text, _ := io.ReadAll(r)
	r.Close()
	fmt.Printf("%q %v\n", text, err)
	// Output: "to descriptor 3\n" <nil>
}

func ExampleFile() {
	cmd := sprog.Command("sh", "-c", "cat <&3; wc -c <&4 >/dev/null; echo an error >&2; echo more >&9")
	cmd.Attr = &sprog.Attr{Files: []sprog.File{
		{FD: 3, Data: []byte("inline data\n")},
		{FD: 4, Path: "/etc/passwd"}, // opened by the program's user
		{FD: 2, Dup: new(1)},         // 2>&1
		{FD: 9, Dup: new(1)},
	}}
	out, err := cmd.Output()
	fmt.Printf("%s%v\n", out, err)
	// Output:
	// inline data
	// an error
	// more
	// <nil>
}

func ExampleStartProcess() {
	p, err := sprog.StartProcess("/bin/sh", []string{"sh", "-c", "exit 5"}, &os.ProcAttr{})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(p.Wait())
	// Output: exit status 5 <nil>
}

func ExampleLookPath() {
	_, err := sprog.LookPath("no-such-program")
	fmt.Println(err)
	fmt.Println(errors.Is(err, sprog.ErrNotFound))
	// Output:
	// exec: "no-such-program": executable file not found in $PATH
	// true
}

// The steps of the child that were run, up to the one that did not succeed.
func ExampleTrace() {
	cmd := sprog.Command("/bin/true")
	cmd.Dir = "/no/such/directory"
	cmd.Trace = new(sprog.Trace)
	cmd.Run()
	var inChild time.Duration
	for _, step := range cmd.Trace.Steps {
		if step.By == "child" {
			inChild += step.Duration
		}
		if step.Err != nil {
			fmt.Printf("%s: %v\n", step.Text, step.Err)
		}
	}
	fmt.Println(0 < inChild && inChild < cmd.Trace.Duration)
	// Output:
	// chdir("/no/such/directory"): no such file or directory
	// true
}
