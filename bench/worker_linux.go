package main

import (
	"encoding/gob"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// A worker is a process that starts programs by order. What it holds while it
// does so, memory and open files, is set up once.
type worker struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	enc *gob.Encoder
	dec *gob.Decoder
}

type setup struct {
	Memory int64 // bytes of anonymous memory, touched, in small pages
	Files  int   // open files, beyond the few it has anyway
}

// An order is a batch: start Prog Starts times in all, from Goroutines at once.
type order struct {
	Contender  string
	Prog       string
	NewUser    bool // in a new user namespace, with id maps
	Capture    bool // with its output captured through a pipe
	Goroutines int
	Starts     int
	Procs      int // GOMAXPROCS while it runs, 0 for no change
}

// An outcome is what a batch took.
type outcome struct {
	Err     string
	Elapsed time.Duration
	Mallocs uint64
	Bytes   uint64
	Latency []int64 // of each start and wait, in nanoseconds
}

func newWorker(s setup) (*worker, error) {
	arg, err := json.Marshal(s)
	if err != nil {
		return nil, err
	}
	cmd, err := self("worker", string(arg))
	if err != nil {
		return nil, err
	}
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	w := &worker{cmd: cmd, in: in, enc: gob.NewEncoder(in), dec: gob.NewDecoder(out)}
	if _, err := w.outcome(); err != nil { // it has set itself up
		w.close()
		return nil, err
	}
	return w, nil
}

// do runs one batch.
func (w *worker) do(o order) (outcome, error) {
	if err := w.enc.Encode(o); err != nil {
		return outcome{}, err
	}
	out, err := w.outcome()
	if err != nil {
		err = fmt.Errorf("%s: %w", o.Contender, err)
	}
	return out, err
}

func (w *worker) outcome() (outcome, error) {
	var out outcome
	if err := w.dec.Decode(&out); err != nil {
		return out, fmt.Errorf("worker: %w", err)
	}
	if out.Err != "" {
		return out, errors.New(out.Err)
	}
	return out, nil
}

func (w *worker) close() {
	w.in.Close()
	w.cmd.Wait()
}

// self is a command that runs this binary in one of its roles.
func self(args ...string) (*exec.Cmd, error) {
	exe, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(exe, append([]string{roleMark}, args...)...)
	cmd.Stderr = os.Stderr
	return cmd, nil
}

// workerMain is the worker's side: orders in, outcomes out, until the pipe ends.
func workerMain(args []string) error {
	var s setup
	if err := json.Unmarshal([]byte(args[0]), &s); err != nil {
		return err
	}
	enc, dec := gob.NewEncoder(os.Stdout), gob.NewDecoder(os.Stdin)
	answer := func(out outcome, err error) error {
		if err != nil {
			out.Err = err.Error()
		}
		return enc.Encode(out)
	}
	if err := answer(outcome{}, s.apply()); err != nil {
		return err
	}
	for {
		var o order
		if err := dec.Decode(&o); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		if err := answer(o.run()); err != nil {
			return err
		}
	}
}

func (s setup) apply() error {
	for range s.Files {
		// Open files of their own, marked close-on-exec as every Go program's are.
		if _, err := syscall.Open(os.DevNull, syscall.O_RDONLY|syscall.O_CLOEXEC, 0); err != nil {
			return fmt.Errorf("open file: %w", err)
		}
	}
	if s.Memory == 0 {
		return nil
	}
	m, err := syscall.Mmap(-1, 0, int(s.Memory), syscall.PROT_READ|syscall.PROT_WRITE,
		syscall.MAP_PRIVATE|syscall.MAP_ANONYMOUS)
	if err != nil {
		return fmt.Errorf("mmap: %w", err)
	}
	// Small pages, as a heap that has grown over time has: huge ones would
	// make a fork look 512 times cheaper.
	if err := syscall.Madvise(m, syscall.MADV_NOHUGEPAGE); err != nil && err != syscall.EINVAL {
		return fmt.Errorf("madvise: %w", err)
	}
	for i := 0; i < len(m); i += os.Getpagesize() {
		m[i] = 1
	}
	return nil
}

// run makes the starts of one batch, after a few that do not count.
func (o order) run() (outcome, error) {
	prepare, ok := contenders[o.Contender]
	if !ok {
		return outcome{}, fmt.Errorf("unknown contender %q", o.Contender)
	}
	start, err := prepare(o)
	if err != nil {
		return outcome{}, err
	}
	if o.Procs > 0 {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(o.Procs))
	}
	for range max(o.Starts/10, 1) {
		if err := start(); err != nil {
			return outcome{}, err
		}
	}
	return o.measure(start)
}

func (o order) measure(start func() error) (outcome, error) {
	var (
		out    = outcome{Latency: make([]int64, o.Starts)}
		next   atomic.Int64
		failed atomic.Pointer[error]
		wg     sync.WaitGroup
	)
	loop := func() {
		for i := next.Add(1) - 1; i < int64(o.Starts); i = next.Add(1) - 1 {
			t := time.Now()
			if err := start(); err != nil {
				failed.Store(&err)
				return
			}
			out.Latency[i] = int64(time.Since(t))
		}
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	t := time.Now()
	for range o.Goroutines - 1 {
		wg.Go(loop)
	}
	loop()
	wg.Wait()
	out.Elapsed = time.Since(t)
	runtime.ReadMemStats(&after)
	out.Mallocs = after.Mallocs - before.Mallocs
	out.Bytes = after.TotalAlloc - before.TotalAlloc
	if err := failed.Load(); err != nil {
		return outcome{}, *err
	}
	return out, nil
}
