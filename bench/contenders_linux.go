package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"syscall"

	"github.com/sprog-dev/sprog"
)

// contenders makes, for each name, the function that starts the program as
// ordered and waits for it. What a program would prepare once is prepared once.
var contenders = map[string]func(order) (func() error, error){
	bySprog:    newSprog,
	byApart:    newApart,
	byExec:     newExec,
	byForkExec: newForkExec,
	byLimit:    newLimit,
}

func newSprog(o order) (func() error, error) {
	attr := sysProcAttr(o)
	if o.Capture {
		return func() error {
			c := sprog.Command(o.Prog)
			c.SysProcAttr = attr
			return wrote(c.Output())
		}, nil
	}
	return func() error {
		c := sprog.Command(o.Prog)
		c.SysProcAttr = attr
		return c.Run()
	}, nil
}

// newApart starts and waits by two calls, so that this process sleeps two times.
func newApart(o order) (func() error, error) {
	if o.Capture {
		return nil, errors.New("it is for starts alone")
	}
	attr := sysProcAttr(o)
	return func() error {
		c := sprog.Command(o.Prog)
		c.SysProcAttr = attr
		if err := c.Start(); err != nil {
			return err
		}
		return c.Wait()
	}, nil
}

func newExec(o order) (func() error, error) {
	attr := sysProcAttr(o)
	if o.Capture {
		return func() error {
			c := exec.Command(o.Prog)
			c.SysProcAttr = attr
			return wrote(c.Output())
		}, nil
	}
	return func() error {
		c := exec.Command(o.Prog)
		c.SysProcAttr = attr
		return c.Run()
	}, nil
}

// newForkExec gives the child the same descriptors as a Cmd does: /dev/null
// three times, but opened once.
func newForkExec(o order) (func() error, error) {
	if o.Capture {
		return nil, errors.New("ForkExec has nothing that captures output")
	}
	null, err := devNull()
	if err != nil {
		return nil, err
	}
	fd := uintptr(null)
	attr := &syscall.ProcAttr{Env: os.Environ(), Files: []uintptr{fd, fd, fd}, Sys: sysProcAttr(o)}
	argv := []string{o.Prog}
	return func() error {
		pid, err := syscall.ForkExec(o.Prog, argv, attr)
		if err != nil {
			return err
		}
		ws, err := waitFor(pid)
		if err != nil {
			return err
		}
		return exited(ws)
	}, nil
}

// devNull is opened once and stays open.
var devNull = sync.OnceValues(func() (int, error) {
	return syscall.Open(os.DevNull, syscall.O_RDWR|syscall.O_CLOEXEC, 0)
})

// sysProcAttr is what the order asks for beyond a plain start.
func sysProcAttr(o order) *syscall.SysProcAttr {
	if !o.NewUser {
		return nil
	}
	return &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER,
		UidMappings: []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}},
	}
}

// wrote checks that a captured program was really run.
func wrote(out []byte, err error) error {
	if err == nil && string(out) != "ok\n" {
		err = fmt.Errorf("captured %q, want %q", out, "ok\n")
	}
	return err
}

func waitFor(pid int) (ws syscall.WaitStatus, err error) {
	for {
		if _, err = syscall.Wait4(pid, &ws, 0, nil); err != syscall.EINTR {
			return ws, err
		}
	}
}

func exited(ws syscall.WaitStatus) error {
	if !ws.Exited() || ws.ExitStatus() != 0 {
		return fmt.Errorf("the program ended with wait status %#x", int(ws))
	}
	return nil
}
