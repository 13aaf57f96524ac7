//go:build amd64 || arm64

package launch

import (
	"math"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/explain"
	"github.com/sprog-dev/sprog/internal/kernel"
	"github.com/sprog-dev/sprog/internal/machine"
	"github.com/sprog-dev/sprog/internal/program"
	"github.com/sprog-dev/sprog/internal/spec"
)

// Exec runs the steps of a start in the place of this process. It returns only what
// keeps it from beginning.
func Exec(r *spec.Start, to Options) error {
	r.FillIn()
	if err := Resolve(r); err != nil {
		return r.Refused(err)
	}
	s := new(memory).begin(r, to, tried{})
	s.start = Start
	defer func() { s.cleanUp(false) }()
	learnCloseRange()
	s.given.Lacks = kernel.Known.Missing()
	if err := s.build(); err != nil {
		return r.Refused(err)
	}
	s.tellFailures()
	self := machine.Self{Program: s.made.First, Handler: s.handler, OneThread: s.oneThread()}
	for _, b := range s.bound {
		self.Keep = append(self.Keep, b.At)
	}
	err := self.Become()
	return r.Refused(&spec.Error{Step: "execute the steps", Err: err, Hint: explain.NoImage(err)})
}

// learnCloseRange finds out whether there is a close_range that can do what is
// asked of it: a step that failed for lack of it could not be tried again.
func learnCloseRange() {
	const none = math.MaxUint32
	if unix.CloseRange(none, none, unix.CLOSE_RANGE_CLOEXEC) != nil {
		kernel.Known.Learn(kernel.NoCloseRange)
	}
}

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
func (s *attempt) oneThread() bool {
	switch {
	case s.given.Lacks.Has(kernel.NoCloseRange):
		return false // descriptors would be closed in the table of all threads
	case s.ask.Sys.Chroot != "" || s.ask.HasView() && !s.ask.ExeIsSafe || s.given.Joins.Has(spec.MountNamespace):
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
