//go:build amd64 || arm64

package doctor

import (
	"errors"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/cgroup"
	"github.com/sprog-dev/sprog/internal/compile"
	"github.com/sprog-dev/sprog/internal/kernel"
	"github.com/sprog-dev/sprog/internal/launch"
	"github.com/sprog-dev/sprog/internal/machine"
	"github.com/sprog-dev/sprog/internal/ownproc"
	"github.com/sprog-dev/sprog/internal/program"
	"github.com/sprog-dev/sprog/internal/pty"
	"github.com/sprog-dev/sprog/internal/spec"
	"github.com/sprog-dev/sprog/internal/terms"
)

// askStart makes a plain start that fails on purpose, and looks what it has had
// to do without.
func askStart(call, since string, lacks kernel.Missing) func() Support {
	return func() Support {
		f := featureProbe{since: since}
		plain := f.start(new(trial))
		switch {
		case plain.Answer != Yes:
			return Support{Reason: "no process could be made to try: " + plain.Reason}
		case kernel.Known.Missing().Has(lacks):
			return f.refusal(&spec.Error{Step: call, Err: unix.ENOSYS})
		}
		return Support{Answer: Yes}
	}
}

// inChild has a child make one call, and then end.
func inChild(call program.Call, args ...program.Arg) (unix.Errno, error) {
	p := new(program.Program)
	mask := p.Words(0)
	p.Add("", call, args...)
	p.Add("", program.ExitGroup, compile.Num(0))
	res := doAnyhow(&machine.Launch{Program: p, Mask: mask, Cgroup: -1})
	switch {
	case res.Place != machine.InChild:
		return 0, errors.New("no process could be made to try: " + res.Errno.Error())
	case res.Signal != 0:
		return 0, launch.KilledError(res.Signal)
	}
	return res.Errno, nil
}

// askExecveat executes a file that is none: a descriptor that is not open.
func askExecveat() Support {
	const none = ^uint64(0)
	errno, err := inChild(program.Execveat, compile.Num(none), program.Arg{}, compile.Num(0), compile.Num(0), compile.Num(unix.AT_EMPTY_PATH))
	switch {
	case err != nil:
		return Support{Reason: terms.Of(err)}
	case errno == unix.EBADF || errno == unix.EFAULT:
		return Support{Answer: Yes}
	}
	f := featureProbe{since: "3.19"}
	return f.refusal(&spec.Error{Step: "execveat", Err: errno})
}

func askPidfd() Support {
	fd, err := unix.PidfdOpen(unix.Getpid(), 0)
	if err != nil {
		return Support{Answer: No, Reason: "pidfd_open: " + terms.Of(err)}
	}
	unix.Close(fd)
	return Support{Answer: Yes}
}

func askOwnProc() Support {
	if err := ownproc.Missing(); err != nil {
		return Support{Answer: No, Reason: terms.Of(err)}
	}
	return Support{Answer: Yes}
}

func askPTY() Support {
	master, slave, err := pty.Open()
	if err != nil {
		return Support{Answer: No, Reason: terms.Of(err)}
	}
	master.Close()
	slave.Close()
	return Support{Answer: Yes}
}

// joinsAnother tries to join a namespace that another child has made, in a user
// namespace if so. That child waits to go on, which it never does.
func joinsAnother(f *featureProbe, w way) (answer Support) {
	namespaces := spec.UTSNamespace
	if w != asItIs {
		namespaces |= spec.UserNamespace
	}
	p := new(program.Program)
	mask := p.Words(0)
	p.Add("", program.Ppoll, compile.Num(0), compile.Num(0), compile.Num(0), compile.Num(0), compile.Num(8))
	holder := machine.Launch{Program: p, Mask: mask, Cgroup: -1, Namespaces: uint64(namespaces), Go: p.Words(0)}
	tried := errors.New("tried")
	holder.Rendezvous = func(pid int) error {
		answer = f.start(&trial{attr: spec.Attr{Join: []spec.Namespace{{PID: pid, Kinds: namespaces}}}})
		return tried
	}
	if res := doAnyhow(&holder); res.Err != tried {
		return f.refusal(&spec.Error{Step: "clone3", Err: res.Errno})
	}
	return answer
}

// doAnyhow launches with clone(2) where there is no clone3.
func doAnyhow(l *machine.Launch) machine.Result {
	res := l.Do()
	if res.Place == machine.AtBirth && (res.Errno == unix.ENOSYS || res.Errno == unix.EPERM) {
		l.OldClone = true // signals stay blocked in the child, so that no handler can run
		res = l.Do()
	}
	return res
}

func askIntoCgroup() Support {
	if errno := machine.AskIntoCgroup(); errno != unix.EBADF {
		f := featureProbe{since: "5.7"}
		return f.refusal(&spec.Error{Step: "clone3", Err: errno})
	}
	return Support{Answer: Yes}
}

// askCgroupKill looks for the file in a new cgroup: the root has none.
func askCgroupKill() Support {
	g, err := cgroup.Make(new(cgroup.Spec))
	if err != nil {
		f := featureProbe{since: "5.14"}
		return f.refusal(launch.OfCgroup("", err))
	}
	defer g.Discard()
	const file = "cgroup.kill"
	if err := unix.Faccessat(g.FD(), file, unix.F_OK, 0); err != nil {
		return Support{Answer: No, Reason: terms.Sprintf("takes Linux 5.14: open %s/%s: %s", g.Path(), file, err)}
	}
	return Support{Answer: Yes}
}

// askController finds out whether a start could give a controller to its
// cgroup.
func askController(name string) func() Support {
	var f featureProbe
	return func() Support {
		if err := cgroup.CouldEnable(name); err != nil {
			return f.refusal(launch.OfCgroup("", err))
		}
		return Support{Answer: Yes}
	}
}
