package sprog

import (
	"errors"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/sprog-dev/sprog/internal/exitwait"
	"github.com/sprog-dev/sprog/internal/launch"
	"github.com/sprog-dev/sprog/internal/spec"
)

// How long a child waits. What the kernel and the file system say of its birth is as old as it
// is, so it is replaced by another one; and where nobody starts anything, none has to wait.
const (
	mostAge  = time.Minute
	mostIdle = 5 * time.Minute
)

// A WarmState tells how the starts of a [Prepared] command went.
type WarmState struct {
	// Waiting is how many children wait now.
	Waiting int
	// Warm is how many starts have found one, Cold how many have not, or not since it could not
	// become what they asked for.
	Warm, Cold uint64
	// Err is why the last child that was to wait could not be made, or nil.
	Err error
}

// A pool is the children that wait for the starts of one prepared command. Each is good for one
// start, and there is one goroutine that makes them.
type pool struct {
	mu      sync.Mutex
	changed *sync.Cond // something of what follows
	want    int
	idle    []*waiting // the oldest first
	busy    int        // starts that are under way
	last    time.Time  // of the last start
	filling bool       // the goroutine runs
	closed  bool
	state   WarmState
	ends    sync.WaitGroup   // of those that are being ended
	flights []*launch.Flight // of children that are being made

	mostAge, mostIdle time.Duration // tests change them
}

// A waiting is a child of the pool's.
type waiting struct {
	*launch.Waiting
	born time.Time
}

// Warm keeps n children ready from now on, and returns when there are. A start takes one of them, and a
// cold one is made where there is none: no start waits for a child to be born, or fails for the want of
// one. Zero ends all that wait.
//
// A child that waits has all that the program is to have but what [Inputs] says: namespaces, mounts, its
// cgroup, credentials and limits, and with a PID namespace it is its first process. It is not dumpable, has none of
// this process's files and is used once. It counts as a process of its user, in its cgroup and
// among the namespaces that there may be. It dies when this process does; a cgroup of its own stays behind
// then, as that of any start. Nobody waits longer than a minute: the child is then replaced. After five minutes
// without a start there are none until the next one. They are made one after the other, while no start is under
// way if that can be.
//
// The error is that of the first child that cannot be made, and of a command whose children cannot wait: with
// Ptrace, Foreground, PidFD, Attr.Cgroup.Name, Attr.WaitFor, Attr.Meet, Attr.Inherit, Attr.InheritAll, or a filter with a listener. There are none then.
// Files of the program may have numbers below 32; with others its start is a cold one, as it is with Trace, and with
// arguments and variables of more than some 100 KB.
//
// Cmd.Born is called for a child when that is born. What a child inherits, it inherits then, and from another
// thread than the one that starts the command. It is not used any more once this process has other ids, groups,
// capabilities, securebits, no_new_privs, resource limits or another working directory. After other restrictions
// prepare the command anew: seccomp filters, Landlock, and a cgroup that this process has moved to.
func (p *Prepared) Warm(n int) error {
	if n < 0 {
		return errors.New("sprog: Warm with a negative number")
	}
	r := p.born()
	if field := launch.CannotWait(r); n > 0 && field != "" {
		return ofProgram(r.Path, spec.Invalid(field, "", "cannot be had by a child that waits"))
	}
	pl := &p.pool
	pl.mu.Lock()
	if pl.closed {
		pl.mu.Unlock()
		return os.ErrClosed
	}
	pl.want, pl.last = n, time.Now()
	pl.mu.Unlock()
	pl.end(n)
	for p.lacks(n) {
		if err := p.add(); err != nil {
			pl.stop()
			return err
		}
	}
	pl.mu.Lock()
	defer pl.mu.Unlock()
	if !pl.filling && pl.want > 0 {
		pl.filling = true
		go p.fill()
	}
	pl.changed.Broadcast()
	return nil
}

// State tells how the starts went until now.
func (p *Prepared) State() WarmState {
	pl := &p.pool
	pl.mu.Lock()
	defer pl.mu.Unlock()
	s := pl.state
	s.Waiting = len(pl.idle)
	return s
}

