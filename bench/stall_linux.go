package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strconv"
	"time"
)

// slowExec is how long the file system takes to open the program.
const slowExec = time.Second

// byNobody is the stall of a process that starts nothing: what the scheduler
// and the garbage collector take by themselves.
const byNobody = "no start"

// measureStall looks at what a slow exec, as from a network file system, does
// to the rest of the process: how long a goroutine that wants a garbage
// collection every millisecond is held up.
func measureStall(b *bench, s *section) error {
	if os.Geteuid() != 0 {
		return errSkip("needs root, to mount a FUSE file system")
	}
	path, unmount, err := slowFile(b.progs.Exit, slowExec)
	if err != nil {
		return errSkip(err.Error())
	}
	defer unmount()
	names := append(b.among(bySprog, byExec, byForkExec), byNobody)
	times := 3
	if b.quick {
		times = 1
	}
	worst := map[string][]float64{}
	for round := range times {
		for _, i := range turns(round, len(names)) {
			st, err := runStall(names[i], path)
			if err != nil {
				return err
			}
			worst[names[i]] = append(worst[names[i]], float64(st.Longest))
			s.Stalls = append(s.Stalls, st)
		}
	}
	p := panel{Label: "longest stall of another goroutine; less is better", Format: duration}
	s.Table.Head = []string{"", "longest stall", "worst of all"}
	for _, name := range names {
		m := median(worst[name])
		s.Table.add(name, duration(m), duration(slices.Max(worst[name])))
		p.Bars = append(p.Bars, bar{Name: name, Contender: name, Value: m})
	}
	s.Notes = []string{fmt.Sprintf("One exec takes %v, since a FUSE file system is slow to open the program. Meanwhile another goroutine "+
		"calls runtime.GC every millisecond; the stall is what a turn takes beyond that millisecond. Median of %d runs.", slowExec, times)}
	if ns := worst[bySprog]; ns != nil {
		s.Aims = []aim{{What: "longest stall, in ms", Most: 50, Got: median(ns) / 1e6}}
	}
	s.charts = []chart{&barChart{
		File: "stall", Title: "While one exec takes a second",
		Subtitle: "how long a goroutine waits that calls runtime.GC() every millisecond",
		Panels:   []panel{p},
	}}
	return nil
}

// slowFile mounts a file system with a copy of a program that is slow to open.
func slowFile(program string, delay time.Duration) (path string, unmount func(), err error) {
	cmd, err := self("fuse", program, delay.String())
	if err != nil {
		return "", nil, err
	}
	cmd.SysProcAttr = ownMounts()
	in, err := cmd.StdinPipe()
	if err != nil {
		return "", nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return "", nil, err
	}
	if err := cmd.Start(); err != nil {
		return "", nil, fmt.Errorf("no mount namespace: %w", err)
	}
	unmount = func() {
		in.Close()
		cmd.Wait()
	}
	mounted, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		unmount()
		return "", nil, fmt.Errorf("no FUSE file system")
	}
	// The mount is only in the server's namespace, and goes away with it.
	return "/proc/" + strconv.Itoa(cmd.Process.Pid) + "/root" + mounted[:len(mounted)-1], unmount, nil
}

func runStall(contender, path string) (stall, error) {
	st := stall{Contender: contender}
	cmd, err := self("stall", contender, path)
	if err != nil {
		return st, err
	}
	out, err := cmd.Output()
	if err != nil {
		return st, fmt.Errorf("%s: %w", contender, err)
	}
	if err := json.Unmarshal(out, &st); err != nil {
		return st, err
	}
	if contender != byNobody && st.Exec < slowExec {
		return st, fmt.Errorf("%s: the exec took only %v", contender, st.Exec)
	}
	return st, nil
}

// stallMain makes one slow start while another goroutine collects garbage.
func stallMain(args []string) error {
	start := func() error {
		time.Sleep(slowExec)
		return nil
	}
	if args[0] != byNobody {
		var err error
		if start, err = contenders[args[0]](order{Prog: args[1]}); err != nil {
			return err
		}
	}
	stop, longest := make(chan struct{}), make(chan time.Duration)
	go collect(stop, longest)
	time.Sleep(100 * time.Millisecond)
	t := time.Now()
	err := start()
	took := time.Since(t)
	close(stop)
	worst := <-longest
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(stall{args[0], worst, took})
}

// collect calls the garbage collector every millisecond, and sends the
// longest time that a turn took beyond its millisecond.
func collect(stop <-chan struct{}, longest chan<- time.Duration) {
	const pause = time.Millisecond
	var worst time.Duration
	for {
		select {
		case <-stop:
			longest <- worst
			return
		default:
		}
		t := time.Now()
		runtime.GC()
		time.Sleep(pause)
		worst = max(worst, time.Since(t)-pause)
	}
}
