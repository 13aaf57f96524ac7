//go:build amd64 || arm64

// Package change gives attributes to processes that run.
//
// Most attributes belong to threads, and the kernel changes one thread at a time: all of
// them are gone through until there are no new ones. A thread that begins meanwhile has
// what the one had that made it. The same goes for the processes of a tree.
package change

import (
	"cmp"
	"maps"
	"slices"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/ownproc"
	"github.com/sprog-dev/sprog/internal/proctree"
	"github.com/sprog-dev/sprog/internal/spec"
)

// rounds bounds how often threads and processes are looked for that are new.
const rounds = 100

// Process changes a process, with all its threads.
func Process(pid int, a *spec.Attr) *spec.Error { return change(pid, a, false) }

// Tree changes a process with all that descends from it. Those that can be changed are, and the
// first error is of one that cannot.
func Tree(pid int, a *spec.Attr) *spec.Error { return change(pid, a, true) }

func change(pid int, a *spec.Attr, tree bool) *spec.Error {
	if err := a.CheckUpdate(); err != nil {
		return of(pid, err)
	}
	proc, err := ownproc.Open()
	if err != nil {
		return of(pid, &spec.Error{Err: err})
	}
	defer proc.Close()
	p, failed := open(proc, pid)
	if failed != nil {
		return failed
	}
	defer p.close()
	if failed = p.change(a); tree && p.isThere() {
		failed = cmp.Or(failed, below(p, a))
	}
	return failed
}

// All changes processes that list names, until that names no new ones.
func All(list func() ([]int, error), a *spec.Attr) (failed *spec.Error) {
	if err := a.CheckUpdate(); err != nil {
		err.Updates = true
		return err
	}
	done := map[int]bool{}
	for range rounds {
		pids, err := list()
		if err != nil {
			return &spec.Error{Updates: true, Err: err}
		}
		pids = slices.DeleteFunc(pids, func(pid int) bool { return done[pid] })
		if len(pids) == 0 {
			break
		}
		for some := range slices.Chunk(pids, mostHeld) {
			for _, pid := range some {
				done[pid] = true
			}
			failed = cmp.Or(failed, changeListed(some, list, a))
		}
	}
	return failed
}

// mostHeld bounds the descriptors that are open at once.
const mostHeld = 64

// changeListed changes those processes that are still listed when a pidfd holds them: a number may be another
// process's since it was listed.
func changeListed(pids []int, list func() ([]int, error), a *spec.Attr) (failed *spec.Error) {
	proc, err := ownproc.Open()
	if err != nil {
		return &spec.Error{Updates: true, Err: err}
	}
	defer proc.Close()
	note := func(err *spec.Error) {
		if err != nil && err.Err != unix.ESRCH { // or it has ended
			failed = cmp.Or(failed, err)
		}
	}
	var held []*process
	for _, pid := range pids {
		p, err := open(proc, pid)
		if note(err); err == nil {
			held = append(held, p)
			defer p.close()
		}
	}
	still, err := list()
	if err != nil {
		return &spec.Error{Updates: true, Err: err}
	}
	for _, p := range held {
		if slices.Contains(still, p.pid) && p.isThere() {
			note(p.change(a))
		}
	}
	return failed
}

// below changes what descends from a process.
func below(root *process, a *spec.Attr) (failed *spec.Error) {
	tree := &proctree.Tree{Proc: root.proc, Root: root.pid, IsThere: root.isThere, Pidfds: map[int]int{}}
	defer tree.Close()
	done := map[int]bool{}
	for range rounds {
		tree.Grow(0)
		n := len(done)
		for _, pid := range slices.Sorted(maps.Keys(tree.Pidfds)) {
			if done[pid] {
				continue
			}
			done[pid] = true
			p := &process{root.proc, pid, tree.Pidfds[pid]}
			if err := p.change(a); err != nil && p.isThere() {
				failed = cmp.Or(failed, err)
			}
		}
		if len(done) == n {
			break
		}
	}
	if err := tree.Missed(); err != nil && failed == nil {
		failed = of(root.pid, &spec.Error{Err: err})
	}
	return failed
}

// A process that is changed. Its number is its own as long as the pidfd says that it is there.
type process struct {
	proc  ownproc.Dir
	pid   int
	pidfd int // or -1, before Linux 5.3
}

func open(proc ownproc.Dir, pid int) (*process, *spec.Error) {
	fd, err := unix.PidfdOpen(pid, 0)
	switch {
	case err == unix.ENOSYS || err == unix.EPERM: // a filter's
		fd = -1
	case err != nil || pid <= 0:
		return nil, of(pid, &spec.Error{Step: "pidfd_open", Err: cmp.Or(err, error(unix.ESRCH)), Hint: noSuch(err)})
	}
	p := &process{proc, pid, fd}
	if !p.isThere() {
		p.close()
		return nil, of(pid, &spec.Error{Err: unix.ESRCH})
	}
	return p, nil
}

func (p *process) close() {
	if p.pidfd >= 0 {
		unix.Close(p.pidfd)
	}
}

// isThere reports whether the process has not been waited for.
func (p *process) isThere() bool {
	if p.pidfd < 0 {
		return proctree.Finds(unix.Kill(p.pid, 0))
	}
	return proctree.Finds(proctree.Send(p.pidfd, 0))
}

// change changes the process: first what is of the process as a whole.
func (p *process) change(a *spec.Attr) *spec.Error {
	for i, l := range a.Rlimits {
		if err := p.limit(i, l); err != nil {
			return of(p.pid, err)
		}
	}
	if err := p.eachThread(a); err != nil {
		return of(p.pid, err)
	}
	if a.OOMScoreAdj != nil {
		if err := p.setOOMScore(*a.OOMScoreAdj); err != nil {
			return of(p.pid, err)
		}
	}
	if !p.isThere() {
		return of(p.pid, &spec.Error{Err: unix.ESRCH})
	}
	return nil
}

// eachThread changes what is of a thread.
func (p *process) eachThread(a *spec.Attr) *spec.Error {
	if a.CPUs == nil && a.Nice == nil && a.Scheduler == nil && a.IOPriority == nil {
		return nil
	}
	done := map[int]bool{}
	for range rounds {
		n := len(done)
		for _, tid := range p.proc.Threads(p.pid) {
			if done[tid] {
				continue
			}
			done[tid] = true
			if err := p.changeThread(tid, a); err != nil && (err.Err != unix.ESRCH || tid == p.pid) {
				return err
			}
		}
		if len(done) == n {
			return nil
		}
	}
	return nil
}

// of completes an error.
func of(pid int, err *spec.Error) *spec.Error {
	err.Path, err.Updates = "process "+strconv.Itoa(pid), true
	return err
}