// Close ends the children that wait. What was started goes on; what is started afterwards is refused with
// [os.ErrClosed].
func (p *Prepared) Close() error {
	pl := &p.pool
	pl.mu.Lock()
	pl.closed, pl.want = true, 0
	flights := slices.Clone(pl.flights)
	pl.changed.Broadcast()
	pl.mu.Unlock()
	for _, f := range flights { // somebody may have stopped the child
		f.End(os.ErrClosed)
	}
	pl.mu.Lock()
	for pl.filling || len(pl.flights) > 0 {
		pl.changed.Wait()
	}
	pl.mu.Unlock()
	pl.end(0)
	pl.ends.Wait()
	return nil
}

// born is what a child that waits is asked for.
func (p *Prepared) born() *spec.Start {
	c := &p.cmd
	return &spec.Start{Path: c.Path, Sys: c.SysProcAttr, Attr: c.Attr.spec(), Watched: c.Born != nil}
}

func (p *Prepared) lacks(n int) bool {
	p.pool.mu.Lock()
	defer p.pool.mu.Unlock()
	return len(p.pool.idle) < n && p.pool.want >= n
}

// add makes a child that waits.
func (p *Prepared) add() error {
	pl := &p.pool
	flight := launch.NewFlight()
	if !pl.begin(flight) {
		return os.ErrClosed
	}
	limit := time.AfterFunc(mostBirth, func() { flight.End(timedOut(mostBirth)) })
	child, err := launch.Wait(p.born(), launch.Options{Born: p.cmd.Born, Flight: flight})
	limit.Stop()
	if err != nil {
		err = public(err)
	}
	pl.mu.Lock()
	defer pl.mu.Unlock()
	pl.flights = slices.DeleteFunc(pl.flights, func(f *launch.Flight) bool { return f == flight })
	pl.changed.Broadcast()
	if pl.state.Err = err; err != nil {
		return err
	}
	if pl.want == 0 {
		pl.ends.Go(child.End)
		return nil
	}
	w := &waiting{child, time.Now()}
	pl.idle = append(pl.idle, w)
	go pl.watch(w)
	return nil
}

// begin notes what a child that is to be made can be ended by, and reports whether it may be made.
func (pl *pool) begin(f *launch.Flight) bool {
	pl.mu.Lock()
	defer pl.mu.Unlock()
	if !pl.closed {
		pl.flights = append(pl.flights, f)
	}
	return !pl.closed
}

// watch has a child that dies while it waits be replaced: it may be killed by others of its user.
func (pl *pool) watch(w *waiting) {
	exitwait.Wait(w.Process)
	pl.mu.Lock()
	defer pl.mu.Unlock()
	if pl.remove(w) {
		pl.ends.Go(w.End)
	}
	pl.changed.Broadcast()
}

// remove takes a child out of the pool, and reports whether it was there.
func (pl *pool) remove(w *waiting) bool {
	for i, other := range pl.idle {
		if other == w {
			pl.idle = append(pl.idle[:i], pl.idle[i+1:]...)
			return true
		}
	}
	return false
}

// end ends all that wait but n.
func (pl *pool) end(n int) {
	pl.endOldest(func(*waiting) bool { return len(pl.idle) > n })
}

// endOldest ends those that have waited longest, as long as one is to be ended.
func (pl *pool) endOldest(isTo func(*waiting) bool) {
	pl.mu.Lock()
	var list []*waiting
	for len(pl.idle) > 0 && isTo(pl.idle[0]) {
		list = append(list, pl.idle[0])
		pl.idle = pl.idle[1:]
	}
	pl.mu.Unlock()
	endAll(list)
}

// stop has no child wait any more.
func (pl *pool) stop() {
	pl.mu.Lock()
	pl.want = 0
	pl.changed.Broadcast()
	pl.mu.Unlock()
	pl.end(0)
}

// fill is the goroutine that makes them.
func (p *Prepared) fill() {
	pl := &p.pool
	for failures := 0; pl.await(failures); {
		if p.add() != nil {
			failures++
			continue
		}
		failures = 0
		now := time.Now()
		pl.endOldest(func(w *waiting) bool { return now.Sub(w.born) >= pl.mostAge }) // there are others now
	}
	pl.mu.Lock()
	defer pl.mu.Unlock()
	pl.filling = false
	pl.changed.Broadcast()
}

