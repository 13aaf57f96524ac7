package main

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// initSignals lists the signals that do not arrive at the program.
func (b *bench) initSignals(k initKind) (string, error) {
	var missing []string
	for sig := syscall.Signal(1); sig <= 64; sig++ {
		switch sig {
		case unix.SIGKILL, unix.SIGSTOP, unix.SIGCHLD, unix.SIGPROF, 32, 33, 34:
			continue
		}
		if arrived, err := b.initSignal(k, sig); err != nil {
			return "", err
		} else if !arrived {
			missing = append(missing, strings.TrimPrefix(cmp.Or(unix.SignalName(sig), sig.String()), "SIG"))
		}
	}
	if len(missing) == 0 {
		return "all arrive", nil
	}
	return strings.Join(missing, " "), nil
}

func (b *bench) initSignal(k initKind, sig syscall.Signal) (arrived bool, err error) {
	c, out, in, err := k.initRole(unix.CLONE_NEWPID, "signalled", strconv.Itoa(int(sig)))
	if err != nil {
		return false, err
	}
	defer in.Close()
	defer killed(c)
	if _, err := out.ReadString('\n'); err != nil {
		return false, err
	}
	if err := c.Process.Signal(sig); err != nil {
		return false, err
	}
	said := make(chan error, 1)
	go func() {
		_, err := out.ReadByte()
		said <- err
	}()
	select {
	case err := <-said:
		return err == nil, nil
	case <-time.After(time.Second):
		return false, nil
	}
}

// initStop tells what a stop signal to the init does to the program, and to the
// init.
func (b *bench) initStop(k initKind) (string, error) {
	c, err := b.initPaused(k)
	if err != nil {
		return "", err
	}
	defer killed(c)
	if err := c.Process.Signal(unix.SIGTSTP); err != nil {
		return "", err
	}
	time.Sleep(100 * time.Millisecond)
	if k.name == "none" {
		return stopState(c.Process.Pid), nil
	}
	children, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", c.Process.Pid, c.Process.Pid))
	if err != nil {
		return "", err
	}
	program, _ := strconv.Atoi(strings.TrimSpace(string(children)))
	return stopState(program) + ", " + stopState(c.Process.Pid), nil
}

func stopState(pid int) string {
	b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if _, rest, ok := strings.Cut(string(b), ") "); !ok || rest[0] != 'T' {
		return "goes on"
	}
	return "stops"
}

func (b *bench) initDeath(k initKind) (string, error)        { return b.initEnd(k, unix.CLONE_NEWPID) }
func (b *bench) initDeathOutside(k initKind) (string, error) { return b.initEnd(k, 0) }

// initEnd is how the init ends with a program that dies of a signal.
func (b *bench) initEnd(k initKind, flags uintptr) (string, error) {
	if k.name == "none" && flags != 0 {
		return "", nil // PID 1 does not die of its own signal
	}
	c, out, in, err := k.initRole(flags, "dying")
	if err != nil {
		return "", err
	}
	defer in.Close()
	io.ReadAll(out)
	c.Wait()
	return c.ProcessState.String(), nil
}

// initLeft tells what becomes of a daemon when the program has ended.
func (b *bench) initLeft(k initKind) (string, error) {
	c, out, in, err := k.initRole(0, "family", "1", b.progs.Pause)
	if err != nil {
		return "", err
	}
	var group int
	if _, err := fmt.Fscan(out, &group); err != nil {
		return "", err
	}
	in.Close()
	c.Wait()
	if unix.Kill(-group, unix.SIGKILL) == nil {
		return "lives on", nil
	}
	return "killed", nil
}

// signalledMain writes a byte for each signal that it gets.
func signalledMain(args []string) error {
	n, err := strconv.Atoi(args[0])
	if err != nil {
		return err
	}
	signals := make(chan os.Signal, 64)
	signal.Notify(signals, syscall.Signal(n))
	fmt.Println("ready")
	go func() {
		io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	for range signals {
		if _, err := os.Stdout.Write([]byte{'.'}); err != nil {
			return err
		}
	}
	return nil
}

func dyingMain([]string) error {
	unix.Kill(os.Getpid(), unix.SIGTERM)
	select {}
}

// familyMain has orphans, in a process group that it names, and waits.
func familyMain(args []string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	parent := exec.Command(self, append([]string{roleMark, "litter"}, args...)...)
	parent.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	parent.Stdout, parent.Stderr = os.Stdout, os.Stderr
	if err := parent.Run(); err != nil {
		return err
	}
	io.Copy(io.Discard, os.Stdin)
	return nil
}

// litterMain starts processes and leaves them behind.
func litterMain(args []string) error {
	n, err := strconv.Atoi(args[0])
	if err != nil {
		return err
	}
	for range n {
		if err := exec.Command(args[1]).Start(); err != nil {
			return err
		}
	}
	fmt.Println(unix.Getpgrp())
	return nil
}
