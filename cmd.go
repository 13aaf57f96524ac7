package sprog

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/sprog-dev/sprog/internal/job"
	"github.com/sprog-dev/sprog/internal/program"
)

// A Cmd is a command that is being prepared or runs. It has the fields and
// methods of os/exec's Cmd, with the same meaning, and one field more, Attr.
//
// A Cmd is good for one start: after [Cmd.Start], [Cmd.Run], [Cmd.Output] or
// [Cmd.CombinedOutput], whether they succeeded or not, it cannot be started
// again. Its fields must not be changed while it runs. A Cmd may be made
// without [Command]; every field but Path may be left zero.
type Cmd struct {
	// Path is the file to execute. It is not looked up in PATH. A relative
	// path is resolved by the child, after it has changed to Dir.
	Path string

	// Args are the program's arguments; Args[0] is the name it is called by.
	// If Args is empty, the program gets Path as its only argument.
	Args []string

	// Env is the program's environment, as "key=value" strings. Nil stands
	// for the environment of this process, with PWD set to Dir if Dir is
	// set; an empty slice that is not nil stands for no environment. Where a
	// key occurs more than once, the last entry counts. Entries without "="
	// are passed on as they are, empty ones are left out. An entry with a
	// NUL byte makes Start return an error.
	Env []string

	// Dir is the directory the program starts in. If it is empty, that is
	// the current directory of this process. If Env is nil, Dir also
	// determines PWD, so that programs which trust PWD see the name given
	// here, not the one it has after symbolic links are resolved.
	Dir string

	// Stdin is what the program reads as its standard input.
	//
	// Nil is the null device. An [*os.File] is handed to the program itself,
	// and is put into blocking mode, as programs expect it: deadlines cease
	// to work on it. A nil *os.File leaves descriptor 0 closed. For any other
	// reader, a goroutine copies what it reads to the program through a pipe;
	// Wait waits for that goroutine, which ends when Stdin is exhausted, when
	// a read or a write did not succeed, or when WaitDelay is over. That the
	// program did not read everything is not an error.
	Stdin io.Reader

	// Stdout and Stderr take the program's standard output and error.
	//
	// Nil is the null device. An [*os.File] is handed to the program itself,
	// as described for Stdin. For any other writer, a goroutine copies the
	// program's output to it from a pipe; Wait waits until that goroutine has
	// seen the end of the output, which is when every process that holds the
	// pipe has closed it, or until WaitDelay is over. If a write does not
	// succeed, the pipe is closed, and the program's next write to it fails.
	//
	// If both are the same value, of a type that == can compare, the program
	// gets one pipe for both, and Write is never called by two goroutines at
	// a time.
	Stdout io.Writer
	Stderr io.Writer

	// ExtraFiles are more files for the program: entry i becomes its
	// descriptor 3+i. A nil entry leaves that descriptor closed. Files are
	// put into blocking mode, as described for Stdin.
	ExtraFiles []*os.File

	// SysProcAttr holds the attributes that package syscall knows of. Nil
	// asks for none. It is not modified, but for what PidFD points to.
	//
	// While a start with Credential or AmbientCaps is under way, this process
	// is not dumpable: see [IDs]. A child with Ptrace and a new user
	// namespace can be traced until it executes by whoever has made that, which are all
	// processes of this one's user, and the memory is this process's until then.
	SysProcAttr *syscall.SysProcAttr

	// Attr holds the attributes that SysProcAttr lacks. Nil asks for none.
	Attr *Attr

	// Ending says when the command is ended that does not end by itself, and how.
	// Nil leaves it alone.
	Ending *Ending

	// Process is the process, once Start has succeeded.
	Process *os.Process

	// Birth tells what Start has made and applied, once it has succeeded.
	Birth Birth

	// Born, if not nil, is called by Start with the number of the process that has been born
	// into its new namespaces, and waits there: before its id maps are written, if it
	// has any, and before it does anything. Who makes a device for its network, or writes
	// maps that SysProcAttr does not have, does it here. An error ends the start. It is called
	// once more, for another process, if the start had to be tried anew.
	Born func(pid int) error

	// Events, if not nil, is sent what happens to the command, as it happens. What there is no room for is
	// dropped, and the next event says how many were: nothing ever waits for a reader, so give
	// the channel room. The last place of a channel with two or more is kept for the last event,
	// EventEnded or EventFailed, if nobody else sends to the channel. Nothing is sent any more once Wait has returned, or
	// Start with an error. It takes a thread.
	Events chan<- Event

	// Trace, if not nil, is filled in by Start: how long each step of the
	// start took. A start that fails is traced too.
	Trace *Trace

	// ProcessState tells how the process ended, once Wait has seen its end.
	ProcessState *os.ProcessState

	// Err is an error found while the command was made, such as that of
	// [LookPath]. If it is not nil, Start returns it. It may be set to nil by
	// a caller that accepts the path found, as with [ErrDot].
	Err error

	// Cancel is called in a goroutine of its own when the context given to
	// [CommandContext] is done before Wait has seen the end of the process.
	// It may signal the process, or end it in another way, such as by closing
	// its standard input. CommandContext sets it to kill the process. It is
	// an error to set it on a command without a context.
	//
	// If the program then still exits with success, Wait returns the
	// context's error, or one that wraps the error of Cancel if there was
	// one. If Cancel returns an error that wraps [os.ErrProcessDone], the
	// program was not interrupted, and Wait returns what it would have.
	//
	// With Cancel nil the end of the context has no effect by itself, but it
	// starts WaitDelay. Cancel is never called if Start returns an error.
	Cancel func() error

	// WaitDelay bounds the time that Wait waits for a process that does not
	// exit although its context is done, and for pipes that other processes
	// hold open although it has exited. It is counted from the end of the
	// context or of the process, whichever comes first. Once it is over,
	// the process is killed, and then the pipes are closed. If they had to be
	// closed for a program that exited with success and was not canceled,
	// Wait returns [ErrWaitDelay].
	//
	// With zero there is no bound: Wait waits until the last process that
	// has the output pipes open has closed them.
	WaitDelay time.Duration

	ctx     context.Context
	watch   *watch    // what runs when ctx is done; nil if nothing does
	pipes   *plumbing // nil while there is no pipe
	limiter *limiter  // what keeps Ending; nil without
	teller  *teller   // what sends Events; nil without

	prepared     *Prepared // whose command it is, or nil
	preparedAttr *Attr     // what Attr was when it was made

	started int32  // atomic: Start was called (not an atomic.Bool, so that vet lets a Cmd be copied)
	cause   uint32 // atomic: the Cause of the end, when it has begun
	reach   uint32 // atomic: the Reach of the end
	killed  int64  // atomic: the CPU time that was used when the tree was killed

	job       job.Job // the process and what is below it, once Start has succeeded
	fusion    fusion
	startTime time.Time
	wall      time.Duration // how long the process was there
	endErr    error         // what Start or Wait has returned

	from    *exec.Cmd                            // see FromExec; or nil
	inspect func(first, second *program.Program) // see launch.Options; for tests
}

