//go:build amd64 || arm64

package sprog

import (
	"slices"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/kernel"
	"github.com/sprog-dev/sprog/internal/program"
	"github.com/sprog-dev/sprog/internal/spec"
)

// Every call that is not one for a thread of several (calls.txt) is left to an image
// with one thread. Of some calls it depends on an argument: those of prctl(2) that
// are about the thread, limits that the runtime does not run into while it still
// has threads, and namespaces that a process with threads can make.
var (
	prctlsForOneThread = []uint64{
		unix.PR_SET_NO_NEW_PRIVS, unix.PR_SET_KEEPCAPS, unix.PR_SET_PDEATHSIG, unix.PR_CAP_AMBIENT, unix.PR_CAPBSET_DROP,
		unix.PR_SET_SECUREBITS, unix.PR_SET_TIMERSLACK,
	}
	limitsForOneThread = []uint64{
		unix.RLIMIT_CORE, unix.RLIMIT_FSIZE, unix.RLIMIT_LOCKS, unix.RLIMIT_MEMLOCK, unix.RLIMIT_MSGQUEUE, unix.RLIMIT_NICE,
		unix.RLIMIT_NOFILE, unix.RLIMIT_RTPRIO, unix.RLIMIT_SIGPENDING,
	}
	namespacesForOneThread uint64 = unix.CLONE_NEWNS | unix.CLONE_NEWCGROUP | unix.CLONE_NEWIPC | unix.CLONE_NEWNET | unix.CLONE_NEWUTS
)

// oneThread reports whether a thread of several can run the steps.
func (s *starter) oneThread() bool {
	switch {
	case s.given.Lacks.Has(kernel.NoCloseRange):
		return false // descriptors would be closed in the table of all threads
	case s.ask.Sys.Chroot != "" || s.given.Joins.Joins(spec.MountNamespace):
		return false // another root takes an image: see SecondStage
	}
	return !slices.ContainsFunc(s.made.First.Steps[:s.handler], func(step program.Step) bool { return !isForOneThread(&step) })
}

func isForOneThread(step *program.Step) bool {
	switch step.Call {
	case program.Prctl:
		return slices.Contains(prctlsForOneThread, step.Args[0].Value)
	case program.Prlimit64:
		return slices.Contains(limitsForOneThread, step.Args[1].Value)
	case program.Unshare:
		return step.Args[0].Value&^namespacesForOneThread == 0
	}
	return step.Call.OfThread()
}