// await returns true when another child is to be made, and false when none is any more. After failures it
// takes its time: they come from limits as a rule.
func (pl *pool) await(failures int) bool {
	pl.mu.Lock()
	defer pl.mu.Unlock()
	begin, pause := time.Now(), time.Duration(0)
	if failures > 0 {
		pause = min(firstPause<<(failures-1), longestPause)
	}
	for pl.want > 0 {
		now := time.Now()
		switch lazy := now.Sub(pl.last) >= pl.mostIdle; {
		case lazy && len(pl.idle) > 0:
			list := pl.idle
			pl.idle = nil
			pl.ends.Go(func() { endAll(list) })
		case lazy || pl.young(now) >= pl.want:
		case now.Sub(begin) < pause:
		case pl.busy == 0 || now.Sub(begin) >= mostPolite:
			return true
		}
		pl.sleep(pl.next(now, begin.Add(pause), begin.Add(mostPolite)))
	}
	return false
}

const (
	firstPause   = 100 * time.Millisecond
	longestPause = 10 * time.Second
	mostBirth    = 10 * time.Second      // of a child; others may stop it
	mostPolite   = 50 * time.Millisecond // how long starts that are under way go first
)

// young is how many children are not too old.
func (pl *pool) young(now time.Time) (n int) {
	for _, w := range pl.idle {
		if now.Sub(w.born) < pl.mostAge {
			n++
		}
	}
	return n
}

// next is how long nothing changes by itself.
func (pl *pool) next(now time.Time, moments ...time.Time) time.Duration {
	if len(pl.idle) > 0 {
		moments = append(moments, pl.idle[0].born.Add(pl.mostAge), pl.last.Add(pl.mostIdle))
	}
	next := time.Hour
	for _, m := range moments {
		if d := m.Sub(now); d > 0 {
			next = min(next, d)
		}
	}
	return next
}

// sleep waits for something to change, or for the time to be over.
func (pl *pool) sleep(d time.Duration) {
	timer := time.AfterFunc(d, pl.changed.Broadcast)
	pl.changed.Wait()
	timer.Stop()
}

func endAll(list []*waiting) {
	for _, w := range list {
		w.End()
	}
}

// launch starts a command, which is one of p's unless that is nil.
func (p *Prepared) launch(c *Cmd, r *spec.Start, o *launch.Options) (*os.Process, error) {
	if p == nil {
		return launch.Start(r, *o)
	}
	w, err := p.pool.take(c.isAsPrepared() && launch.FitsRest(r))
	if err != nil {
		return nil, err
	}
	defer p.pool.over()
	switch {
	case w == nil:
	case !w.IsOurs() || c.Attr.cgroup() != p.cmd.Attr.cgroup() && w.Limit(r.Attr.Cgroup) != nil:
		w.End()
	case w.GoOn(r, *o):
		p.pool.count(&p.pool.state.Warm)
		return w.Process, nil
	}
	p.pool.count(&p.pool.state.Cold)
	return launch.Start(r, *o)
}

func (a *Attr) cgroup() *Cgroup {
	if a == nil {
		return nil
	}
	return a.Cgroup
}

// isAsPrepared reports whether the command asks for what a child that waits has.
func (c *Cmd) isAsPrepared() bool {
	p := &c.prepared.cmd
	return c.Attr == c.preparedAttr && c.SysProcAttr == p.SysProcAttr && c.Trace == nil && (c.Born == nil) == (p.Born == nil)
}

// take takes the child that has waited longest, if there is any and it is of use, for a start that
// begins now.
func (pl *pool) take(useful bool) (*waiting, error) {
	pl.mu.Lock()
	defer pl.mu.Unlock()
	if pl.closed {
		return nil, os.ErrClosed
	}
	pl.busy++
	pl.last = time.Now()
	pl.changed.Broadcast()
	if !useful || len(pl.idle) == 0 {
		return nil, nil
	}
	w := pl.idle[0]
	pl.idle = pl.idle[1:]
	return w, nil
}

// over ends what take has begun.
func (pl *pool) over() {
	pl.mu.Lock()
	pl.busy--
	pl.mu.Unlock()
	pl.changed.Broadcast()
}

func (pl *pool) count(of *uint64) {
	pl.mu.Lock()
	*of++
	pl.mu.Unlock()
}