// LookPath finds the executable that a shell would run for the name file, by
// searching the directories in PATH; a name with a slash is not searched for.
// The result may be relative to the current directory only if the error is
// not nil and wraps [ErrDot]. It is [exec.LookPath].
func LookPath(file string) (string, error) { return exec.LookPath(file) }

// Command returns a Cmd that runs the program name with the arguments arg.
// It sets Path, Args and, where the lookup has an error, Err.
//
// A name without a slash is searched for with [LookPath]; any other name is
// taken as the path. Args[0] is name in both cases.
func Command(name string, arg ...string) *Cmd {
	c := &Cmd{Path: name, Args: make([]string, 1+len(arg))}
	c.Args[0] = name
	copy(c.Args[1:], arg)
	if filepath.Base(name) != name {
		return c
	}
	// With ErrDot there is both a path and an error.
	path, err := LookPath(name)
	if path != "" {
		c.Path = path
	}
	c.Err = err
	return c
}

// CommandContext is like [Command], with a context that can end the command:
// if ctx is done before the process has exited, Cancel is called, which is set
// to kill the process, or to end it as Ending says, and WaitDelay, if set, begins. Both may be changed
// before the start. If ctx is done before the start, Start returns its error
// and starts nothing.
func CommandContext(ctx context.Context, name string, arg ...string) *Cmd {
	c := Command(name, arg...)
	if ctx == nil {
		c.Err = errors.New("sprog: nil Context")
		return c
	}
	c.ctx = ctx
	c.Cancel = c.end
	return c
}

// String returns the program's path and its arguments, separated by spaces,
// for people to read. Nothing is quoted, so it is not fit for a shell.
func (c *Cmd) String() string {
	if len(c.Args) == 0 {
		return c.Path
	}
	if c.Err != nil { // Path may mean nothing: show what was asked for
		return strings.Join(c.Args, " ")
	}
	var b strings.Builder
	b.WriteString(c.Path)
	for _, arg := range c.Args[1:] {
		b.WriteByte(' ')
		b.WriteString(arg)
	}
	return b.String()
}

// Run starts the command and waits for its end: [Cmd.Start], then [Cmd.Wait],
// whose errors it returns. It can be faster than these two calls.
//
// The process inherits the state of the calling thread where a goroutine that
// has locked its thread changed it, such as the thread's namespaces.
func (c *Cmd) Run() error {
	c.fusion = mayFuse
	if err := c.Start(); err != nil {
		return err
	}
	return c.Wait()
}
