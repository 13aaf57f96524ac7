package main

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"syscall"
	"time"

	"github.com/sprog-dev/sprog"
)

// The ways into a cgroup.
const (
	noCgroup    = "no cgroup"
	bornInto    = "born into a cgroup (CLONE_INTO_CGROUP)"
	movedInto   = "started, then its pid written to cgroup.procs"
	newCgroup   = "Attr.Cgroup: made for it, removed after it"
	cgroupMount = "/sys/fs/cgroup"
)

// measureCgroup is what it takes to have a program in a cgroup, for starts back to
// back and for such that come now and then: moving a process makes the kernel
// wait for a grace period of RCU, unless another has moved just before.
func measureCgroup(b *bench, s *section) error {
	dir, err := benchCgroup()
	if err != nil {
		s.Notes = append(s.Notes, "Not here: "+err.Error()+".")
		return nil
	}
	defer dir.Close()
	defer os.Remove(dir.Name())
	list := map[time.Duration][]*sample{}
	gaps := []time.Duration{0, 100 * time.Millisecond}
	ways := []string{noCgroup, bornInto, movedInto, newCgroup}
	for _, gap := range gaps {
		for _, way := range ways {
			m := &sample{Contender: way, Variant: apart(gap), X: 1}
			list[gap] = append(list[gap], m)
			s.Samples = append(s.Samples, m)
		}
	}
	for round := range b.rounds(40) {
		for _, gap := range gaps {
			for _, i := range turns(round, len(ways)) {
				if err := b.startIn(dir, ways[i], gap, list[gap][i]); err != nil {
					return fmt.Errorf("%s: %w", ways[i], err)
				}
			}
		}
	}
	s.Table.Head = []string{"", apart(0), "more than none", apart(gaps[1]), "more than none"}
	for i, way := range ways {
		row := []string{way}
		for _, gap := range gaps {
			m := list[gap][i]
			m.finish()
			row = append(row, duration(m.P50), moreThan(list[gap][0], m))
		}
		s.Table.add(row...)
	}
	return nil
}

func apart(gap time.Duration) string {
	if gap == 0 {
		return "back to back"
	}
	return gap.String() + " apart"
}

// benchCgroup makes a cgroup for the starts.
func benchCgroup() (*os.File, error) {
	var all []error
	for _, mount := range []string{cgroupMount, cgroupMount + "/unified"} {
		if _, err := os.Stat(mount + "/cgroup.procs"); err != nil {
			all = append(all, err)
			continue
		}
		dir := fmt.Sprintf("%s/sprog-bench-%d", mount, os.Getpid())
		if err := os.Mkdir(dir, 0o755); err != nil {
			all = append(all, err)
			continue
		}
		return os.Open(dir)
	}
	return nil, errors.Join(all...)
}

// startIn is a batch of starts in one of the ways.
func (b *bench) startIn(dir *os.File, way string, gap time.Duration, m *sample) error {
	starts := 10
	if gap > 0 {
		starts = 2
	}
	begin, latency := time.Now(), make([]int64, starts)
	for i := range latency {
		time.Sleep(gap)
		c := &sprog.Cmd{Path: b.progs.Exit, Env: []string{}}
		switch way {
		case bornInto:
			c.SysProcAttr = &syscall.SysProcAttr{UseCgroupFD: true, CgroupFD: int(dir.Fd())}
		case newCgroup:
			c.Attr = &sprog.Attr{Cgroup: &sprog.Cgroup{Parent: dir.Name()}}
		}
		from := time.Now()
		if err := c.Start(); err != nil {
			return err
		}
		if way == movedInto {
			// It may be a zombie by now, which moves as well.
			err := os.WriteFile(dir.Name()+"/cgroup.procs", []byte(strconv.Itoa(c.Process.Pid)), 0)
			if err != nil && !errors.Is(err, syscall.ESRCH) {
				return err
			}
		}
		if err := c.Wait(); err != nil {
			return err
		}
		latency[i] = int64(time.Since(from))
	}
	m.add(starts, time.Since(begin), latency, 0, 0)
	return nil
}
