//go:build linux

package bwrap

import (
	"errors"
	"io"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog"
	"github.com/sprog-dev/sprog/internal/plain"
)

// version is the one whose command line this is.
const version = "bubblewrap 0.11.1\n"

// failure is the exit code of everything that goes wrong before the program is executed.
const failure = 1

// Refuse says in the command's way why it does not run at all, and returns the exit code.
func Refuse(reason string) int { return tell(new(Options), mistake(reason)) }

// Run does what a command line says, and returns the exit code. The name is what usage calls
// the command by.
func Run(name string, args []string) int {
	if len(args) == 0 {
		io.WriteString(os.Stderr, usage(name))
		return failure
	}
	r := &runner{inherited: inheritedFiles()}
	o, err := Parse(args, os.Environ(), Reader{Args: r.readAll, Warn: warn, KnownCap: KnownCap})
	switch {
	case err != nil:
		return tell(o, err)
	case o.Help:
		io.WriteString(os.Stdout, usage(name))
		return 0
	case o.Version:
		io.WriteString(os.Stdout, version)
		return 0
	}
	r.o = o
	if err = o.Check(r.ask()); err == nil {
		err = r.open()
	}
	if err == errUsage {
		io.WriteString(os.Stderr, usage(name))
		return failure
	} else if err != nil {
		return tell(o, err)
	}
	return r.run()
}

// A runner is one run of the command.
type runner struct {
	o         *Options
	f         Facts
	inherited []int // descriptors that this process was started with, but for the standard ones
	info      *os.File
	status    *os.File
	block     *os.File // of --userns-block-fd
}

// run starts the program and stands by it.
func (r *runner) run() int {
	if r.o.DieWithParent {
		runtime.LockOSThread() // the thread is to stay as long as the process
		unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(unix.SIGKILL), 0, 0, 0)
	}
	cmd, ops := r.o.Translate(&r.f)
	r.executeItself(cmd)
	if r.info != nil || r.status != nil || r.block != nil {
		cmd.Born = r.born
	}
	if err := cmd.Start(); err != nil {
		return tell(r.o, r.describe(err, cmd, ops))
	}
	r.letGo()
	quitQuietly()
	code := await(cmd)
	if r.status != nil {
		io.WriteString(r.status, "{ \"exit-code\": "+strconv.Itoa(code)+" }\n")
	}
	return code
}

// quitQuietly has Ctrl-\ end this process without the stacks of its goroutines.
func quitQuietly() {
	if signal.Ignored(unix.SIGQUIT) {
		return
	}
	quit := make(chan os.Signal, 1)
	signal.Notify(quit, unix.SIGQUIT)
	go func() {
		<-quit
		os.Exit(128 + int(unix.SIGQUIT))
	}()
}

// letGo closes what the program has got, and what options were about: somebody may wait for the
// last descriptor of it to be closed.
func (r *runner) letGo() {
	for _, fd := range r.inherited {
		switch file := r.f.Files[fd]; {
		case file == nil:
			unix.Close(fd)
		case file != r.status:
			file.Close()
		}
	}
}

// executeItself is for a program /proc/self/exe, which is bwrap's own file. The process that
// executes the program has another one.
func (r *runner) executeItself(cmd *sprog.Cmd) {
	if cmd.Path != "/proc/self/exe" {
		return
	}
	fd, err := unix.Open(cmd.Path, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return
	}
	cmd.Attr.Program, cmd.Attr.LookPath = os.NewFile(uintptr(fd), cmd.Path), false
	if r.o.Argv0 == nil {
		cmd.Args[0] = "bwrap"
	}
}

// await waits for the program's end, which its init may outlive.
func await(cmd *sprog.Cmd) int {
	if cmd.Birth.Stops != nil {
		io.Copy(io.Discard, cmd.Birth.Stops)
		if code, signal, ended := cmd.Birth.Ended(); ended {
			if signal != 0 {
				return 128 + int(signal)
			}
			return code
		}
	}
	err := cmd.Wait()
	if cmd.ProcessState == nil {
		io.WriteString(os.Stderr, "bwrap: "+err.Error()+"\n")
		return failure
	}
	status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus)
	switch {
	case ok && status.Signaled():
		return 128 + int(status.Signal())
	case ok:
		return status.ExitStatus()
	}
	return failure
}

// born tells of a process that waits, and waits for whoever prepares it.
func (r *runner) born(pid int) error {
	if r.info != nil {
		io.WriteString(r.info, r.o.infoText(pid))
		r.info.Close()
		r.info = nil
	}
	if r.status != nil {
		io.WriteString(r.status, r.o.statusText(pid))
	}
	if r.block != nil {
		var b [1]byte
		for {
			if _, err := unix.Read(int(r.block.Fd()), b[:]); err != unix.EINTR {
				break
			}
		}
		r.block.Close()
		r.block = nil
	}
	return nil
}

// given reports whether a descriptor is one that this process was started with. Others are its own.
func (r *runner) given(fd int) bool { return fd <= 2 || slices.Contains(r.inherited, fd) }

// readAll reads a descriptor to its end. The program does not get it. It stays open until all others
// are closed, so that no new one has its number.
func (r *runner) readAll(fd int) ([]byte, error) {
	if !r.given(fd) {
		return nil, unix.EBADF
	}
	unix.FcntlInt(uintptr(fd), unix.F_SETFD, unix.FD_CLOEXEC)
	data, buf := []byte{}, make([]byte, 32<<10)
	for {
		n, err := unix.Read(fd, buf)
		switch {
		case err == unix.EINTR:
		case err != nil:
			return nil, err
		case n == 0:
			return data, nil
		}
		data = append(data, buf[:max(n, 0)]...)
	}
}

// inheritedFiles are the descriptors that the caller has left open.
func inheritedFiles() (list []int) {
	names, _ := plain.Names("/proc/self/fd") // which needs no poller, as package os makes one
	for _, name := range names {
		fd, err := strconv.Atoi(name)
		if err != nil || fd < 3 {
			continue
		}
		if flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err == nil && flags&unix.FD_CLOEXEC == 0 {
			list = append(list, fd)
		}
	}
	return list
}

// tell prints an error, and returns the exit code.
func tell(o *Options, err error) int {
	print(o, 3, sentence(err))
	return failure
}

func warn(o *Options, text string) { print(o, 4, text) }

// print prints a message, with its level for the journal where that is asked for.
func print(o *Options, level int, text string) {
	prefix := "bwrap: "
	if o.LevelPrefix {
		prefix = "<" + strconv.Itoa(level) + ">" + prefix
	}
	io.WriteString(os.Stderr, prefix+text+"\n")
}

// sentence is an error with the kernel's words as the C library writes them.
func sentence(err error) string {
	text := err.Error()
	var errno syscall.Errno
	if errors.As(err, &errno) {
		if head, ok := cutSuffix(text, errno.Error()); ok {
			return head + strerror(errno)
		}
	}
	return text
}
